"""What systemd knows of the service; nothing where there is no systemd."""

from __future__ import annotations

import shutil
import subprocess

UNIT = "edgehands"
"""The service's unit, edgehands.service."""

_PROPERTIES = (
    *("LoadState", "ActiveState", "SubState", "Result", "UnitFileState", "NRestarts"),
    *("ExecMainStatus", "WatchdogUSec", "User", "DynamicUser", "Group", "SupplementaryGroups"),
)


def ask_unit(unit: str = UNIT) -> dict[str, str] | None:
    """Return a unit's properties by their names; None where nothing answers."""
    command = shutil.which("systemctl")
    if command is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603
            [command, "show", unit, f"--property={','.join(_PROPERTIES)}"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode != 0:
        return None
    pairs = (line.partition("=") for line in answer.stdout.splitlines())
    return {name: value for name, _, value in pairs}

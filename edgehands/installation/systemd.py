"""What is asked of systemd."""

from __future__ import annotations

import subprocess
from pathlib import Path

from edgehands.errors import DeviceError
from edgehands.installation.places import SERVICE, UNIT

_RUNNING = Path("/run/systemd/system")
_PROPERTIES = ("ActiveState", "SubState", "StatusText", "NRestarts", "UnitFileState", "MainPID")
_TOLD_LINES = 5


def check() -> None:
    """Refuse a machine without systemd.

    Raises:
        DeviceError: it does not run here.
    """
    if not _RUNNING.is_dir():
        raise DeviceError(
            "systemd does not run here: let something else start edgehands run --config "
            "/etc/edgehands/edgehands.toml"
        )


def reload() -> None:
    """Let it read unit files again."""
    _systemctl("daemon-reload")


def reload_rules() -> None:
    """Let udev read its rules again, where there is udev."""
    for command in (("control", "--reload"), ("trigger", "--subsystem-match=usb")):
        try:
            subprocess.run(["udevadm", *command], capture_output=True, check=False)  # noqa: S603, S607
        except OSError:
            return


def start() -> None:
    """Start the service now, anew if it runs, and with the machine.

    Raises:
        DeviceError: it does not become ready; the end of its journal says why.
    """
    _systemctl("enable", "--quiet", UNIT)
    try:
        _systemctl("restart", UNIT)
    except DeviceError as error:
        said = journal(_TOLD_LINES)
        raise DeviceError(
            f"the service does not start: {' / '.join(said) or error}; see: journalctl -u {SERVICE}"
        ) from error


def stop() -> None:
    """Stop it, and do not start it with the machine any more."""
    _systemctl("disable", "--quiet", "--now", UNIT)


def forget() -> None:
    """Forget that it ever failed."""
    subprocess.run(["systemctl", "reset-failed", UNIT], capture_output=True, check=False)  # noqa: S603, S607


def properties() -> dict[str, str]:
    """Return what systemd knows of the service.

    Raises:
        DeviceError: it cannot be asked.
    """
    told = _systemctl("show", f"--property={','.join(_PROPERTIES)}", UNIT)
    return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


def journal(lines: int) -> list[str]:
    """Return what the service said last, oldest first."""
    command = ["journalctl", f"--unit={UNIT}", f"--lines={lines}", "--output=cat", "--no-pager"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return []
    return told.stdout.splitlines()


def _systemctl(*arguments: str) -> str:
    command = ["systemctl", *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise DeviceError(f"cannot run systemctl: {error.strerror}") from error
    if answer.returncode != 0:
        raise DeviceError(f"{' '.join(command)}: {' '.join(answer.stderr.split())}")
    return answer.stdout

"""Where status sockets are: those of services, and those of a user's own runs."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

SYSTEM_FOLDER = Path("/run/edgehands")
"""RuntimeDirectory= of the service."""

_SUFFIX = ".status"
_NAME_LENGTH = 40  # a socket's whole path has some 100 characters


def socket_place(name: str) -> tuple[Path, int] | None:
    """Return where a run's socket goes, and its permissions; None where there is no such place.

    Args:
        name: tells a user's runs apart.
    """
    file = re.sub(r"[^\w.-]", "_", name)[:_NAME_LENGTH] + _SUFFIX
    if given := os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]:
        return Path(given) / file, 0o660  # for people in the unit's Group=
    folder = _user_folder()
    return (folder / file, 0o600) if folder else None


def find_sockets(name: str | None = None) -> list[Path]:
    """Return the sockets of services and of this user's runs, in that order.

    Args:
        name: only those of this name.
    """
    # Instances of the unit may have folders in the service's, or beside it.
    beside = _glob(SYSTEM_FOLDER.parent, f"{SYSTEM_FOLDER.name}[-@]*")
    folders = [SYSTEM_FOLDER, *_glob(SYSTEM_FOLDER, "*"), *beside]
    if folder := _user_folder():
        folders.append(folder)
    found = [path for each in folders for path in _glob(each, f"*{_SUFFIX}")]
    return [path for path in dict.fromkeys(found) if name in {None, path.stem}]


def _user_folder() -> Path | None:
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if runtime.is_absolute():
        return runtime / SYSTEM_FOLDER.name
    return SYSTEM_FOLDER if os.geteuid() == 0 else None


def _glob(folder: Path, pattern: str) -> list[Path]:
    with suppress(OSError):  # not this user's
        return sorted(folder.glob(pattern))
    return []

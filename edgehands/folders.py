"""This user's folders for EdgeHands, and writing a file there whole or not at all.

The folders are those of the XDG base directory specification. A user without a home has none, as a
service's user may not: what is only kept to save time must then be done without.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import time
from contextlib import suppress
from pathlib import Path

PART_PREFIX = ".part-"
"""Of a file that is still being written; one that stays was left by a killed process."""
_PART = re.compile(re.escape(PART_PREFIX) + "[0-9a-f]{16}")
_ABANDONED = 3600.0
"""Seconds after which nobody writes to such a file any more."""


def config() -> Path | None:
    """Return the folder for what the user has set or taught, None without a home."""
    return _folder("XDG_CONFIG_HOME", ".config")


def data() -> Path | None:
    """Return the folder for what the user wants to keep, None without a home."""
    return _folder("XDG_DATA_HOME", ".local/share")


def cache() -> Path | None:
    """Return the folder for what can be made again, None without a home."""
    return _folder("XDG_CACHE_HOME", ".cache")


def state() -> Path | None:
    """Return the folder for what was found out on this device, None without a home."""
    return _folder("XDG_STATE_HOME", ".local/state")


def write_whole(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write a file that appears under its name only when it is complete and on the disk.

    What a write that was cut off an hour ago or earlier has left beside it is removed.

    Args:
        path: its folder is made if need be.
        content: of the file.
        mode: its permissions; None takes those of the file that is there, with its owner, and
            leaves a new one's to the umask.

    Raises:
        OSError: it cannot be written; then nothing is left behind, and an older file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path.parent)
    part = path.with_name(f"{PART_PREFIX}{secrets.token_hex(8)}")
    try:
        with part.open("xb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            else:
                _be_like(path, file.fileno())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    with suppress(OSError):  # not every file system can
        _sync_folder(path.parent)


def _remove_abandoned(folder: Path) -> None:
    oldest = time.time() - _ABANDONED
    with suppress(OSError):  # it is about what nobody misses
        for entry in os.scandir(folder):
            if _PART.fullmatch(entry.name):
                with suppress(OSError):
                    found = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(found.st_mode) and found.st_mtime < oldest:
                        os.unlink(entry.path)  # noqa: PTH108 (no Path is made of every entry)


def _sync_folder(folder: Path) -> None:
    """Let a new name, too, survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _be_like(path: Path, file: int) -> None:
    """Give an open file the permissions, and for root the owner, of the one that it replaces."""
    with suppress(OSError):  # there is none, or the file system knows of neither
        old = path.stat()
        if os.geteuid() == 0:
            os.fchown(file, old.st_uid, old.st_gid)
        os.fchmod(file, stat.S_IMODE(old.st_mode))


def _folder(variable: str, default: str) -> Path | None:
    base = Path(os.environ.get(variable, ""))
    if not base.is_absolute():  # the specification: a relative path is to be ignored
        try:
            base = Path.home() / default
        except RuntimeError:
            return None
    return base / "edgehands"

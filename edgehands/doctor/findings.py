"""What a check answers, and the machine that it looks at."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from edgehands.cameras import v4l2
from edgehands.doctor.sources import find_source
from edgehands.monitor.asking import find_runs
from edgehands.monitor.systemd import ask_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgehands.cameras.v4l2 import Device
    from edgehands.monitor.asking import Run

_CLOCK_LOST = 16_000_000  # where the kernel says that nobody sets the clock

Level: TypeAlias = Literal["ok", "off", "note", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    check: str
    """Which check it is of: "models", "power" …"""
    level: Level
    """"off" is not here and need not be; a "note" is shown only to those who ask for all."""
    what: str
    """What there is, or what is wrong."""
    means: str = ""
    """What follows from it, for a problem."""
    mend: str = ""
    """The command that mends it."""
    exit_code: int = 0
    """Of an error: 69 or 78, see `edgehands.errors`."""

    @property
    def is_problem(self) -> bool:
        """Whether somebody should do something."""
        return self.level in {"warning", "error"}


def may_use(path: Path) -> bool:
    """Whether this user may read and write a device."""
    return os.access(path, os.R_OK | os.W_OK)


def ask_firmware() -> str | None:
    """Return what a Raspberry Pi's firmware says of throttling, None on anything else."""
    command = shutil.which("vcgencmd")
    if command is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603
            [command, "get_throttled"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout


def is_clock_set() -> bool | None:
    """Whether the kernel knows the time to 16 s, as systemd asks it; None where it says nothing."""
    answer = (ctypes.c_long * 32)()  # a struct timex; its first field 0 only asks
    try:
        if ctypes.CDLL(None).adjtimex(answer) < 0:
            return None
    except (OSError, AttributeError):
        return None
    return int(answer[3]) < _CLOCK_LOST  # maxerror, microseconds


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk that a folder is on, or would be made on."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Machine:
    """What the checks ask; everything can be put in its place by a test."""

    root: Path = Path("/")
    """Where proc, sys and dev are."""
    architecture: str = platform.machine()
    may_use: Callable[[Path], bool] = may_use
    cameras: Callable[[], list[Device]] = v4l2.find_devices
    check_camera: Callable[[str], None] = v4l2.check_device
    find_source: Callable[[str], str] = find_source
    ask_firmware: Callable[[], str | None] = ask_firmware
    free_bytes: Callable[[Path], int] = free_bytes
    ask_unit: Callable[[], Mapping[str, str] | None] = ask_unit
    find_runs: Callable[[], Sequence[Run]] = find_runs
    is_clock_set: Callable[[], bool | None] = is_clock_set

    def read(self, path: str | Path) -> str | None:
        """Return the text of a file below the root, None if it cannot be read."""
        try:
            return (self.root / path).read_text(errors="replace").strip("\0 \n")
        except OSError:
            return None

    def paths(self, pattern: str) -> list[Path]:
        """Return what matches below the root, sorted."""
        return sorted(self.root.glob(pattern))

    def shown(self, path: Path) -> str:
        """Return a path as the user knows it, without the root."""
        return f"/{path.relative_to(self.root)}" if path.is_relative_to(self.root) else str(path)

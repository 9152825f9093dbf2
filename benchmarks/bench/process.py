"""What a process takes of the machine, what others leave it, and how it comes first."""

from __future__ import annotations

import os
import time
from pathlib import Path

_NICE = -15
_AUTOGROUP = Path("/proc/self/autogroup")


def come_first() -> bool:
    """Let this process, and the threads that it will start, run before others where it may."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        if _AUTOGROUP.exists():  # there, the kernel shares time between sessions first
            _AUTOGROUP.write_text(str(_NICE), encoding="ascii")
    except OSError:
        return False
    return True


class Load:
    """What other processes take of the cores, from now on."""

    def __init__(self) -> None:
        self._busy, self._own, self._begin = _busy_seconds(), time.process_time(), time.monotonic()

    def others(self) -> float:
        """Return their share; 0 where /proc does not say."""
        room = (time.monotonic() - self._begin) * (os.cpu_count() or 1)
        theirs = _busy_seconds() - self._busy - (time.process_time() - self._own)
        return min(max(theirs / room, 0.0), 1.0)


def _busy_seconds() -> float:
    """Return the seconds that all cores have worked, or were taken by another guest."""
    try:
        with Path("/proc/stat").open(encoding="ascii") as file:
            user, nice, system, _idle, _wait, irq, soft, steal = map(
                int, file.readline().split()[1:9]
            )
    except (OSError, ValueError):
        return 0.0
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def resident_bytes() -> int:
    """Return the memory that this process has in RAM; 0 where /proc does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")

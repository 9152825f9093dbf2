"""The process's own memory limit: to end in good order before the machine has to choose whom."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARE = 0.9
"""Of the limit, at which the run ends."""
VARIABLE = "EDGEHANDS_MEMORY_MAX"
"""In which the unit repeats its MemoryMax=, in MB, for a kernel that does not keep it."""

_MB = 1e6
_PAGE = os.sysconf("SC_PAGE_SIZE") / _MB
_PROC = Path("/proc/self")
_GROUPS = Path("/sys/fs/cgroup")
_MAX = "memory.max"
_READINGS = 2  # in a row above it: a peak is no leak


class MemoryGuard:
    """Ends a run that grows beyond its limit.

    Args:
        limit_mb: of the resident memory of this process and those that it started, cameras' mostly;
            None takes that of their control group. Where the kernel keeps no account of groups it
            is that of `VARIABLE`.
        proc: where this process's files are, beside those of the others.
        groups: where the control groups are.
        environment: of this process.
    """

    def __init__(
        self,
        limit_mb: float | None,
        *,
        proc: Path = _PROC,
        groups: Path = _GROUPS,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        group = _own_group(proc, groups) if limit_mb is None else None
        self._group = group if group is not None and (group / _MAX).exists() else None
        if limit_mb is None and self._group is None:
            limit_mb = _limit_of(environment)
        self._limit = limit_mb
        self._proc = proc
        self._above = 0

    def check(self) -> None:
        """Look once.

        Raises:
            DeviceError: so much memory is in use again that the run must end.
        """
        used, limit = self._used(), self._limit or self._group_limit()
        if used is None or limit is None or used < SHARE * limit:
            self._above = 0
            return
        self._above += 1
        if self._above >= _READINGS:
            raise DeviceError(
                f"memory: {used:.0f} of {limit:.0f} MB are used, so this process ends, to be "
                "started anew; is it always so? raise memory_limit in [service]"
            )

    def _used(self) -> float | None:
        if self._limit is not None:
            return _family_mb(self._proc)
        if self._group is None:
            return None
        current = _number(self._group / "memory.current")
        return None if current is None else (current - _reclaimable(self._group)) / _MB

    def _group_limit(self) -> float | None:
        limit = _number(self._group / _MAX) if self._group is not None else None
        return None if limit is None else limit / _MB


def resident_mb(proc: Path = _PROC) -> float | None:
    """Return the memory that this process occupies, in MB."""
    pages = _pages(proc)
    return None if pages is None else pages[0] * _PAGE


def _family_mb(proc: Path) -> float | None:
    """Return what this process occupies, and those that it started on top of that."""
    own = _pages(proc)
    others = [pages for child in _children(proc) if (pages := _pages(proc.parent / child))]
    if own is None:
        return None
    return (own[0] + sum(resident - shared for resident, shared in others)) * _PAGE


def _pages(proc: Path) -> tuple[int, int] | None:
    """Return the pages that a process occupies, and how many of those others may share."""
    try:
        _, resident, shared, *_ = map(int, (proc / "statm").read_text().split())
    except (OSError, ValueError):
        return None
    return resident, shared


def _children(proc: Path) -> list[str]:
    """Return the numbers of the processes that this one started; none where they are not told."""
    found: list[str] = []
    for thread in (proc / "task").glob("*/children"):
        with suppress(OSError):  # it has ended
            found += thread.read_text().split()
    return found


def _own_group(proc: Path, groups: Path) -> Path | None:
    try:
        lines = (proc / "cgroup").read_text().splitlines()
    except OSError:
        return None
    own = next((line[3:] for line in lines if line.startswith("0::")), None)
    return None if own is None else groups / own.lstrip("/")


def _limit_of(environment: Mapping[str, str]) -> float | None:
    """Return the manager's limit in MB, None where it names none."""
    limit = environment.get(VARIABLE, "")
    return float(limit) if limit.isascii() and limit.isdigit() and int(limit) else None


def _number(path: Path) -> int | None:
    """Return what a file says, None for "max" or no such file."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _reclaimable(group: Path) -> int:
    """Return the bytes that the kernel takes back when it needs them: files that were read."""
    try:
        lines = (group / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)

"""The process's own memory limit, on a made-up /proc and made-up control groups."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from edgehands.errors import DeviceError
from edgehands.service.memory import VARIABLE, MemoryGuard, resident_mb

UNIT = Path(__file__).parent.parent / "systemd/edgehands.service"
PAGES_PER_MB = 1e6 / os.sysconf("SC_PAGE_SIZE")


class Machine:
    """What the kernel would say."""

    def __init__(self, folder: Path) -> None:
        self.proc, self.groups = folder / "proc/self", folder / "cgroup"
        self.group = self.groups / "system.slice/edgehands.service"
        self.proc.mkdir(parents=True)
        self.group.mkdir(parents=True)
        self.uses(100)

    def uses(self, mb: float) -> None:
        (self.proc / "statm").write_text(f"9999999 {int(mb * PAGES_PER_MB)} 1 1 0 1 0\n")

    def captures(self, number: int, mb: float, shared: float) -> None:
        """Let one of its threads have started a process, whose memory it shares in part."""
        thread, child = self.proc / f"task/{number + 1}", self.proc.parent / str(number)
        for folder in (thread, child):
            folder.mkdir(parents=True, exist_ok=True)
        (thread / "children").write_text(f"{number} ")
        pages = f"{int(mb * PAGES_PER_MB)} {int(shared * PAGES_PER_MB)}"
        (child / "statm").write_text(f"9999999 {pages} 1 0 1 0\n")

    def limits(self, mb: str, current: float, files: float = 0) -> None:
        (self.proc / "cgroup").write_text("0::/system.slice/edgehands.service\n")
        (self.group / "memory.max").write_text(f"{mb}\n")
        (self.group / "memory.current").write_text(f"{int(current * 1e6)}\n")
        (self.group / "memory.stat").write_text(f"anon 1\ninactive_file {int(files * 1e6)}\n")

    def guard(self, limit: float | None, **environment: str) -> MemoryGuard:
        return MemoryGuard(limit, proc=self.proc, groups=self.groups, environment=environment)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_process_that_grows_to_nine_tenths_ends_and_says_so(machine: Machine) -> None:
    guard = machine.guard(500)
    machine.uses(449)
    guard.check()
    machine.uses(451)
    guard.check()  # once is a peak
    with pytest.raises(DeviceError, match="451 of 500 MB are used"):
        guard.check()


def test_what_the_cameras_processes_use_on_top_counts_too(machine: Machine) -> None:
    guard = machine.guard(500)
    machine.uses(300)
    machine.captures(70, 90, shared=30)
    machine.captures(80, 110, shared=30)
    for _ in range(3):
        guard.check()
    machine.captures(80, 130, shared=30)
    (machine.proc / "task/99").mkdir()
    (machine.proc / "task/99/children").write_text("98")  # has ended meanwhile
    guard.check()
    with pytest.raises(DeviceError, match="460 of 500 MB are used"):
        guard.check()


def test_a_peak_is_no_leak(machine: Machine) -> None:
    guard = machine.guard(500)
    for used in (451, 300) * 5:
        machine.uses(used)
        guard.check()


def test_without_a_limit_the_control_groups_counts_less_what_the_kernel_takes_back(
    machine: Machine,
) -> None:
    machine.limits("500000000", current=480, files=100)
    guard = machine.guard(None)
    guard.check()
    guard.check()
    machine.limits("500000000", current=480, files=10)
    guard.check()
    with pytest.raises(DeviceError, match="470 of 500 MB"):
        guard.check()


def test_where_the_kernel_keeps_no_account_of_groups_the_units_limit_counts(
    machine: Machine,
) -> None:
    (machine.proc / "cgroup").write_text("0::/system.slice/edgehands.service\n")
    guard = machine.guard(None, EDGEHANDS_MEMORY_MAX="512")
    machine.uses(470)
    guard.check()
    with pytest.raises(DeviceError, match="470 of 512 MB"):
        guard.check()
    wider = machine.guard(800, EDGEHANDS_MEMORY_MAX="512")
    for _ in range(3):
        wider.check()


@pytest.mark.parametrize("limit", ["max", "900000000"])
def test_where_it_does_its_own_limit_counts_and_not_the_units(machine: Machine, limit: str) -> None:
    machine.limits(limit, current=700)
    machine.uses(700)
    guard = machine.guard(None, EDGEHANDS_MEMORY_MAX="512")
    for _ in range(3):
        guard.check()


@pytest.mark.parametrize("file", [UNIT, *sorted(UNIT.with_suffix(".service.d").iterdir())])
def test_the_unit_tells_the_guard_each_limit_that_it_sets(file: Path) -> None:
    text = file.read_text()
    limits = {"512M": "512", "1G": "1024", "4G": "4096"}
    wanted = [limits[limit] for limit in re.findall(r"^MemoryMax=(.*)$", text, re.MULTILINE)]
    assert re.findall(rf"^Environment={VARIABLE}=(.*)$", text, re.MULTILINE) == wanted


@pytest.mark.parametrize("limit", ["max", None])
def test_no_limit_anywhere_is_none(machine: Machine, limit: str | None) -> None:
    if limit:
        machine.limits(limit, current=1e6)
    machine.uses(1e6)
    guard = machine.guard(None)
    for _ in range(3):
        guard.check()


def test_the_memory_of_this_very_process_is_known() -> None:
    used = resident_mb()
    assert used is not None
    assert 10 < used < 10_000

"""The device that was measured, and what state it was in: a figure without it says little."""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING

import msgspec

from edgehands import verdict
from edgehands.benchmarks.bench.pipeline_sustained import hottest, mean_clock
from edgehands.doctor.findings import Machine
from edgehands.doctor.system import check_power

if TYPE_CHECKING:
    from collections.abc import Sequence

BUSY = 0.5
"""Load for each core from which a machine counts as busy."""
_SLOWED = 0.9  # of the first clock
_OTHERS = 0.1  # share of the cores


class State(msgspec.Struct, frozen=True):
    """What changes while one measures; None or "" where nothing says."""

    mhz: float | None
    """The mean clock of the cores."""
    celsius: float | None
    """Of the hottest sensor."""
    throttled: str
    """The bits of a Raspberry Pi's firmware, such as "0x50000"."""
    load: float
    """Average of the last minute."""


class Device(msgspec.Struct, frozen=True):
    """A device and its software."""

    board: str
    """As the device tree or the firmware names it, "" in most virtual machines."""
    cpu: str
    machine: str
    cores: int
    """Those that this process may use."""
    memory_mb: int
    system: str
    kernel: str
    governor: str
    python: str
    edgehands: str
    runtimes: dict[str, str]
    """Versions of the installed runtimes."""
    before: State
    after: State
    came_first: bool = False
    """Whether others had to wait for what was measured: only root may ask for that."""
    peak_gflops: dict[str, float] = {}
    """Of a float32 matrix product, by number of threads."""

    def __str__(self) -> str:
        name = ", ".join(filter(None, (self.board, self.cpu.removeprefix(f"{self.board}, "))))
        return f"{name or self.machine}, {self.cores} cores"


def state(machine: Machine | None = None) -> State:
    """Look at clock, heat and load."""
    machine = machine or Machine()
    bits = re.search(
        r"(?:0x)?[0-9a-fA-F]+\s*$",
        machine.read("sys/devices/platform/soc/soc:firmware/get_throttled")
        or machine.ask_firmware()
        or "",
    )
    load = (machine.read("proc/loadavg") or "0").split()
    return State(mean_clock(machine), hottest(machine), bits[0] if bits else "", float(load[0]))


def device(before: State, machine: Machine | None = None) -> Device:
    """Describe this device, after a benchmark that began in the state `before`."""
    machine = machine or Machine()
    known = verdict.fingerprint(machine.root)
    return Device(
        board=_board(machine),
        cpu=known.cpu,
        machine=known.machine,
        cores=known.cores,
        memory_mb=_kilobytes(machine) // 1024,
        system=_system(machine),
        kernel=platform.release(),
        governor=_governor(machine),
        python=platform.python_version(),
        edgehands=known.edgehands,
        runtimes=known.runtimes,
        before=before,
        after=state(machine),
    )


def warnings(
    device: Device,
    others: Sequence[float] = (),
    clocks: Sequence[float] = (),
    machine: Machine | None = None,
) -> list[str]:
    """Say what makes figures of this device worth less, each in a line.

    Args:
        device: with its states before and after.
        others: share of the cores that other processes took, in each round.
        clocks: of the cores at the end of each round, MHz, in their order.
        machine: whose governor, clock limit and heat are looked at.
    """
    found = [
        f"{finding.what}: {finding.means}; {finding.mend}"
        for finding in check_power(machine or Machine())
        if finding.is_problem
    ]
    load = device.before.load
    if load > BUSY * device.cores:
        found.append(
            f"the machine was busy at the start (load {load:.1f} on {device.cores} cores): "
            "measure when it is idle"
        )
    if clocks and min(clocks) < _SLOWED * clocks[0]:
        found.append(f"the clock fell from {clocks[0]:.0f} to {min(clocks):.0f} MHz meanwhile")
    share = sorted(others)[len(others) // 2] if others else 0.0
    if share > _OTHERS:
        found.append(
            f"other processes took {share:.0%} of the cores in the median round"
            + ("; the runs came first, as root may ask for" if device.came_first else "")
        )
    return found


def _board(machine: Machine) -> str:
    dmi = [machine.read(f"sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name")]
    return machine.read("proc/device-tree/model") or " ".join(filter(None, dmi))


def _system(machine: Machine) -> str:
    name = re.search(
        r'^PRETTY_NAME="?([^"\n]*)', machine.read("etc/os-release") or "", re.MULTILINE
    )
    return name[1] if name else platform.system()


def _governor(machine: Machine) -> str:
    files = machine.paths("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
    return ", ".join(sorted({machine.read(file) or "" for file in files} - {""}))


def _kilobytes(machine: Machine) -> int:
    total = re.search(r"MemTotal:\s*(\d+)", machine.read("proc/meminfo") or "")
    return int(total[1]) if total else 0

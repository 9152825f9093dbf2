"""Processor, clock, heat and memory, as /proc and /sys tell them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edgehands.doctor.findings import Finding
from edgehands.errors import DeviceError
from edgehands.verdict import cpu_name

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.doctor.findings import Machine

_LITERT_GPU_FEATURES = ("atomics", "asimddp", "asimdhp", "lrcpc", "asimdrdm")
_DYNAMIC_DRIVERS = {"intel_pstate", "amd-pstate-epp"}  # there "powersave" is the normal governor
_HOT_CELSIUS = 80.0  # where the kernel names no limit of its own; a Raspberry Pi slows down there
_MIN_AVAILABLE_MB = 200

_THROTTLED_NOW = {
    0x1: "under-voltage",
    0x2: "capped clock",
    0x4: "throttling",
    0x8: "soft temperature limit",
}
_SINCE_BOOT = 16  # the same bits, shifted, say that it has happened


def check_cpu(machine: Machine) -> list[Finding]:
    """Processor and what it can do."""
    if not re.fullmatch(r"x86_64|amd64|aarch64|arm64", machine.architecture):
        return [
            Finding(
                "cpu",
                "error",
                f"this is a 32-bit or unknown system ({machine.architecture})",
                "no runtime is made for it",
                "install the 64-bit system image on this device",
                DeviceError.exit_code,
            )
        ]
    text = machine.read("proc/cpuinfo")
    if text is None:
        return [
            Finding(
                "cpu",
                "warning",
                "/proc/cpuinfo cannot be read",
                "XNNPACK does not know the processor and stays off: tflite is 8 times slower",
                "sudo systemctl edit edgehands, and set ProcSubset=all; in a container, mount "
                "/proc whole",
            )
        ]
    features = set(re.findall(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE | re.IGNORECASE))
    words = set(" ".join(features).split())
    name = cpu_name(machine.root) or machine.architecture
    cores = len(re.findall(r"^processor\s*:", text, re.MULTILINE))
    if machine.architecture in {"x86_64", "amd64"}:
        return [*_x86(words), Finding("cpu", "ok", f"{name}, {cores} cores")]
    return [*_arm(words), Finding("cpu", "ok", f"{name}, {cores} cores")]


def _x86(words: set[str]) -> list[Finding]:
    if {"avx2", "fma"} <= words:
        return []
    return [
        Finding(
            "cpu",
            # A real processor without it cannot be mended: nobody needs to read that every time.
            "warning" if "hypervisor" in words else "note",
            "the processor has no AVX2",
            "models run several times slower than they could",
            "give the virtual machine the host's processor (QEMU: -cpu host)",
        )
    ]


def _arm(words: set[str]) -> list[Finding]:
    lacking = [name for name in _LITERT_GPU_FEATURES if name not in words]
    if not lacking:
        return []
    return [
        Finding(
            "cpu",
            "note",
            f"the processor has no {', '.join(lacking)}",
            "litert-gpu cannot run here (it is built for ARMv8.2), all else can",
        )
    ]


def check_power(machine: Machine) -> list[Finding]:
    """Clock, heat and supply: what makes a fast device slow."""
    governor, problems = _governor(machine)
    celsius, heat = _heat(machine)
    problems += heat + _throttled(machine)
    if problems:
        return problems
    facts = [f"governor {governor}"] if governor else []
    facts += [f"{celsius:.0f} °C"] if celsius is not None else []
    return [Finding("power", "ok", ", ".join(facts) or "nothing is said of clock and temperature")]


def _governor(machine: Machine) -> tuple[str, list[Finding]]:
    problems = []
    folders = machine.paths("sys/devices/system/cpu/cpu[0-9]*/cpufreq")
    names = {machine.read(folder / "scaling_governor") for folder in folders}
    governors = sorted(filter(None, names))
    dynamic = any(machine.read(folder / "scaling_driver") in _DYNAMIC_DRIVERS for folder in folders)
    if "powersave" in governors and not dynamic:
        problems.append(
            Finding(
                "power",
                "warning",
                "the CPU governor is powersave",
                "the processor stays at its lowest clock",
                "echo ondemand | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
            )
        )
    for folder in folders[:1]:
        top = _number(machine.read(folder / "scaling_max_freq"))
        able = _number(machine.read(folder / "cpuinfo_max_freq"))
        if top and able and top < 0.9 * able:
            problems.append(
                Finding(
                    "power",
                    "warning",
                    f"the clock is limited to {top // 1000} of {able // 1000} MHz",
                    "every model runs slower by as much",
                    f"echo {able} | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_max_freq",
                )
            )
    return ", ".join(governors), problems


def _heat(machine: Machine) -> tuple[float | None, list[Finding]]:
    hottest = None
    for zone in machine.paths("sys/class/thermal/thermal_zone*"):
        celsius = (_number(machine.read(zone / "temp")) or 0) / 1000
        limit = _slow_down(machine, zone)
        if celsius >= limit:
            name = machine.read(zone / "type") or zone.name
            return celsius, [
                Finding(
                    "power",
                    "warning",
                    f"{name} is at {celsius:.0f} °C, it slows down at {limit:.0f}",
                    "frames take longer the longer it runs",
                    f"give it a heat sink or a fan; watch: watch cat {machine.shown(zone)}/temp",
                )
            ]
        if celsius > 0:
            hottest = max(celsius, hottest or 0.0)
    return hottest, []


def _slow_down(machine: Machine, zone: Path) -> float:
    """Return the temperature at which a zone's device is slowed down."""
    limits = []
    for number in range(12):
        kind = machine.read(zone / f"trip_point_{number}_type")
        celsius = (_number(machine.read(zone / f"trip_point_{number}_temp")) or 0) / 1000
        if kind in {"passive", "hot"} and celsius > 0:
            limits.append(celsius)
    return min(limits, default=_HOT_CELSIUS)


def _throttled(machine: Machine) -> list[Finding]:
    said = machine.read("sys/devices/platform/soc/soc:firmware/get_throttled")
    match = re.search(r"(?:0x)?([0-9a-fA-F]+)\s*$", said or machine.ask_firmware() or "")
    bits = int(match[1], 16) if match else 0
    now = [name for bit, name in _THROTTLED_NOW.items() if bits & bit]
    before = [name for bit, name in _THROTTLED_NOW.items() if bits & bit << _SINCE_BOOT]
    if not now and not before:
        return []
    supply = "under-voltage" in now + before
    return [
        Finding(
            "power",
            "warning" if now or supply else "note",
            f"the firmware reports {', '.join(now)} now"
            if now
            else f"the firmware has seen {', '.join(before)} since it started",
            "the clock is lowered, and USB cameras may drop out" if supply else "it runs slower",
            ("use the board's own power supply and a short cable" if supply else "cool it better")
            + "; then look: vcgencmd get_throttled",
        )
    ]


def check_memory(machine: Machine) -> list[Finding]:
    """Memory, and whether a service can be limited to a share of it."""
    problems = []
    available = re.search(r"MemAvailable:\s*(\d+)", machine.read("proc/meminfo") or "")
    megabytes = int(available[1]) // 1024 if available else None
    if megabytes is not None and megabytes < _MIN_AVAILABLE_MB:
        problems.append(
            Finding(
                "memory",
                "warning",
                f"only {megabytes} MB of memory are available",
                "the kernel may end edgehands at any moment",
                "see who takes it: ps aux --sort=-rss | head",
            )
        )
    limited = _has_memory_cgroup(machine)
    if limited is False:
        problems.append(
            Finding(
                "memory",
                "warning",
                "the memory cgroup is disabled",
                "MemoryMax= of the service does nothing, without a word",
                "add cgroup_enable=memory to the line in /boot/firmware/cmdline.txt: "
                "sudo sed -i '1s/$/ cgroup_enable=memory/' /boot/firmware/cmdline.txt && "
                "sudo reboot",
            )
        )
    if problems:
        return problems
    free = f"{megabytes} MB available" if megabytes is not None else "/proc/meminfo is hidden"
    cgroup = "memory cgroup on" if limited else "memory cgroup unknown"
    return [Finding("memory", "ok", f"{free}, {cgroup}")]


def _has_memory_cgroup(machine: Machine) -> bool | None:
    """Whether it is on; None where nothing says."""
    controllers = machine.read("sys/fs/cgroup/cgroup.controllers")
    if controllers is not None:
        return "memory" in controllers.split()
    row = re.search(r"^memory\s+\d+\s+\d+\s+(\d)", machine.read("proc/cgroups") or "", re.MULTILINE)
    if row:
        return row[1] == "1"
    return None


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"-?\d+", text) else None

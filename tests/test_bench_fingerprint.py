"""What is said of a device, from a /proc and a /sys of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgehands.benchmarks.bench import fingerprint
from edgehands.doctor.findings import Machine

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/cpuinfo": "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0b\n",
    "proc/loadavg": "0.31 0.2 0.1 1/100 1234\n",
    "proc/meminfo": "MemTotal:        8245000 kB\n",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "2400000\n",
    "sys/class/thermal/thermal_zone0/temp": "52300\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0x50000\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def machine(root: Path) -> Machine:
    return Machine(root, ask_firmware=lambda: None)


def test_board_clock_heat_and_throttling_are_told(root: Path) -> None:
    here = machine(root)
    known = fingerprint.device(fingerprint.state(here), here)
    assert known.board == "Raspberry Pi 5 Model B Rev 1.0"
    assert str(known).startswith("Raspberry Pi 5 Model B Rev 1.0, 0x41/0xd0b, ")
    assert known.system == "Debian GNU/Linux 13 (trixie)"
    assert known.memory_mb == 8051
    assert known.governor == "ondemand"
    assert (known.before.mhz, known.before.celsius, known.before.load) == (2400, 52.3, 0.31)
    assert known.before.throttled == "0x50000"
    assert "ai-edge-litert" in known.runtimes


def test_a_machine_that_tells_nothing_is_described_all_the_same(tmp_path: Path) -> None:
    here = machine(tmp_path)
    known = fingerprint.device(fingerprint.state(here), here)
    assert (known.board, known.governor, known.memory_mb) == ("", "", 0)
    assert (known.before.mhz, known.before.celsius, known.before.throttled) == (None, None, "")
    assert fingerprint.warnings(known, machine=here) == []


def test_it_warns_of_governor_heat_load_and_neighbours(root: Path) -> None:
    here = machine(root)
    known = fingerprint.device(fingerprint.state(here), here)
    (seen,) = fingerprint.warnings(known, machine=here)
    assert "firmware has seen" in seen
    folder = root / "sys/devices/system/cpu/cpu0/cpufreq"
    (folder / "scaling_governor").write_text("powersave\n")
    (root / "sys/class/thermal/thermal_zone0/temp").write_text("86000\n")
    (root / "proc/loadavg").write_text("99 9 9 1/1 1\n")
    known = fingerprint.device(fingerprint.state(here), here)
    said = "\n".join(fingerprint.warnings(known, [0.4, 0.5, 0.6], [2400, 1500], here))
    for words in ("powersave", "86 °C", "load 99.0", "50% of the cores", "2400 to 1500 MHz"):
        assert words in said

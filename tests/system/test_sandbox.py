"""The unit under a real systemd: what its sandbox refuses and what it leaves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.system.machine import Machine, skip_without_tools

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "systemd" / "edgehands.service"
PROBE = "/usr/local/share/escape.py"
ANSWER = "/run/escape.json"
# In place of EdgeHands; everything else of the unit stays as it is.
AS_PROBE = f"""[Service]
Type=oneshot
Restart=no
WatchdogSec=0
ExecStart=
ExecStart=/usr/bin/python3 -I {PROBE}
StandardOutput=truncate:{ANSWER}
# Stand-ins for a camera, and for a disk and another device that anybody could open.
DeviceAllow=/dev/escape-camera rw
"""

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with the unit, and nothing of EdgeHands but its folders."""
    skip_without_tools()
    machine = Machine(tmp_path_factory.mktemp("unit"))
    try:
        machine.boot()
        for folder in ("opt/edgehands", "etc/edgehands", "home/somebody"):
            (machine.root / folder).mkdir()
        (machine.root / "home/somebody/diary").write_text("mine")
        (machine.root / "etc/edgehands/edgehands.toml").touch()
        password = machine.root / "etc/edgehands/mqtt-password"
        password.write_text("secret\n")
        password.chmod(0o600)
        shutil.copy(Path(__file__).with_name("escape.py"), machine.root / PROBE.lstrip("/"))
        shutil.copy(UNIT, machine.root / "etc/systemd/system")
        # Loop devices and FUSE: most kernels have them.
        for name, kind, mode in (
            *(("camera", "c 10 237", "0660"), ("disk", "b 7 0", "0666")),
            ("device", "c 10 229", "0666"),
        ):
            machine.run("mknod", f"--mode={mode}", f"/dev/escape-{name}", *kind.split())
        machine.run("chgrp", "video", "/dev/escape-camera")
        yield machine
    finally:
        machine.remove()


def probed(machine: Machine, dropin: str = "") -> dict[str, dict[str, str]]:
    """Run the probe as the unit with a drop-in, and return what it says."""
    folder = machine.root / "etc/systemd/system/edgehands.service.d"
    folder.mkdir(exist_ok=True)
    (folder / "10-tested.conf").write_text(dropin)
    (folder / "99-probe.conf").write_text(AS_PROBE)
    machine.run("systemctl", "daemon-reload")
    answer = machine.run("systemctl", "start", "edgehands", check=False)
    assert answer.returncode == 0, machine.run("cat", ANSWER).stdout
    told: dict[str, dict[str, str]] = json.loads(machine.run("cat", ANSWER).stdout)
    return told


def test_everything_forbidden_is_refused(machine: Machine) -> None:
    told = probed(machine)["forbidden"]
    assert len(told) >= 40
    assert {name: how for name, how in told.items() if not how.startswith("refused")} == {}


def test_everything_needed_is_left(machine: Machine) -> None:
    told = probed(machine)["needed"]
    assert {name: how for name, how in told.items() if how != "allowed"} == {}


def test_without_a_network_no_socket_leads_out(machine: Machine) -> None:
    told = probed(machine, (UNIT.with_suffix(".service.d") / "no-network.conf").read_text())
    refused = {name for name, how in told["needed"].items() if how.startswith("refused")}
    assert refused == {"talk to a broker", "talk to a broker over IPv6"}
    assert all(how.startswith("refused") for how in told["forbidden"].values())


def test_the_attempts_work_where_nothing_forbids_them(machine: Machine) -> None:
    answer = machine.run(
        *(
            "systemd-run",
            "--wait",
            "--pipe",
            "--quiet",
            "--property=StateDirectory=edgehands",
            "--property=CacheDirectory=edgehands",
            "--property=RuntimeDirectory=edgehands",
        ),
        *("/usr/bin/python3", "-I", PROBE),
    )
    told = json.loads(answer.stdout)["forbidden"]
    worked = {name for name, how in told.items() if how.startswith("allowed")}
    # The machine itself, as a container, forbids the rest.
    assert len(worked) >= 30, {name: how for name, how in told.items() if name not in worked}

"""The process that sees pictures without a network, and its events at a broker all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.machine import wait_for
from tests.system.running import CAMERA, LIGHT, STDOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.running import Service

pytestmark = pytest.mark.system

SOCKET = "/run/mosquitto/edgehands.sock"
OUTPUT = f"""
[[output]]
type = "mqtt"
url = "unix://{SOCKET}"
node = "mirror"
"""
# Other users must be let into the folder; into the socket, mosquitto lets its group.
BROKER_UNIT = "[Service]\nExecStartPre=/bin/chmod 755 /run/mosquitto\n"


@pytest.fixture
def apart(service: Service) -> Iterator[Service]:
    """The service, and a broker on a unix socket."""
    machine = service.machine
    conf = "/etc/mosquitto/conf.d/tested.conf"
    machine.write(conf, f"listener 0 {SOCKET}\nallow_anonymous true\n")
    machine.run("mkdir", "-p", "/etc/systemd/system/mosquitto.service.d")
    machine.run("systemctl", "unmask", "mosquitto")
    machine.write("/etc/systemd/system/mosquitto.service.d/tested.conf", BROKER_UNIT)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "mosquitto")
    service.configure(CAMERA, OUTPUT, LIGHT)
    yield service
    machine.run("systemctl", "stop", "mosquitto")
    machine.run("rm", "-r", "/etc/systemd/system/mosquitto.service.d")
    service.configure(CAMERA, STDOUT, LIGHT)


def test_events_leave_a_process_that_has_no_network(apart: Service) -> None:
    machine = apart.machine
    assert machine.property("edgehands", "PrivateNetwork") == "yes"
    assert machine.property("edgehands", "RestrictAddressFamilies") == "AF_UNIX"
    wait_for(lambda: apart.status()["outputs"][0]["delivered"] > 0, 30, "an event at the broker")
    for pid in (apart.pid, *apart.children()):
        devices = machine.run("cat", f"/proc/{pid}/net/dev").stdout.splitlines()[2:]
        assert [line.split(":")[0].strip() for line in devices] == ["lo"]
        mine = machine.run("readlink", f"/proc/{pid}/ns/net").stdout
        assert mine != machine.run("readlink", "/proc/1/ns/net").stdout

"""A password in a file that only root can read reaches the broker, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.machine import wait_for
from tests.system.running import BROKER, CAMERA, LIGHT, STDOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.running import Service

pytestmark = pytest.mark.system

CANARY = "canary-4f9a1c77"
FILE = "/etc/edgehands/mqtt-password"
MOSQUITTO = """
listener 1883 127.0.0.1
allow_anonymous false
password_file /etc/mosquitto/passwords
"""


@pytest.fixture(scope="module")
def guarded(service: Service) -> Iterator[Service]:
    """The service, and a broker that asks for a password."""
    machine = service.machine
    machine.run("mosquitto_passwd", "-c", "-b", "/etc/mosquitto/passwords", "mirror", CANARY)
    machine.run("chown", "mosquitto", "/etc/mosquitto/passwords")
    machine.write("/etc/mosquitto/conf.d/tested.conf", MOSQUITTO)
    machine.run("systemctl", "unmask", "mosquitto")
    machine.run("systemctl", "restart", "mosquitto")
    yield service
    machine.run("systemctl", "stop", "mosquitto")
    machine.run("rm", "-f", FILE)
    service.configure(CAMERA, STDOUT, LIGHT)


def delivered(service: Service) -> bool:
    outputs = service.status()["outputs"]
    return any(output["kind"] == "mqtt" and output["delivered"] > 0 for output in outputs)


def test_without_the_file_the_broker_refuses_and_the_service_runs(guarded: Service) -> None:
    guarded.configure(CAMERA, BROKER, LIGHT)
    assert guarded.is_ready()
    assert not delivered(guarded)


def test_the_password_comes_from_a_file_that_only_root_can_read(guarded: Service) -> None:
    guarded.machine.write(FILE, f"{CANARY}\n")
    guarded.machine.run("chmod", "600", FILE)
    guarded.machine.run("systemctl", "restart", "edgehands")
    wait_for(lambda: delivered(guarded), 15, "an event at the broker")


def test_the_password_is_nowhere_else(guarded: Service) -> None:
    machine = guarded.machine
    for pid in (guarded.pid, *guarded.children()):
        for name in ("environ", "cmdline"):
            assert CANARY not in machine.run("cat", f"/proc/{pid}/{name}").stdout
    assert CANARY not in machine.journal("edgehands")
    assert CANARY not in machine.run("systemctl", "show", "edgehands").stdout
    places = ("/var/lib/edgehands/", "/var/cache/edgehands/", "/run/edgehands", "/opt/edgehands")
    assert machine.run("grep", "-rlF", CANARY, *places, check=False).stdout == ""
    assert CANARY not in machine.run("edgehands", "config", "show", "--origin").stdout

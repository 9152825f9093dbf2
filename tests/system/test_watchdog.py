"""What hangs is killed and comes back; what only waits for others is left alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.system.machine import wait_for
from tests.system.running import BROKER, CAMERA, LIGHT, STDOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.running import Service

pytestmark = pytest.mark.system

REVIVED_SECONDS = 15.0


@pytest.fixture(scope="module")
def busy(service: Service) -> Iterator[Service]:
    """The service with a broker, so that every kind of thread is there."""
    broker = service.machine
    broker.write(
        "/etc/mosquitto/conf.d/tested.conf", "listener 1883 127.0.0.1\nallow_anonymous true\n"
    )
    broker.run("systemctl", "unmask", "mosquitto")
    broker.run("systemctl", "restart", "mosquitto")
    service.configure(CAMERA, STDOUT, BROKER, LIGHT)
    assert service.gets_on()
    yield service
    broker.run("systemctl", "stop", "mosquitto")
    service.configure(CAMERA, STDOUT, LIGHT)


def test_a_stopped_process_is_killed_and_comes_back(busy: Service) -> None:
    pid = busy.pid
    busy.machine.run("kill", "-STOP", str(pid))
    assert busy.wait_until_replaced(pid, REVIVED_SECONDS)
    assert busy.gets_on()


def test_whatever_thread_hangs_the_service_comes_back(busy: Service) -> None:
    """Camera, inference, outputs and supervision each hang once, as inside a driver."""
    revived = []
    for index in range(len(busy.threads())):
        pid = busy.pid
        try:
            busy.freeze(busy.threads()[index])
            time.sleep(2)
            if busy.gets_on():
                continue  # a thread that nobody waits for
            revived.append(2 + busy.wait_until_replaced(pid, REVIVED_SECONDS - 2))
        finally:
            busy.thaw()
        assert busy.gets_on()
    # Supervision, the camera's loop, a runtime's helper, events' delivery.
    assert len(revived) >= 4
    assert "most recent call first" in busy.machine.journal("edgehands")  # where it hung


def test_a_capture_that_hangs_is_replaced_alone(busy: Service) -> None:
    pid, (child,) = busy.pid, busy.children()
    busy.machine.run("kill", "-STOP", str(child))
    wait_for(lambda: busy.children() not in ([child], []), REVIVED_SECONDS, "another capture")
    assert busy.gets_on()
    assert busy.pid == pid


def test_a_capture_that_dies_is_replaced_alone(busy: Service) -> None:
    pid, (child,) = busy.pid, busy.children()
    busy.machine.run("kill", "-KILL", str(child))
    wait_for(lambda: busy.children() not in ([child], []), REVIVED_SECONDS, "another capture")
    assert busy.gets_on()
    assert busy.pid == pid


def test_a_broker_that_hangs_is_waited_for(busy: Service) -> None:
    pid, restarts = busy.pid, busy.restarts
    busy.machine.run("systemctl", "kill", "--signal=STOP", "mosquitto")
    try:
        time.sleep(25)
        assert busy.gets_on()
        assert (busy.pid, busy.restarts) == (pid, restarts)
    finally:
        busy.machine.run("systemctl", "kill", "--signal=CONT", "mosquitto")


def test_stopped_it_ends_in_time_and_stays(busy: Service) -> None:
    begin = time.monotonic()
    busy.machine.run("systemctl", "stop", "edgehands")
    assert time.monotonic() - begin < 4
    assert busy.machine.property("edgehands", "Result") == "success"
    assert not busy.is_ready()
    busy.machine.run("systemctl", "start", "edgehands")
    assert busy.gets_on()


def test_reloaded_it_is_the_same_process(busy: Service) -> None:
    pid = busy.pid
    busy.machine.run("systemctl", "reload", "edgehands")
    assert busy.gets_on()
    assert busy.pid == pid

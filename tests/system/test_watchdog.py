"""What hangs is killed and comes back; what only waits for others is left alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.system.machine import patience, wait_for
from tests.system.running import BROKER, CAMERA, LIGHT, STDOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.running import Service

pytestmark = pytest.mark.system

REVIVED_SECONDS = 15.0
KILLED_SECONDS = 12.0


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


def test_a_stopped_process_is_killed_and_comes_back(
    busy: Service, measured: Callable[[str], None]
) -> None:
    pid = busy.pid
    busy.machine.run("kill", "-STOP", str(pid))
    seconds = busy.wait_until_replaced(pid, patience(REVIVED_SECONDS))
    measured(f"SIGSTOP: killed, and ready again after {seconds:.1f} s")
    assert busy.gets_on()


def test_whatever_thread_hangs_the_service_comes_back(
    busy: Service, measured: Callable[[str], None]
) -> None:
    """Camera, inference, outputs and supervision each hang once, as inside a driver."""
    revived = []
    for index in range(len(busy.threads())):
        pid, thread = busy.pid, busy.threads()[index]
        begin = time.monotonic()
        busy.freeze(thread)
        try:
            while busy.pid == pid and time.monotonic() - begin < KILLED_SECONDS:
                time.sleep(0.1)
            if busy.pid == pid:
                assert busy.gets_on()  # nobody waits for that thread
                continue
        finally:
            busy.thaw()
        busy.wait_until_replaced(pid, patience(REVIVED_SECONDS - KILLED_SECONDS))
        revived.append(time.monotonic() - begin)
        assert busy.gets_on()
    told = ", ".join(f"{seconds:.1f}" for seconds in revived)
    measured(f"each thread frozen in turn: killed, and ready again after {told} s")
    # Supervision, the camera's loop, a runtime's helper, events' delivery.
    assert len(revived) >= 4
    assert "most recent call first" in busy.machine.journal("edgehands")  # where it hung


def test_a_capture_that_hangs_is_replaced_alone(
    busy: Service, measured: Callable[[str], None]
) -> None:
    pid, (child,) = busy.pid, busy.children()
    busy.machine.run("kill", "-STOP", str(child))
    begin = time.monotonic()
    wait_for(lambda: busy.children() not in ([child], []), REVIVED_SECONDS, "another capture")
    assert busy.gets_on()
    measured(f"capture frozen: another one, and events after {time.monotonic() - begin:.1f} s")
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

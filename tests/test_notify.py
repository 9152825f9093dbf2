"""What a service manager hears, and when a watchdog does not."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from edgehands.notify import Notifier, is_managed, watchdog_seconds
from edgehands.pulse import Pulse, Pulses

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """A service manager's socket."""
    name = str(tmp_path / "notify") if request.param == "a path" else f"\0edgehands-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(name)
        bound.settimeout(5)
        yield bound


def address_of(manager: socket.socket) -> str:
    name = manager.getsockname()
    return name if isinstance(name, str) else "@" + name[1:].decode()


def test_states_arrive_in_one_message(manager: socket.socket) -> None:
    notifier = Notifier(address_of(manager))
    notifier.send(READY=1, STATUS="hall: 30 fps")
    assert manager.recv(4096) == b"READY=1\nSTATUS=hall: 30 fps"


def test_a_status_of_two_lines_makes_no_state_of_the_second(manager: socket.socket) -> None:
    Notifier(address_of(manager)).send(STATUS="well\nREADY=1")
    assert manager.recv(4096) == b"STATUS=well READY=1"


def test_a_reload_says_when_it_began(manager: socket.socket) -> None:
    before = time.monotonic()
    Notifier(address_of(manager)).reloading()
    first, second = manager.recv(4096).decode().splitlines()
    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) / 1e6 <= time.monotonic()


@pytest.mark.parametrize("address", [None, "", "relative", "/nonexistent/socket", "@nobody"])
def test_no_manager_is_no_error(address: str | None) -> None:
    Notifier(address).send(READY=1)


def test_a_manager_that_does_not_read_holds_nobody_up(manager: socket.socket) -> None:
    notifier = Notifier(address_of(manager))
    for _ in range(10_000):
        notifier.send(STATUS="x" * 1000)


def test_what_is_started_later_does_not_inherit_the_manager(manager: socket.socket) -> None:
    environment = {
        "NOTIFY_SOCKET": address_of(manager),
        "WATCHDOG_USEC": "10000000",
        "WATCHDOG_PID": str(os.getpid()),
        "HOME": "/",
    }
    assert is_managed(environment)
    notifier = Notifier.from_environment(environment)
    assert environment == {"HOME": "/"}
    assert notifier.watchdog == 10.0
    notifier.send(READY=1)
    assert manager.recv(4096) == b"READY=1"


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "2500000"}, 2.5),
        ({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "7"}, 2.5),
        ({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_a_watchdog_waits_for_the_process_that_it_names(
    environment: dict[str, str], seconds: float | None
) -> None:
    assert watchdog_seconds(environment, 7) == seconds


def test_everybody_must_have_got_on_since_the_last_time_that_everybody_had() -> None:
    pulses, one, two = Pulses(), Pulse("one"), Pulse("two")
    assert not pulses.silent([one, two], 0.0)
    one.beat()
    assert pulses.silent([one, two], 1.0) == [two]
    two.beat()
    assert not pulses.silent([one, two], 2.0)
    assert pulses.silent([one, two], 3.0) == [one, two]


def test_a_new_thread_is_not_silent_and_one_that_is_gone_is_not_missed() -> None:
    pulses, one, two = Pulses(), Pulse("one"), Pulse("two")
    assert not pulses.silent([one], 0.0)
    one.beat()
    assert not pulses.silent([one, two], 1.0)
    two.beat()
    assert not pulses.silent([two], 2.0)


def test_who_said_that_it_will_take_long_may_be_silent_until_then() -> None:
    pulses, one = Pulses(), Pulse("one")
    one.excuse("loading", until=10.0)
    assert not pulses.silent([one], 0.0)
    assert not pulses.silent([one], 9.9)
    assert pulses.silent([one], 10.0) == [one]
    one.beat()
    assert not pulses.silent([one], 10.1)
    assert pulses.silent([one], 10.2) == [one]

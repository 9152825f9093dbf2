"""The queue between tracker and event outputs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from edgehands.errors import DeviceError
from edgehands.events import Event, EventHand
from edgehands.outputs import Output
from edgehands.outputs import queue as queue_module
from edgehands.outputs.queue import EVENT_LIFE, EventQueue, QueueCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CAPACITY = 256
DEADLINE = 10.0  # seconds that a test waits for a thread before it fails


def events(*numbers: int) -> list[Event]:
    return [
        Event(
            event_type="fist",
            gesture="fist",
            phase="start",
            hand=EventHand(1, "right"),
            score=0.9,
            camera="bench",
            seq=number,
            id=f"run-{number:08d}",
            ts=0.0,
        )
        for number in numbers
    ]


class Receiver(Output):
    """Keeps what it gets; `gate` holds it up, `pause` slows it down, `failure` breaks it."""

    def __init__(self, *, pause: float = 0.0) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.received: list[Event] = []
        self.threads: set[str] = set()
        self._pause = pause
        self.failure: Exception | None = None

    def event(self, event: Event) -> None:
        self.entered.set()
        assert self.gate.wait(DEADLINE)
        self.threads.add(threading.current_thread().name)
        time.sleep(self._pause)
        if self.failure:
            raise self.failure
        self.received.append(event)

    @property
    def numbers(self) -> list[int]:
        return [event.seq for event in self.received]


@pytest.fixture
def blocked() -> Iterator[Receiver]:
    """A receiver that holds on to its first event until its gate is opened."""
    receiver = Receiver()
    receiver.gate.clear()
    yield receiver
    receiver.gate.set()


def now() -> float:
    return time.monotonic()


def wait_until(holds: Callable[[], bool]) -> None:
    end = now() + DEADLINE
    while not holds():
        assert now() < end
        time.sleep(0.001)


@pytest.mark.parametrize("live", [True, False])
def test_events_reach_every_output_in_order(live: bool) -> None:
    one, two = Receiver(), Receiver()
    queue = EventQueue([one, two], live=live)
    queue.put(events(1, 2), now())
    queue.put(events(3), now())
    queue.close()
    assert one.numbers == two.numbers == [1, 2, 3]
    assert queue.counts == QueueCounts(delivered=3)


def test_an_output_that_hangs_does_not_hold_up_the_others(
    blocked: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "_CLOSE_LIMIT", 0.05)
    quick = Receiver()
    queue = EventQueue([blocked, quick], live=True)
    queue.put(events(0), now())
    assert blocked.entered.wait(DEADLINE)
    for number in range(1, CAPACITY + 11):
        queue.put(events(number), now())
        wait_until(lambda: quick.numbers[-1:] == [number])  # noqa: B023
    assert blocked.numbers == []
    queue.close()
    # The first is in the hands of the one that hangs.
    assert queue.counts == QueueCounts(overflowed=10, undelivered=CAPACITY)


def test_a_failed_output_leaves_the_others_what_waits_for_them(blocked: Receiver) -> None:
    failing = Receiver()
    failing.failure = DeviceError("the printer is on fire")
    queue = EventQueue([failing, blocked], live=True)
    queue.put(events(0, 1, 2), now())
    wait_until(lambda: queue.counts.undelivered == 1)
    blocked.gate.set()
    with pytest.raises(DeviceError, match="on fire"):
        queue.close()
    assert blocked.numbers == [0, 1, 2]
    assert queue.counts == QueueCounts(undelivered=3)  # not to every output


def test_outputs_run_in_a_thread_of_their_own() -> None:
    receiver = Receiver()
    queue = EventQueue([receiver], live=True)
    queue.put(events(1), now())
    queue.close()
    assert receiver.threads
    assert threading.current_thread().name not in receiver.threads


def test_a_blocked_output_does_not_delay_a_live_camera(blocked: Receiver) -> None:
    queue = EventQueue([blocked], live=True)
    for number in range(3 * CAPACITY):
        queue.put(events(number), now())  # would never return if it waited
    assert blocked.received == []
    blocked.gate.set()
    queue.close()


def test_a_full_live_queue_drops_its_oldest_and_counts_them(blocked: Receiver) -> None:
    queue = EventQueue([blocked], live=True)
    queue.put(events(0), now())
    assert blocked.entered.wait(DEADLINE)  # event 0 is out of the queue, in the output's hands
    queue.put(events(*range(1, CAPACITY + 11)), now())
    blocked.gate.set()
    queue.close()
    assert blocked.numbers == [0, *range(11, CAPACITY + 11)]
    assert queue.counts == QueueCounts(delivered=CAPACITY + 1, overflowed=10)


def test_live_events_expire_and_are_counted(blocked: Receiver) -> None:
    queue = EventQueue([blocked], live=True)
    queue.put(events(1), now())
    queue.put(events(2, 3), now() - EVENT_LIFE - 0.1)
    queue.put(events(4), now())
    blocked.gate.set()
    queue.close()
    assert blocked.numbers == [1, 4]
    assert queue.counts == QueueCounts(delivered=2, expired=2)


def test_live_events_tell_their_age_at_delivery() -> None:
    receiver = Receiver()
    queue = EventQueue([receiver], live=True)
    queue.put(events(1), now() - 0.5)
    queue.close()
    age = receiver.received[0].age_ms
    assert age is not None
    assert 500 <= age <= EVENT_LIFE * 1000


def test_events_of_a_file_neither_expire_nor_have_an_age() -> None:
    receiver = Receiver()
    queue = EventQueue([receiver], live=False)
    queue.put(events(1, 2), now() - 1000)
    queue.close()
    assert receiver.received == events(1, 2)
    assert queue.counts == QueueCounts(delivered=2)


def test_nothing_of_a_file_is_lost_when_the_output_is_slow() -> None:
    receiver = Receiver(pause=0.0003)
    queue = EventQueue([receiver], live=False)
    for number in range(2 * CAPACITY):
        queue.put(events(number), now())
    queue.close()
    assert receiver.numbers == list(range(2 * CAPACITY))
    assert queue.counts == QueueCounts(delivered=2 * CAPACITY)


def test_a_full_queue_makes_a_files_reader_wait(blocked: Receiver) -> None:
    queue = EventQueue([blocked], live=False)
    queue.put(events(0), now())
    assert blocked.entered.wait(DEADLINE)
    queue.put(events(*range(1, CAPACITY + 1)), now())  # full now
    reader = threading.Thread(target=queue.put, args=(events(CAPACITY + 1), now()))
    reader.start()
    reader.join(0.1)
    assert reader.is_alive()
    blocked.gate.set()
    reader.join(DEADLINE)
    assert not reader.is_alive()
    queue.close()
    assert blocked.numbers == list(range(CAPACITY + 2))


def test_closing_delivers_what_waits(blocked: Receiver) -> None:
    queue = EventQueue([blocked], live=True)
    queue.put(events(*range(20)), now())
    threading.Timer(0.05, blocked.gate.set).start()
    queue.close()
    assert blocked.numbers == list(range(20))


def test_closing_a_live_queue_gives_up_on_a_stuck_output(
    blocked: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "_CLOSE_LIMIT", 0.05)
    queue = EventQueue([blocked], live=True)
    queue.put(events(0), now())
    assert blocked.entered.wait(DEADLINE)
    queue.put(events(1, 2, 3), now())
    queue.close()
    assert queue.counts == QueueCounts(undelivered=3)


def test_closing_a_files_queue_waits_for_a_slow_output(
    blocked: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "_CLOSE_LIMIT", 0.01)
    queue = EventQueue([blocked], live=False)
    queue.put(events(1, 2, 3), now())
    threading.Timer(0.15, blocked.gate.set).start()
    queue.close()
    assert queue.counts == QueueCounts(delivered=3)


def test_closing_twice_is_fine() -> None:
    queue = EventQueue([Receiver()], live=True)
    queue.put(events(1), now())
    queue.close()
    queue.close()
    assert queue.counts == QueueCounts(delivered=1)


def test_without_outputs_events_are_delivered_to_nobody() -> None:
    queue = EventQueue([], live=False)
    queue.put(events(*range(2 * CAPACITY)), now())
    queue.close()
    assert queue.counts == QueueCounts(delivered=2 * CAPACITY)


@pytest.mark.parametrize("live", [True, False])
def test_a_failed_output_raises_once_in_the_caller(live: bool, blocked: Receiver) -> None:
    blocked.failure = DeviceError("the printer is on fire")
    queue = EventQueue([blocked], live=live)
    queue.put(events(0, 1, 2), now())
    blocked.gate.set()
    with pytest.raises(DeviceError, match="on fire"):
        queue.close()
    queue.close()
    assert queue.counts == QueueCounts(undelivered=3)


@pytest.mark.parametrize("live", [True, False])
def test_the_next_put_tells_of_a_failed_output(live: bool, blocked: Receiver) -> None:
    blocked.failure = DeviceError("the printer is on fire")
    queue = EventQueue([blocked], live=live)
    queue.put(events(0), now())
    blocked.gate.set()
    wait_until(lambda: queue.counts.undelivered == 1)
    with pytest.raises(DeviceError, match="on fire"):
        queue.put(events(1, 2), now())
    queue.put(events(3), now())
    queue.close()
    assert queue.counts == QueueCounts(undelivered=4)


def test_a_failure_frees_a_reader_that_waits(blocked: Receiver) -> None:
    blocked.failure = DeviceError("the printer is on fire")
    queue = EventQueue([blocked], live=False)
    queue.put(events(0), now())
    assert blocked.entered.wait(DEADLINE)
    queue.put(events(*range(1, CAPACITY + 1)), now())
    threading.Timer(0.05, blocked.gate.set).start()
    with pytest.raises(DeviceError, match="on fire"):
        queue.put(events(999), now())
    queue.close()
    assert queue.counts == QueueCounts(undelivered=CAPACITY + 2)

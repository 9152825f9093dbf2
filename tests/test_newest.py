"""The newest frame, from a thread that never waits for who reads it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from edgehands.cameras.newest import Newest
from edgehands.errors import (
    DeviceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def numbers(
    count: int, pause: float = 0.0, error: Exception | None = None
) -> Callable[[threading.Event], Generator[int, None, None]]:
    def produce(stop: threading.Event) -> Generator[int, None, None]:
        for number in range(count):
            if stop.wait(pause):
                return
            yield number
        if error:
            raise error

    return produce


def test_the_newest_wins_and_the_overtaken_are_counted() -> None:
    go = [threading.Event() for _ in range(3)]

    def produce(_: threading.Event) -> Generator[int, None, None]:
        yield from (0, 1, 2)
        go[0].set()
        go[1].wait(5)
        yield from (3, 4)
        go[2].set()

    newest = Newest(produce, name="test")
    go[0].wait(5)
    assert (newest.take(5), newest.dropped) == (2, 2)
    go[1].set()
    go[2].wait(5)
    assert (newest.take(5), newest.dropped) == (4, 3)
    assert newest.take(5) is None


def test_nothing_is_given_twice_or_lost_uncounted() -> None:
    newest = Newest(numbers(2000), name="test")
    taken = []
    while (number := newest.take(5)) is not None:
        taken.append(number)
        time.sleep(0.0001)
    assert taken == sorted(set(taken))
    assert taken[-1] == 1999
    assert len(taken) + newest.dropped == 2000


def test_a_slow_producer_is_waited_for() -> None:
    newest = Newest(numbers(3, pause=0.3), name="test")
    assert [newest.take(5) for _ in range(4)] == [0, 1, 2, None]
    assert newest.dropped == 0


def test_the_producers_error_reaches_the_consumer_after_the_last_item() -> None:
    newest = Newest(numbers(1, error=DeviceError("unplugged")), name="test")
    assert newest.take(5) == 0
    for _ in range(2):
        with pytest.raises(DeviceError, match="unplugged"):
            newest.take(5)


def test_a_wait_can_be_limited() -> None:
    newest = Newest(numbers(1, pause=60), name="test")
    with pytest.raises(TimeoutError):
        newest.take(0.01)
    assert newest.close()


def test_close_ends_a_waiting_consumer_and_the_thread() -> None:
    newest = Newest(numbers(1, pause=60), name="to be closed")
    taken: list[int | None] = []
    consumer = threading.Thread(target=lambda: taken.append(newest.take(10)))
    consumer.start()
    assert newest.close()
    consumer.join(5)
    assert taken == [None]
    assert "to be closed" not in [thread.name for thread in threading.enumerate()]


def test_close_does_not_wait_for_a_producer_that_hangs() -> None:
    release = threading.Event()

    def produce(_: threading.Event) -> Generator[int, None, None]:
        release.wait(20)
        yield 1

    newest = Newest(produce, name="test")
    start = time.monotonic()
    assert not newest.close(timeout=0.05)
    assert time.monotonic() - start < 2
    assert newest.take(5) is None
    release.set()

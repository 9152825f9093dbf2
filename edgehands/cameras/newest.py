"""The newest item of a thread that produces faster than anybody takes: one slot, never a queue."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

Item = TypeVar("Item")

CLOSE_SECONDS = 2.0
"""How long `close` waits for the thread: a driver may block longer, a service must not."""


class Newest(Generic[Item]):
    """A thread that runs a generator, and the one slot that it writes to.

    Args:
        produce: called in the thread with the event that tells it to stop; what it yields goes to
            the slot. It frees what it holds in its own `finally`, so that nothing is freed under a
            call that still runs.
        name: of the thread, for whoever looks at a hung process.
    """

    def __init__(
        self, produce: Callable[[threading.Event], Generator[Item, None, None]], *, name: str
    ) -> None:
        self.dropped = 0
        """Items overtaken in the slot by a newer one; exact."""
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._error: BaseException | None = None
        self._ended = False
        # A daemon, because a thread stuck in a driver must not keep the process alive.
        self._thread = threading.Thread(target=self._run, args=(produce,), name=name, daemon=True)
        self._thread.start()

    def take(self, timeout: float | None = None) -> Item | None:
        """Return the newest item, once: wait for one that has not been taken yet.

        None means the end: nothing will come. The last item before the end, or before an error,
        is still given.

        Args:
            timeout: seconds to wait at most; None waits as long as it takes.

        Raises:
            TimeoutError: nothing came in time.
            BaseException: whatever ended the producer.
        """
        with self._changed:
            if not self._changed.wait_for(self._is_settled, timeout):
                raise TimeoutError
            item, self._item = self._item, None
            if item is None and self._error is not None:
                raise self._error
            return item

    def close(self, timeout: float = CLOSE_SECONDS) -> bool:
        """Stop the producer and end `take`; tell whether the thread ended within `timeout`."""
        self._stop.set()
        with self._changed:
            self._end()
            self._item = None
            self._error = None
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _is_settled(self) -> bool:
        return self._item is not None or self._ended

    def _end(self) -> None:
        self._ended = True
        self._changed.notify_all()

    def _run(self, produce: Callable[[threading.Event], Generator[Item, None, None]]) -> None:
        error = None
        try:
            with closing(produce(self._stop)) as items:
                for item in items:
                    if not self._put(item):
                        break
        except BaseException as caught:  # noqa: BLE001 (the consumer gets it)
            error = caught
        with self._changed:
            if not self._stop.is_set():
                self._error = error
            self._end()

    def _put(self, item: Item) -> bool:
        """Hand over `item`; False once there is nobody to take it."""
        with self._changed:
            if self._stop.is_set():
                return False
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify_all()
            return True

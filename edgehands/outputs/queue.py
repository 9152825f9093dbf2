"""The queue between tracker and event outputs: a slow or dead output never delays a frame."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from threading import Condition, Thread
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.events import Event
    from edgehands.outputs import Output

EVENT_LIFE = 2.0
"""Seconds after which an event is worthless: a late gesture is a ghost."""

_CAPACITY = 256
_CLOSE_LIMIT = 5.0  # seconds that closing waits for the last events


@dataclass(slots=True)
class QueueCounts:
    """What became of every event given to the queue."""

    delivered: int = 0
    expired: int = 0
    """Too old when their turn came."""
    overflowed: int = 0
    """Pushed out of a full queue by newer ones."""
    undelivered: int = 0
    """Still waiting when an output failed or the run ended."""


class EventQueue:
    """Hands events to outputs in a thread of its own, in order.

    From a live camera the newest events win: old ones expire, and a full queue drops its oldest.
    From a file nothing is lost: a full queue makes the reader wait.
    """

    def __init__(self, outputs: Sequence[Output], *, live: bool) -> None:
        self.counts = QueueCounts()
        self._outputs = outputs
        self._live = live
        self._waiting: deque[tuple[Event, float]] = deque()
        self._changed = Condition()
        self._closing = False
        self._failure: Exception | None = None
        self._told = False
        self._thread = Thread(target=self._deliver_all, name="edgehands-events", daemon=True)
        self._thread.start()

    def put(self, events: Sequence[Event], captured: float) -> None:
        """Add events of a frame captured at `captured` (time.monotonic()).

        Raises:
            Exception: what an output failed with, once.
        """
        with self._changed:
            for event in events:
                while len(self._waiting) >= _CAPACITY and not self._failure:
                    if self._live:
                        self._waiting.popleft()
                        self.counts.overflowed += 1
                    else:
                        self._changed.wait()
                self._waiting.append((event, captured))
            self._changed.notify_all()
        self._raise_failure()

    def close(self) -> None:
        """Deliver what is waiting, from a live camera for a few seconds at most, and stop.

        Raises:
            Exception: what an output failed with, once.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(_CLOSE_LIMIT if self._live else None)
        with self._changed:
            self.counts.undelivered += len(self._waiting)
            self._waiting.clear()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None and not self._told:
            self._told = True
            raise self._failure

    def _deliver_all(self) -> None:
        while (item := self._next()) is not None:
            try:
                self._deliver(*item)
            except Exception as error:  # noqa: BLE001 (raised again in the tracker's thread)
                with self._changed:
                    self._failure = error
                    self.counts.undelivered += 1
                    self._changed.notify_all()
                return

    def _next(self) -> tuple[Event, float] | None:
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            item = self._waiting.popleft() if self._waiting else None
            self._changed.notify_all()
            return item

    def _deliver(self, event: Event, captured: float) -> None:
        if self._live:
            age = time.monotonic() - captured
            if age > EVENT_LIFE:
                self.counts.expired += 1
                return
            event = msgspec.structs.replace(event, age_ms=round(age * 1000, 1))
        for output in self._outputs:
            output.event_captured(event, captured if self._live else None)
        self.counts.delivered += 1

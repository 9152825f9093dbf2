"""The queue between tracker and event outputs.

A slow or dead output delays neither a frame nor another output.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import TYPE_CHECKING, Literal

import msgspec

from edgehands.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.events import Event
    from edgehands.outputs import Output

EVENT_LIFE = 2.0
"""Seconds after which an event is worthless: a late gesture is a ghost."""

_CAPACITY = 256
_CLOSE_LIMIT = 5.0  # seconds that closing waits for the last events
_TURN = 0.5  # seconds after which a thread without events says that it is there


@dataclass(slots=True)
class QueueCounts:
    """What became of every event given to the queue, each counted once.

    One that reached some of the outputs and not all counts as what it was first lost by.
    """

    delivered: int = 0
    """To every output."""
    expired: int = 0
    """Too old when their turn came."""
    overflowed: int = 0
    """Pushed out of a full queue by newer ones."""
    undelivered: int = 0
    """Still waiting when an output failed or the run ended."""


_Loss = Literal["expired", "overflowed", "undelivered"]


@dataclass(slots=True, eq=False)
class _Item:
    """One event on its way to all outputs."""

    event: Event
    captured: float | None
    awaited: int
    """Outputs that have yet to take it."""
    lost: bool = False


@dataclass(slots=True, eq=False)
class _Lane:
    """One output and what waits for it."""

    output: Output
    thread: Thread | None = None
    pulse: Pulse = field(default_factory=lambda: Pulse("edgehands-events"))
    waiting: deque[_Item] = field(default_factory=deque)
    closing: bool = False
    failed: bool = False


class EventQueue:
    """Hands events to outputs in order, to each in a thread of its own.

    From a live camera the newest events win: old ones expire, and a full queue drops its oldest.
    From a file nothing is lost: a full queue makes the reader wait.
    """

    def __init__(self, outputs: Sequence[Output], *, live: bool) -> None:
        self.counts = QueueCounts()
        self._live = live
        self._changed = Condition()
        self._failure: Exception | None = None
        self._told = False
        self._lanes: list[_Lane] = []
        self.set_outputs(outputs)

    def set_outputs(self, outputs: Sequence[Output], limit: float = 0.0) -> None:
        """Hand events to these from now on.

        Args:
            outputs: those that had events before among them.
            limit: seconds in which one that is left out may take what waits for it.
        """
        with self._changed:
            known = {lane.output: lane for lane in self._lanes}
            gone = [lane for lane in self._lanes if lane.output not in outputs]
            self._lanes = [known.get(output) or self._start(output) for output in outputs]
        self._end(gone, limit)

    def pulses(self) -> list[Pulse]:
        """Return the signs of life of the threads."""
        return [lane.pulse for lane in self._lanes if not lane.failed]

    def put(self, events: Sequence[Event], captured: float | None) -> None:
        """Add events of a frame.

        Args:
            events: in their order.
            captured: time.monotonic() at its capture; None for a frame of a file, whose events
                have no age, wherever the others come from.

        Raises:
            Exception: what the first output to fail failed with, once.
        """
        with self._changed:
            for event in events:
                item = _Item(event, captured, len(self._lanes))
                for lane in self._lanes:
                    self._put(lane, item)
                if not self._lanes:
                    self.counts.delivered += 1
        self._raise_failure()

    def close(self, limit: float | None = None) -> None:
        """Deliver what is waiting, from live cameras for `limit` seconds at most, and stop.

        Raises:
            Exception: what the first output to fail failed with, once.
        """
        self._end(self._lanes, _CLOSE_LIMIT if limit is None else limit)
        self._raise_failure()

    def _start(self, output: Output) -> _Lane:
        lane = _Lane(output)
        lane.thread = Thread(
            target=self._deliver_all, args=(lane,), name="edgehands-events", daemon=True
        )
        lane.thread.start()
        return lane

    def _end(self, lanes: Sequence[_Lane], limit: float) -> None:
        with self._changed:
            for lane in lanes:
                lane.closing = True
            self._changed.notify_all()
        end = time.monotonic() + limit
        for lane in lanes:
            if lane.thread is not None:
                lane.thread.join(max(0.0, end - time.monotonic()) if self._live else None)
        with self._changed:
            for lane in lanes:
                while lane.waiting:
                    self._lose(lane.waiting.popleft(), "undelivered")

    def _put(self, lane: _Lane, item: _Item) -> None:
        while len(lane.waiting) >= _CAPACITY and not lane.failed:
            if self._live and item.captured is not None:
                self._lose(lane.waiting.popleft(), "overflowed")
            else:
                self._changed.wait()
        if lane.failed:
            self._lose(item, "undelivered")
            return
        lane.waiting.append(item)
        self._changed.notify_all()  # here: the next event may wait for this one

    def _raise_failure(self) -> None:
        if self._failure is not None and not self._told:
            self._told = True
            raise self._failure

    def _deliver_all(self, lane: _Lane) -> None:
        while (item := self._next(lane)) is not None:
            try:
                taken = self._deliver(lane.output, item)
            except Exception as error:  # noqa: BLE001 (raised again in the tracker's thread)
                with self._changed:
                    lane.failed = True
                    self._failure = self._failure or error
                    self._lose(item, "undelivered")
                    self._changed.notify_all()
                return
            with self._changed:
                if not taken:
                    self._lose(item, "expired")
                item.awaited -= 1
                self.counts.delivered += item.awaited == 0 and not item.lost

    def _next(self, lane: _Lane) -> _Item | None:
        with self._changed:
            lane.pulse.beat()
            while not lane.waiting and not lane.closing:
                self._changed.wait(_TURN)
                lane.pulse.beat()
            item = lane.waiting.popleft() if lane.waiting else None
            self._changed.notify_all()
            return item

    def _deliver(self, output: Output, item: _Item) -> bool:
        """Hand an event to an output, unless it is too old."""
        if item.captured is None or not self._live:
            output.event_captured(item.event, None)
            return True
        age = time.monotonic() - item.captured
        if age > EVENT_LIFE:
            return False
        event = msgspec.structs.replace(item.event, age_ms=round(age * 1000, 1))
        output.event_captured(event, item.captured)
        return True

    def _lose(self, item: _Item, how: _Loss) -> None:
        if not item.lost:
            item.lost = True
            setattr(self.counts, how, getattr(self.counts, how) + 1)

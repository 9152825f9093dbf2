"""What waits to be published, and what became of everything. Pure: time is an argument.

Events live two seconds from the capture of their frame, their way to the broker included, and go
out in order; one that was sent and not acknowledged when the connection broke goes again, with the
same id, while it lives. States keep their latest value and all go again on a new connection. Values
that only count while they are fresh are sent once or not at all.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edgehands.mqtt.rates import RateCap
from edgehands.outputs.queue import EVENT_LIFE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.events import Event

CAPACITY = 256
"""Events kept at most; the oldest give way."""
WINDOW = 16
"""Messages on their way at most, to a broker that answers promptly; brokers take 20 and more. It
starts with one on each connection and doubles with each prompt answer: a broker that has just come
back may be slow to look at what it is sent, and a full window of events would be late."""
STALLED_AFTER = 0.5
"""Seconds without an acknowledgement after which nothing more is sent: what lies in the buffers of
a broker that hangs would be delivered late, and nobody could take it back."""

SENDABLE = EVENT_LIFE - 0.3
"""Seconds from capture in which an event may still be sent: the rest is for its way."""

STATES_PER_SECOND = 2.0
AHEAD = 3
"""States in a row that may go before others; then one of those has its turn."""
VALUES_PER_SECOND = 10.0


@dataclass(slots=True)
class OutboxCounts:
    """What became of every event.

    At any time, `accepted` is the sum of `acknowledged`, `refused`, `expired`, `overflowed`,
    `limited`, `undelivered`, and those that wait or are on their way.
    """

    accepted: int = 0
    acknowledged: int = 0
    refused: int = 0
    """The broker said no."""
    expired: int = 0
    """Too old before the broker acknowledged them; exact."""
    overflowed: int = 0
    """Pushed out of a full outbox by newer ones."""
    limited: int = 0
    """Above the rate of their camera."""
    undelivered: int = 0
    """Given up at the end of the run."""
    sent: int = 0
    """Transmissions, repeated ones included."""
    repeated: int = 0
    """Transmissions of an event that had been sent before."""
    unconfirmed: int = 0
    """Those of the expired and undelivered that had been sent and may have arrived."""


@dataclass(slots=True, eq=False)
class PendingEvent:
    """One event until it is acknowledged or dead."""

    topic: str
    event: Event
    captured: float | None
    """Seconds of the monotonic clock; None for a file, whose events have no age."""
    expires: float
    transmissions: int = 0

    def payload(self, now: float) -> bytes:
        """Return the event as JSON, with its age."""
        return _with_age(self.event, self.captured, now)


@dataclass(slots=True, eq=False)
class State:
    """The latest value of a retained topic."""

    topic: str
    content: bytes
    urgent: bool
    """Somebody waits for it: an answer to a command."""
    first: bool
    """It goes before others that are not."""
    waiting: bool = True
    renewed: bool = False
    """Goes again because the connection is new, whatever the rate."""

    def payload(self, now: float) -> bytes:  # noqa: ARG002 (as an event's)
        """Return the value."""
        return self.content


@dataclass(slots=True, eq=False)
class Passing:
    """A value that only counts while it is fresh: sent without acknowledgement, never retained."""

    topic: str
    content: Event | bytes
    captured: float | None
    """As an event's."""
    expires: float

    def payload(self, now: float) -> bytes:
        """Return the value as JSON; an event's with its age."""
        if isinstance(self.content, bytes):
            return self.content
        return _with_age(self.content, self.captured, now)


Message = PendingEvent | State | Passing


def _with_age(event: Event, captured: float | None, now: float) -> bytes:
    if captured is not None:
        event = msgspec.structs.replace(event, age_ms=round((now - captured) * 1000, 1))
    return msgspec.json.encode(event)


@dataclass(slots=True)
class _InFlight:
    message: PendingEvent | State
    since: float


@dataclass(slots=True)
class EventRate:
    """How many events of one camera are let through."""

    per_second: float = 5.0
    burst: int = 10


class Outbox:
    """Everything between the tracker and the broker.

    It is used by one thread at a time; the times are of one monotonic clock.

    Args:
        rate: of each camera's events.
        life: seconds from capture in which an event may be sent.
        first_window: messages on their way at most on a new connection.
    """

    def __init__(
        self, rate: EventRate | None = None, life: float = SENDABLE, first_window: int = 1
    ) -> None:
        self.counts = OutboxCounts()
        self._rate = rate or EventRate()
        self._life = life
        self._events: deque[PendingEvent] = deque()
        self._states: dict[str, State] = {}
        self._passing: dict[str, Passing] = {}
        self._in_flight: dict[int, _InFlight] = {}
        self._first_window = self._window = first_window
        self._event_caps: dict[str, RateCap] = {}
        self._state_cap = RateCap(STATES_PER_SECOND, 1)
        self._ahead = 0
        self._passing_caps: dict[str, RateCap] = {}

    def put_event(self, topic: str, event: Event, captured: float | None, now: float) -> None:
        """Take an event; the oldest give way in a full outbox.

        Args:
            topic: where to publish it; its rate is that of all events there.
            event: without its age.
            captured: when its frame was; None for a file, whose events live from now on.
            now: the time.
        """
        self.counts.accepted += 1
        cap = self._event_caps.setdefault(topic, RateCap(self._rate.per_second, self._rate.burst))
        # A file is read faster than it was filmed: its rate is that of its own time.
        if not cap.take(event.ts if captured is None else captured):
            self.counts.limited += 1
            return
        born = now if captured is None else captured
        self._events.append(PendingEvent(topic, event, captured, born + self._life))
        while len(self._events) > CAPACITY:
            self._drop(self._events.popleft())
            self.counts.overflowed += 1

    def put_state(
        self, topic: str, content: bytes, *, urgent: bool = False, first: bool = False
    ) -> None:
        """Take the present value of a retained topic, empty to remove it; the same is not sent.

        Args:
            topic: where to publish it.
            content: its value.
            urgent: it goes before all others, even if it is the same.
            first: it goes before others that are not.
        """
        known = self._states.get(topic)
        if known is None:
            self._states[topic] = State(topic, content, urgent, first)
        elif known.content != content or urgent:
            known.content, known.urgent, known.waiting = content, urgent, True

    def put_passing(
        self, topic: str, content: Event | bytes, captured: float | None, now: float
    ) -> None:
        """Take a value that replaces the one of its topic that waits, and soon is worthless.

        Args:
            topic: where to publish it.
            content: an event without its age, or JSON.
            captured: when its frame was; None for a file.
            now: the time.
        """
        born = now if captured is None else captured
        self._passing[topic] = Passing(topic, content, captured, born + self._life)

    def drop_passing(self, topic: str) -> None:
        """Forget the value that waits: what it measured is over."""
        self._passing.pop(topic, None)

    def next(self, now: float) -> Message | None:
        """Return what to send now, or None; the caller sends it and calls `sent`."""
        self.expire(now)
        if not self._may_send(now):
            return None
        if self._events:
            return self._events.popleft()
        return self._next_state(now) or self._next_passing(now)

    def sent(self, message: Message, number: int, now: float) -> None:
        """Note that a message is on its way under a number that `acknowledged` will give."""
        if isinstance(message, Passing):
            return
        if isinstance(message, PendingEvent):
            self.counts.sent += 1
            self.counts.repeated += message.transmissions > 0
            message.transmissions += 1
        self._in_flight[number] = _InFlight(message, now)

    def acknowledged(self, number: int, now: float, *, refused: bool = False) -> str | None:
        """Take a message off; return the topic of one that the broker refused."""
        flight = self._in_flight.pop(number, None)
        if flight is None:
            return None
        prompt = now - flight.since < STALLED_AFTER
        self._window = min(2 * self._window, WINDOW) if prompt else self._first_window
        if isinstance(flight.message, PendingEvent):
            if refused:
                self.counts.refused += 1
            else:
                self.counts.acknowledged += 1
        return flight.message.topic if refused else None

    def connected(self) -> None:
        """Let all states go again, to a broker that has yet to show how it answers."""
        self._window = self._first_window
        for state in self._states.values():
            state.waiting = state.renewed = True

    def disconnected(self, now: float) -> None:
        """Take back what was on its way: events go again first, in their order, if they live."""
        back = [flight.message for flight in self._in_flight.values()]
        self._in_flight.clear()
        self._events.extendleft(
            message for message in reversed(back) if isinstance(message, PendingEvent)
        )
        self._passing.clear()
        self.expire(now)

    def close(self) -> None:
        """Give up what is left."""
        self.disconnected(0.0)
        for pending in self._events:
            self._drop(pending)
            self.counts.undelivered += 1
        self._events.clear()

    def expire(self, now: float) -> None:
        """Drop what is too old, and count the events among it."""
        # Those of a file may live longer than a live one behind them: look at all.
        if any(pending.expires <= now for pending in self._events):
            dead = [pending for pending in self._events if pending.expires <= now]
            self._events = deque(pending for pending in self._events if pending.expires > now)
            for pending in dead:
                self._drop(pending)
            self.counts.expired += len(dead)
        for topic, passing in list(self._passing.items()):
            if passing.expires <= now:
                del self._passing[topic]

    def hurry(self) -> None:
        """Let the states that wait for their turn go at once, as before a goodbye."""
        for state in self._states.values():
            state.renewed = state.waiting

    def waits(self) -> bool:
        """Whether anything waits or is on its way."""
        waiting = any(state.waiting for state in self._states.values())
        return bool(self._events or self._in_flight) or waiting

    def in_flight(self) -> int:
        """Return how many messages are on their way."""
        return len(self._in_flight)

    def oldest_in_flight(self, now: float) -> float:
        """Return for how many seconds the oldest message on its way has not been acknowledged."""
        return max((now - flight.since for flight in self._in_flight.values()), default=0.0)

    def wait(self, now: float) -> float | None:
        """Return the seconds until `next` may have something, None if time changes nothing."""
        if not self._may_send(now):
            return None
        waits = list(self._waits(now))
        return min(waits, default=None)

    def _waits(self, now: float) -> Iterator[float]:
        if self._events:
            yield 0.0
        if any(state.waiting for state in self._states.values()):
            yield self._state_cap.wait(now)
        for topic in self._passing:
            yield self._passing_cap(topic).wait(now)

    def _may_send(self, now: float) -> bool:
        return len(self._in_flight) < self._window and self.oldest_in_flight(now) < STALLED_AFTER

    def _drop(self, pending: PendingEvent) -> None:
        self.counts.unconfirmed += pending.transmissions > 0

    def _next_state(self, now: float) -> State | None:
        waiting = [state for state in self._states.values() if state.waiting]
        state = next((state for state in waiting if state.renewed), None)
        if state is None:
            state = self._in_turn(waiting)
            if state is None or not self._state_cap.take(now):
                return None
            self._ahead = self._ahead + 1 if state.first else 0
        # To the end: every topic has its turn.
        self._states[state.topic] = self._states.pop(state.topic)
        state.waiting = state.renewed = state.urgent = False
        return state

    def _in_turn(self, waiting: list[State]) -> State | None:
        def rank(state: State) -> tuple[bool, bool]:
            return not state.urgent, state.first != (self._ahead < AHEAD)

        return min(waiting, key=rank, default=None)  # of equals, whose turn is longest ago

    def _next_passing(self, now: float) -> Passing | None:
        for topic, passing in self._passing.items():
            if self._passing_cap(topic).take(now):
                del self._passing[topic]
                return passing
        return None

    def _passing_cap(self, topic: str) -> RateCap:
        return self._passing_caps.setdefault(topic, RateCap(VALUES_PER_SECOND, 1))

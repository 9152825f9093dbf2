"""Motions of the fingers alone: grab and release, double tap."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from edgehands.gestures.motions.motion import Sign, below, lack, unlikeness
from edgehands.gestures.motions.touch import Touch
from edgehands.settings import TICK

if TYPE_CHECKING:
    from edgehands.gestures.motions.moment import Moment

_LOOKED_AT = 0.3
"""Seconds of an open or closed hand that are kept."""


@dataclass(slots=True)
class _Stay:
    """A hand that is open, closed or neither for a while."""

    shape: str | None
    since: float
    left: float = math.inf
    """When it was first seen otherwise."""
    moments: list[Moment] = field(default_factory=list)
    """The last of it."""

    def take(self, moment: Moment) -> None:
        self.moments.append(moment)
        while moment.time - self.moments[0].time > _LOOKED_AT + TICK:
            self.moments.pop(0)

    def mean(self, what: str) -> float:
        """Return the mean of a number of its moments."""
        told: list[float] = [getattr(moment, what) for moment in self.moments]
        return sum(told) / len(told)


class GrabReader:
    """All four fingers close together, or open, in one go, and the hand stays where it is."""

    _OPEN, _CLOSED = -0.5, -2.0
    """How much it must be open, and closed, to be looked at; whether that is enough, both tell."""
    _WITHIN = 0.6
    """Seconds from open to closed, at most."""
    _HELD = 0.1
    """Seconds that the hand must have been one and must stay the other."""
    _UNLIKE = 2.5
    """Unlikeness up to which it is a grab or a release: of drawn ones 99 % have less than 2.2, and
    in sixteen hours of hands that mean nothing none had less than 2.6."""

    def __init__(self) -> None:
        self._now = _Stay(None, 0.0)
        self._before: _Stay | None = None

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        self._follow(moment)
        now, before = self._now, self._before
        if now.shape is None or before is None or before.shape == now.shape:
            return []
        if moment.time - now.since < self._HELD - TICK:
            return []
        self._before = None
        if now.since - before.left > self._WITHIN + TICK:
            return []
        score = below(_unlike_a_grab(before, now), self._UNLIKE, 0.2)
        return [Sign("release" if now.shape == "open" else "grab", "start", score)]

    def _follow(self, moment: Moment) -> None:
        shape = None
        if moment.open > self._OPEN:
            shape = "open"
        elif moment.closed > self._CLOSED:
            shape = "closed"
        now = self._now
        if shape != now.shape:
            if now.shape is not None and moment.time - now.since >= self._HELD - TICK:
                now.left = moment.time
                self._before = now
            self._now = now = _Stay(shape, moment.time)
        now.take(moment)


def _unlike_a_grab(before: _Stay, after: _Stay) -> float:
    """Return how far what a hand did is from the usual grab or release."""
    opened, shut = (before, after) if before.shape == "open" else (after, before)
    start, end = before.moments[-1], after.moments[-1]
    most_open, least_open = opened.mean("open"), shut.mean("open")
    most_closed, least_closed = shut.mean("closed"), opened.mean("closed")
    return unlikeness(
        lack(most_open, 2.5, 1.0),
        lack(most_closed, 1.8, 0.1),
        lack(most_open - least_open, 24.0, 19.5),
        lack(most_closed - least_closed, 6.5, 4.7),
        lack(shut.mean("straight"), -0.5, 0.1),
        lack(_moved(start, end), 0.1, 0.2),
        lack(abs((end.roll - start.roll + 180) % 360 - 180), 2.0, 6.0),
        lack(after.since - before.left, 0.1, 0.22),
    )


class _Tap(NamedTuple):
    """A touch that is over."""

    begun: Moment
    over: float
    high: float
    """How much the hand pinched at most."""
    rise: float
    """And how much more than before."""

    @property
    def seconds(self) -> float:
        return self.over - self.begun.time


class DoubleTapReader:
    """Thumb and index finger touch twice, quickly, while the hand stays where it is."""

    _BEGINS, _CURLED = 0.0, -0.7
    """Of a touch, as `Touch` takes them: less than for one that holds; both touches tell."""
    _LONGEST = 0.45
    """Seconds that they touch."""
    _WITHIN = 1.25
    """Seconds from the first touch to the end of the second."""
    _UNLIKE = 1.75
    """Unlikeness up to which two touches are a double tap: of drawn ones 98 % have less than 1.5,
    and in sixteen hours of hands that mean nothing none had less than 1.8."""

    def __init__(self) -> None:
        self._touch = Touch(self._BEGINS, self._CURLED)
        self._begun: Moment | None = None
        self._first: _Tap | None = None

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        if self._touch.update(moment):
            self._begun = self._begun or moment
            return []
        if self._begun is None:
            return []
        tap = _Tap(self._begun, moment.time, self._touch.high, self._touch.rise)
        self._begun = None
        first, self._first = self._first, tap if tap.seconds < self._LONGEST + TICK else None
        if first is None or self._first is None:
            return []
        if tap.over - first.begun.time > self._WITHIN + TICK:
            return []
        score = below(_unlike_a_double_tap(first, tap, moment), self._UNLIKE, 0.15)
        if score >= 0.5:
            self._first = None
        return [Sign("double_tap", "start", score)]


def _unlike_a_double_tap(first: _Tap, second: _Tap, end: Moment) -> float:
    """Return how far two touches are from the usual double tap."""
    return unlikeness(
        lack((first.high + second.high) / 2, 2.9, 1.25),
        lack((first.rise + second.rise) / 2, 6.0, 3.2),
        lack(min(first.seconds, second.seconds), 0.23, 0.11),
        lack(max(first.seconds, second.seconds), 0.27, 0.52),
        lack(second.begun.time - first.over, 0.22, 0.5),
        lack(_moved(first.begun, end), 0.07, 0.2),
    )


def _moved(before: Moment, after: Moment) -> float:
    """Return how far the palm is from where it was, palm sizes."""
    return math.hypot(after.x - before.x, after.y - before.y) / after.unit

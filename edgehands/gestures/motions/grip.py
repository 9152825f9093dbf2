"""Motions of the fingers alone: grab and release, double tap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgehands.gestures.motions.motion import Sign, above, below
from edgehands.settings import TICK

if TYPE_CHECKING:
    from edgehands.gestures.motions.moment import Moment
    from edgehands.gestures.motions.touch import Touch


class GrabReader:
    """All four fingers close together, or open, in one go."""

    _OPEN, _CLOSED = 0.3, 0.6
    """How much it must be open, and closed."""
    _WITHIN = 0.6
    """Seconds from open to closed, at most."""
    _IN_PLACE = 0.7
    """Palm sizes that count as staying."""
    _HELD = 0.1
    """Seconds that the hand must have been one and must stay the other."""

    def __init__(self) -> None:
        self._shape: str | None = None
        self._since = 0.0
        self._left = -math.inf
        self._before: str | None = None
        self._last: Moment | None = None
        self._from: Moment | None = None

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        opened = above(moment.open, self._OPEN, 0.4)
        closed = above(moment.closed, self._CLOSED, 0.4)
        shape = "open" if opened > 0.5 else "closed" if closed > 0.5 else None
        if shape != self._shape:
            self._change(shape, moment.time)
        self._last = moment
        if shape is None or self._before in {None, shape}:
            return []
        if self._since - self._left > self._WITHIN or moment.time - self._since < self._HELD - 1e-6:
            return []
        self._before = shape
        moved = _moved(self._from, moment) if self._from else 0.0
        score = min(opened if shape == "open" else closed, below(moved, self._IN_PLACE, 0.08))
        return [Sign("release" if shape == "open" else "grab", "start", score)]

    def _change(self, shape: str | None, time: float) -> None:
        if self._shape is not None and time - self._since >= self._HELD - 1e-6:
            self._before, self._left, self._from = self._shape, time, self._last
        self._shape, self._since = shape, time


class DoubleTapReader:
    """Thumb and index finger touch twice, quickly, while the hand stays where it is."""

    _SURE = 1.0
    """How much the hand must pinch at its most, mean of the two touches."""
    _RISE = 1.55
    """And how much more than before each."""
    _SHORTEST, _LONGEST = 0.08, 0.35
    """Seconds that they touch."""
    _WITHIN = 1.2
    """Seconds from the first touch to the end of the second."""
    _IN_PLACE = 0.35
    """Palm sizes that count as staying."""

    def __init__(self) -> None:
        self._touching: Moment | None = None
        self._first: tuple[Moment, float, float] | None = None
        self._high = 0.0
        self._rise = 0.0

    def update(self, moment: Moment, touch: Touch) -> list[Sign]:
        """Take the next moment of one hand, and whether its thumb and index finger touch."""
        if touch.since is not None:
            self._touching = self._touching or moment
            self._high, self._rise = touch.high, touch.rise
            return []
        if self._touching is None:
            return []
        begun, self._touching = self._touching, None
        lasted = moment.time - begun.time
        if not self._SHORTEST - TICK < lasted < self._LONGEST + TICK:
            self._first = None
            return []
        if self._first is None or moment.time - self._first[0].time > self._WITHIN:
            self._first = (begun, self._high, self._rise)
            return []
        (first, high, rise), self._first = self._first, None
        score = min(
            above((self._high + high) / 2, self._SURE, 0.25),
            above((self._rise + rise) / 2, self._RISE, 0.2),
            below(_moved(first, moment), self._IN_PLACE, 0.05),
        )
        return [Sign("double_tap", "start", score)]


def _moved(before: Moment, after: Moment) -> float:
    """Return how far the palm is from where it was, palm sizes."""
    return math.hypot(after.x - before.x, after.y - before.y) / after.unit

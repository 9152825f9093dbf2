"""Motions of the fingers alone: grab and release, double tap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgehands.gestures.motions.motion import Sign, above, below

if TYPE_CHECKING:
    from edgehands.gestures.motions.moment import Moment

PINCHED = 0.3
"""Palm sizes between the tips of thumb and index below which they touch."""
APART = 0.45
"""Palm sizes above which they do not."""


class GrabReader:
    """All four fingers close together, or open, in one go."""

    _WITHIN = 0.7
    """Seconds from open to closed, at most."""
    _HELD = 0.1
    """Seconds that the hand must have been one and must stay the other."""

    def __init__(self) -> None:
        self._shape: str | None = None
        self._since = 0.0
        self._left = -math.inf
        self._before: str | None = None
        self._told: str | None = None

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        opened = above(min(moment.straight), 0.72, 0.08)
        closed = below(max(moment.straight), 0.1, 0.12)
        shape = "open" if opened > 0.5 else "closed" if closed > 0.5 else None
        if shape != self._shape:
            self._change(shape, moment.time)
        if shape is None or self._before in {None, shape}:
            return []
        if self._since - self._left > self._WITHIN or moment.time - self._since < self._HELD - 1e-6:
            return []
        self._before = shape
        if shape == "open":
            return [Sign("release", "start", opened)]
        return [Sign("grab", "start", min(closed, below(moment.thumb_off, 0.75, 0.06)))]

    def _change(self, shape: str | None, time: float) -> None:
        if self._shape is not None and time - self._since >= self._HELD - 1e-6:
            self._before, self._left = self._shape, time
        self._shape, self._since = shape, time


class DoubleTapReader:
    """Thumb and index finger touch twice, quickly, while the hand stays where it is."""

    _LONGEST = 0.35
    """Seconds that they touch, at most."""
    _WITHIN = 0.9
    """Seconds from the first touch to the end of the second."""

    def __init__(self) -> None:
        self._touching: Moment | None = None
        self._closest = math.inf
        self._first: tuple[float, float] | None = None
        self._ready = False

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        if self._touching is None:
            if moment.pinch > APART:
                self._ready = True
            elif moment.pinch < PINCHED and self._ready:
                self._touching, self._closest = moment, moment.pinch
            return []
        self._closest = min(self._closest, moment.pinch)
        if moment.pinch < APART:
            return []
        begun, self._touching = self._touching, None
        moved = math.hypot(moment.x - begun.x, moment.y - begun.y) / moment.unit
        if moment.time - begun.time > self._LONGEST + 1e-6 or moved > 0.5:
            self._first = None
            return []
        score = below(self._closest, PINCHED, 0.04)
        if self._first is None or moment.time - self._first[0] > self._WITHIN:
            self._first = (begun.time, score)
            return []
        first, self._first = self._first, None
        return [Sign("double_tap", "start", min(score, first[1]))]

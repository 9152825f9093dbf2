"""Motions of the fingers alone: grab and release, double tap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgehands.gestures.motions.motion import Sign, above, below

if TYPE_CHECKING:
    from edgehands.gestures.motions.moment import Moment
    from edgehands.gestures.motions.touch import Touch


class GrabReader:
    """All four fingers close together, or open, in one go."""

    _WITHIN = 0.6
    """Seconds from open to closed, at most."""
    _HELD = 0.1
    """Seconds that the hand must have been one and must stay the other."""

    def __init__(self) -> None:
        self._shape: str | None = None
        self._since = 0.0
        self._left = -math.inf
        self._before: str | None = None

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        low, high = min(moment.straight), max(moment.straight)
        opened = min(
            above(low, 0.45, 0.08),
            above(moment.openness, 0.7, 0.06),
            above(moment.reach, 1.56, 0.05),
        )
        closed = min(
            below(high, 0.5, 0.08),
            below(moment.openness, 0.0, 0.08),
            below(moment.reach, 1.2, 0.05),
        )
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
        return [Sign("grab", "start", min(closed, below(moment.thumb_off, 0.8, 0.06)))]

    def _change(self, shape: str | None, time: float) -> None:
        if self._shape is not None and time - self._since >= self._HELD - 1e-6:
            self._before, self._left = self._shape, time
        self._shape, self._since = shape, time


class DoubleTapReader:
    """Thumb and index finger touch twice, quickly, while the hand stays where it is."""

    _LONGEST = 0.35
    """Seconds that they touch, at most."""
    _WITHIN = 1.2
    """Seconds from the first touch to the end of the second."""

    def __init__(self) -> None:
        self._touching: Moment | None = None
        self._score = 0.0
        self._first: tuple[float, float] | None = None

    def update(self, moment: Moment, touch: Touch) -> list[Sign]:
        """Take the next moment of one hand, and whether its thumb and index finger touch."""
        if touch.since is not None:
            self._touching = self._touching or moment
            self._score = touch.score
            return []
        if self._touching is None:
            return []
        begun, self._touching = self._touching, None
        moved = math.hypot(moment.x - begun.x, moment.y - begun.y) / moment.unit
        if moment.time - begun.time > self._LONGEST + 1e-6 or moved > 0.5:
            self._first = None
            return []
        if self._first is None or moment.time - self._first[0] > self._WITHIN:
            self._first = (begun.time, self._score)
            return []
        first, self._first = self._first, None
        return [Sign("double_tap", "start", min(self._score, first[1]))]

"""Motions of two hands: clap, and zooming with a pinch in each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgehands.gestures.motions.motion import Sign, above

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.gestures.motions.moment import Moment


class ClapReader:
    """Two hands come together fast; where they touch, one may be hidden or lost."""

    _TOUCHING = 1.5
    """Palm sizes between the centres of palms that touch, with what the picture adds."""
    _FORGET = 0.35
    """Seconds between the fast approach and the touch."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._approach: tuple[float, float] | None = None
        self._apart = False

    def update(self, a: Moment, b: Moment) -> list[Sign]:
        """Take the next moment of both hands."""
        unit = (a.unit + b.unit) / 2
        gap = math.hypot(a.x - b.x, a.y - b.y) / unit
        if gap > 2.2:
            self._apart = True
        if self._last is not None and a.time > self._last[0]:
            speed = (self._last[1] - gap) / (a.time - self._last[0])
            level = abs(a.x - b.x) > 1.2 * abs(a.y - b.y) or gap < 1.0
            open_ = min(above(a.open, -2.0, 0.5), above(b.open, -2.0, 0.5))
            score = min(above(speed, 4.0, 0.5), open_)
            if level and score > 0.3 and (self._approach is None or score > self._approach[1]):
                self._approach = (a.time, score)
        self._last = (a.time, gap)
        return self._touch(a.time, gap)

    def lost(self, time: float) -> list[Sign]:
        """One hand is gone: if both were about to meet, they have met."""
        if self._last is None or time - self._last[0] > 0.15:
            return []
        near = self._last[1] < 2.6
        return self._touch(time, self._TOUCHING) if near else []

    def _touch(self, time: float, gap: float) -> list[Sign]:
        if self._approach is not None and time - self._approach[0] > self._FORGET:
            self._approach = None
        if self._approach is None or not self._apart or gap > self._TOUCHING:
            return []
        score, self._approach, self._apart = self._approach[1], None, False
        return [Sign("clap", "start", score)]


class ZoomReader:
    """Both hands pinch and go apart or together."""

    _BEGINS = 0.12
    """Natural logarithm of the scale at which it begins."""

    def __init__(self) -> None:
        self._gap: float | None = None
        self._score: float | None = None
        self._value: Mapping[str, float] = {"scale": 1.0}

    def update(self, a: Moment, b: Moment, *, held: bool) -> list[Sign]:
        """Take the next moment of both hands; held: both pinch."""
        if not held:
            self._gap = None
            return self.end()
        (ax, ay), (bx, by) = a.pinch_point, b.pinch_point
        gap = max(math.hypot(ax - bx, ay - by), 1e-6)
        if self._gap is None:
            self._gap = gap
        self._value = {"scale": gap / self._gap}
        if self._score is None:
            if abs(math.log(gap / self._gap)) < self._BEGINS:
                return []
            self._score = above(abs(math.log(gap / self._gap)), self._BEGINS - 0.04, 0.03)
            return [Sign("pinch_zoom", "start", self._score, self._value)]
        return [Sign("pinch_zoom", "value", self._score, self._value)]

    def end(self) -> list[Sign]:
        """End what is under way, as when a hand is gone."""
        if self._score is None:
            return []
        score, self._score = self._score, None
        return [Sign("pinch_zoom", "end", score, self._value)]

"""Push and pull: an open palm comes nearer or goes away."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from edgehands.gestures.motions.moment import keep, mean, moved, turned, upper_quarter
from edgehands.gestures.motions.motion import BACK_AGAIN, OPPOSITE, Sign
from edgehands.gestures.motions.stroke import StrokeReader
from edgehands.gestures.motions.usual import Lack, compared
from edgehands.settings import TICK

if TYPE_CHECKING:
    from edgehands.gestures.motions.moment import Moment
    from edgehands.gestures.motions.stroke import Stroke

_RESTS = 0.15
"""Seconds for which the hand is looked at before and after."""
_NOTICED = 0.11
"""Seconds after which the stroke that it begins is noticed."""
_UNLIKE = 1.98
"""Unlikeness up to which a stroke is a push: of drawn ones 99 % have less, and in 95 hours of
hands that mean nothing one had 2.05, and none of the others less than 2.2."""


class PushReader:
    """An open palm grows in the picture, or shrinks, quickly, from rest to rest, and only that."""

    def __init__(self) -> None:
        self._strokes = StrokeReader(rest=0.45, span=_NOTICED)
        self._recent: deque[Moment] = deque()
        self._before: list[Moment] = []
        self._way: list[Moment] = []
        self._after: list[Moment] = []
        self._waiting: tuple[Stroke, list[Moment], list[Moment]] | None = None
        self._last = ("", -math.inf)

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        signs = self._confirm(moment)
        stroke = self._strokes.update(moment.time, math.log(moment.scale), 0.0)
        if self._strokes.under_way:
            if not self._way:
                self._before = self._rested(moment.time)
            self._way.append(moment)
        else:
            if stroke is not None and self._waiting is None:
                self._waiting, self._after = (stroke, self._before, self._way), [moment]
            self._remember(moment)
        return signs

    def _remember(self, moment: Moment) -> None:
        """Keep the last moments of a hand that does not come or go."""
        keep(self._recent, moment, _RESTS + _NOTICED)
        self._way = []

    def _rested(self, time: float) -> list[Moment]:
        """Return the moments before a stroke that is noticed now."""
        recent = list(self._recent)
        return [past for past in recent if time - past.time > _NOTICED - TICK] or recent[:1]

    def _confirm(self, moment: Moment) -> list[Sign]:
        """Tell a push when the hand has been where it went for a moment."""
        if self._waiting is None:
            return []
        self._after.append(moment)
        if moment.time - self._after[0].time < _RESTS - TICK:
            return []
        (stroke, before, way), self._waiting = self._waiting, None
        return self._read(stroke, before, way, self._after)

    def _read(
        self, stroke: Stroke, before: list[Moment], way: list[Moment], after: list[Moment]
    ) -> list[Sign]:
        """Compare a stroke with the usual push or pull; one that is the way back is none."""
        gesture = "push" if stroke.dx > 0 else "pull"
        if OPPOSITE[gesture] == self._last[0] and way[0].time - self._last[1] < BACK_AGAIN:
            return []
        sign = _compared(gesture, stroke, before, way, after)
        if sign.score >= 0.5:
            self._last = (gesture, after[0].time)
        return [sign]


def _compared(
    gesture: str, stroke: Stroke, before: list[Moment], way: list[Moment], after: list[Moment]
) -> Sign:
    """Compare a stroke with the usual push or pull."""
    size = math.log(mean(after, "scale") / mean(before, "scale"))
    unrest = max(moved(rest[0], rest[-1]) for rest in (before, after))
    shown = [*before, *way, *after]
    opening = after[-1].open - before[0].open
    return compared(
        gesture,
        _UNLIKE,
        Lack("change of size, logarithm", abs(size), 0.34, 0.27),
        Lack("top speed, logarithm a second", stroke.top_speed, 1.24, 0.88),
        Lack("straightness", stroke.length / max(stroke.path, 1e-6), 1.0, 0.93),
        Lack("openness", mean(shown, "open"), 2.7, 1.0),
        Lack("pinch, worst quarter", upper_quarter(shown, "pinching"), -7.0, -3.0),
        Lack("other changes", _changed(before[-1], after[0]), 0.97, 1.8),
        Lack("unrest before and after", unrest, 0.02, 0.05),
        Lack("change of openness", abs(opening), 0.3, 1.35),
    )


def _changed(start: Moment, end: Moment) -> float:
    """Return how much else has changed: place, turn and shape, each in what is much for a push."""
    way = math.hypot(end.x - start.x, end.y - start.y) / math.sqrt(start.unit * end.unit)
    aside = math.log(end.aspect / start.aspect)
    bent = end.reach - start.reach
    return math.hypot(way / 0.3, turned(start, end) / 5, aside / 0.1, bent / 0.12)

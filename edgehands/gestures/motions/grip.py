"""Motions of the fingers alone: grab and release, double tap."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from edgehands.gestures.motions.moment import keep, mean, moved, turned
from edgehands.gestures.motions.touch import Touch
from edgehands.gestures.motions.usual import Lack, compared
from edgehands.settings import TICK

if TYPE_CHECKING:
    from edgehands.gestures.motions.moment import Moment
    from edgehands.gestures.motions.motion import Sign

_LOOKED_AT = 0.3
"""Seconds of an open or closed hand that are kept."""


@dataclass(slots=True)
class _Stay:
    """A hand that is open, closed or neither for a while."""

    shape: str | None
    since: float
    left: float = math.inf
    """When it was first seen otherwise."""
    moments: deque[Moment] = field(default_factory=deque)
    """The last of it."""


class GrabReader:
    """All four fingers close together, or open, in one go, and the hand stays where it is."""

    _OPEN, _CLOSED = -0.5, -2.0
    """How much it must be open, and closed, to be looked at; whether that is enough, both tell."""
    _WITHIN = 0.6
    """Seconds from open to closed, at most."""
    _HELD = 0.1
    """Seconds that the hand must have been one and must stay the other."""
    _UNLIKE = 2.2
    """Unlikeness up to which it is a grab or a release: of drawn ones 99 % have less, and in 60
    hours of hands that mean nothing none had less than 2.7."""

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
        return [self._compared(before, now)]

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
        keep(now.moments, moment, _LOOKED_AT)

    def _compared(self, before: _Stay, after: _Stay) -> Sign:
        """Compare what a hand did with the usual grab or release."""
        start, end = before.moments[-1], after.moments[-1]
        gesture, opened, shut = "grab", before.moments, after.moments
        if after.shape == "open":
            gesture, opened, shut = "release", shut, opened
        opening = mean(opened, "open") - mean(shut, "open")
        closing = mean(shut, "closed") - mean(opened, "closed")
        return compared(
            gesture,
            self._UNLIKE,
            Lack("openness, open", mean(opened, "open"), 2.5, 0.6),
            Lack("closedness, closed", mean(shut, "closed"), 1.8, -0.3),
            Lack("change of openness", opening, 24.0, 18.0),
            Lack("change of closedness", closing, 6.5, 4.7),
            Lack("straightness of the index finger, closed", mean(shut, "straight"), -0.5, 0.25),
            Lack("index finger straighter than others, closed", mean(shut, "pointing"), 0.0, 0.3),
            Lack("unrest before", moved(before.moments[0], start), 0.04, 0.2),
            Lack("way", moved(start, end), 0.1, 0.2),
            Lack("degrees turned", abs(turned(start, end)), 2.0, 8.0),
            Lack("seconds between", after.since - before.left, 0.1, 0.22),
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
    _RESTS = 0.3
    """Seconds for which the hand is looked at before the first touch."""
    _UNLIKE = 1.95
    """Unlikeness up to which two touches are a double tap: of drawn ones 98 % have less, and in
    60 hours of hands that mean nothing none had less than 2.3."""

    def __init__(self) -> None:
        self._touch = Touch(self._BEGINS, self._CURLED)
        self._recent: deque[Moment] = deque()
        self._begun: Moment | None = None
        self._first: _Tap | None = None

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        keep(self._recent, moment, self._RESTS + self._WITHIN)
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
        sign = self._compared(first, tap, moment)
        if sign.score >= 0.5:
            self._first = None
        return [sign]

    def _compared(self, first: _Tap, second: _Tap, end: Moment) -> Sign:
        """Compare two touches with the usual double tap."""
        begun = first.begun.time
        shown = [moment for moment in self._recent if moment.time >= begun]
        before = next(past for past in self._recent if past.time >= begun - self._RESTS - TICK)
        apart = max(each.tips for each in shown if first.over <= each.time <= second.begun.time)
        parted = apart - min(each.tips for each in shown)
        return compared(
            "double_tap",
            self._UNLIKE,
            Lack("pinch at its most", (first.high + second.high) / 2, 2.9, 1.6),
            Lack("rise of the pinch", (first.rise + second.rise) / 2, 6.0, 3.75),
            Lack("seconds of the shorter touch", min(first.seconds, second.seconds), 0.23, 0.06),
            Lack("seconds of the longer touch", max(first.seconds, second.seconds), 0.27, 0.52),
            Lack("seconds between", second.begun.time - first.over, 0.22, 0.6),
            Lack("parting of the tips", parted, 0.45, 0.07),
            Lack("closedness", mean(shown, "closed"), -2.8, -1.0),
            Lack("unrest before", moved(before, first.begun), 0.04, 0.3),
            Lack("way", moved(first.begun, end), 0.07, 0.2),
        )

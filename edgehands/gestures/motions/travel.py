"""Motions of an open hand across the picture: swipes, wave."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from edgehands.gestures.motions.moment import keep, lower_quarter, moved, upper_quarter
from edgehands.gestures.motions.motion import BACK_AGAIN, OPPOSITE, SWIPES, Sign, above, below
from edgehands.gestures.motions.stroke import StrokeReader
from edgehands.gestures.motions.usual import Lack, compared
from edgehands.settings import TICK

if TYPE_CHECKING:
    from edgehands.gestures.motions.moment import Moment
    from edgehands.gestures.motions.stroke import Stroke


class SwipeReader:
    """An open hand moves straight and fast, then slows; it may not come back at once.

    A hand that reaches for something is slower, and one that comes into the picture was not seen
    at rest before.
    """

    _NOTICED = 0.085
    """Seconds after which a stroke that begins is noticed."""
    _RESTS = 0.25
    """Seconds for which the hand is looked at before."""
    _RESTLESS = 0.11
    """Palm sizes that it may have moved meanwhile, at most, to be held against it: one that swipes
    again and again comes from the way back."""
    _STAYS = 0.1
    """Seconds that it must stay where it went."""
    _GONE = 0.6
    """Palm sizes from there within which it stays."""
    _UNLIKE = 1.62
    """Unlikeness up to which a stroke is a swipe: of drawn ones 98.7 % have less. In 95 hours of
    hands that mean nothing none had less than 1.7, and as those near it thin out, less than one in
    200 hours is to be expected."""

    def __init__(self) -> None:
        self._strokes = StrokeReader(rest=2.0, span=self._NOTICED)
        self._recent: deque[Moment] = deque()
        self._before: list[Moment] = []
        self._way: list[Moment] = []
        self._waiting: tuple[Sign, float, Moment] | None = None
        self._last = ("", -math.inf)

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        confirmed = self._confirm(moment)
        stroke = self._strokes.update(moment.time, moment.x, moment.y, moment.unit)
        if self._strokes.under_way:
            if not self._way:
                self._before = list(self._recent) or [moment]
            self._way.append(moment)
        elif stroke is not None:
            sign = self._read(stroke, moment)
            # A hand that has stopped shakes: that is no other swipe.
            if sign and not (self._waiting and self._waiting[0].score > sign.score):
                self._waiting = (sign, moment.time, moment)
            self._way = []
        keep(self._recent, moment, self._RESTS + self._NOTICED)
        return confirmed

    def _confirm(self, moment: Moment) -> list[Sign]:
        """Tell a swipe when the hand has stayed where it went: a wave goes back at once."""
        if self._waiting is None:
            return []
        sign, since, end = self._waiting
        if moved(end, moment) > self._GONE:
            self._waiting = None
            return []
        if moment.time - since < self._STAYS - TICK:
            return []
        self._waiting = None
        if sign.score >= 0.5:
            self._last = (sign.gesture, moment.time)
        return [sign]

    def _read(self, stroke: Stroke, moment: Moment) -> Sign | None:
        """Compare a stroke with the usual swipe; one that is the way back is none."""
        level = abs(stroke.dx) >= abs(stroke.dy)
        along, across = (stroke.dx, stroke.dy) if level else (stroke.dy, stroke.dx)
        way = ("right" if along > 0 else "left") if level else ("down" if along > 0 else "up")
        gesture = SWIPES[way]
        if OPPOSITE[gesture] == self._last[0] and moment.time - self._last[1] < BACK_AGAIN:
            return None
        before = self._before
        shown = [*before, *self._way]
        aside = math.degrees(math.atan2(abs(across), abs(along)))
        size = math.log(moment.unit / before[-1].unit)
        begun = self._way[0].time - self._NOTICED + TICK
        rested = [past for past in before if past.time <= begun] or before[:1]
        unrest = min(moved(rested[0], rested[-1]), self._RESTLESS)
        return compared(
            gesture,
            self._UNLIKE,
            Lack("length", stroke.length, 3.1, 1.3),
            Lack("top speed", stroke.top_speed, 13.9, 8.5),
            Lack("straightness", stroke.length / max(stroke.path, 1e-6), 1.0, 0.93),
            Lack("degrees off its direction", aside, 6.0, 20.0),
            Lack("openness, worst quarter", lower_quarter(shown, "open"), 2.2, 0.2),
            Lack("pinch, worst quarter", upper_quarter(shown, "pinching"), -7.0, -3.0),
            Lack("unrest before", unrest, 0.02, 0.09),
            Lack("change of size, logarithm", abs(size), 0.08, 0.35),
        )


class WaveReader:
    """An open hand, fingers up, goes from side to side: three turns and more."""

    _SWING = 0.5
    """Palm sizes from one turn to the next, at least."""
    _TURNS = 3
    _WITHIN = 2.0
    """Seconds in which the turns must come."""
    _SLOWEST = 0.7
    """Seconds from one turn to the next, at most."""
    _SURE = 0.8
    """How much the hand must be open (`Moment.open`) on its way."""
    _OPEN = 0.4
    """Seconds of it over which that is averaged: the model doubts it now and then."""

    def __init__(self) -> None:
        self._time = -math.inf
        self._opened = 0.0
        self._turns: deque[float] = deque()
        self._way = 0
        self._farthest: tuple[float, float] | None = None
        self._told = False

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        self._opened += (moment.open - self._opened) * min(
            (moment.time - self._time) / self._OPEN, 1
        )
        self._time = moment.time
        score = min(above(self._opened, self._SURE, 0.4), below(abs(moment.roll), 55.0, 5.0))
        if score < 0.2:
            self._forget()
            return []
        self._swing(moment.time, moment.middle_tip[0], moment.unit)
        while self._turns and moment.time - self._turns[0] > self._WITHIN:
            self._turns.popleft()
        if self._turns and moment.time - self._turns[-1] > self._SLOWEST:
            self._turns.clear()
            self._told = False
        if self._told or len(self._turns) < self._TURNS:
            return []
        self._told = True
        return [Sign("wave", "start", score)]

    def _swing(self, time: float, x: float, unit: float) -> None:
        """Follow the finger to where it turns."""
        if self._farthest is None:
            self._farthest = (time, x)
            return
        ahead = (x - self._farthest[1]) / unit
        if self._way == 0:
            if abs(ahead) > self._SWING:
                self._way, self._farthest = (1 if ahead > 0 else -1), (time, x)
        elif ahead * self._way > 0:
            self._farthest = (time, x)
        elif abs(ahead) > self._SWING:
            self._turns.append(self._farthest[0])
            self._way, self._farthest = -self._way, (time, x)

    def _forget(self) -> None:
        self._turns.clear()
        self._way, self._farthest, self._told = 0, None, False

"""Motions of an open hand that travels: swipes, push and pull, wave."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from edgehands.gestures.motions.motion import SWIPES, Sign, above, below
from edgehands.gestures.motions.stroke import StrokeReader

if TYPE_CHECKING:
    from edgehands.gestures.motions.moment import Moment
    from edgehands.gestures.motions.stroke import Stroke

_BACK_AGAIN = 1.0
"""Seconds after a swipe or push in which the way back is not the opposite one."""
_OPPOSITE = {
    "swipe_left": "swipe_right",
    "swipe_right": "swipe_left",
    "swipe_up": "swipe_down",
    "swipe_down": "swipe_up",
    "push": "pull",
    "pull": "push",
}


def _open(moment: Moment) -> float:
    """Say how open a hand is, 0 to 1: fingers straight from the PIP joint on, tips far away."""
    return min(above(moment.openness, 0.6, 0.05), above(moment.reach, 1.5, 0.05))


class SwipeReader:
    """An open hand moves straight and fast, then slows; it may not come back at once.

    All lengths are palm sizes. A hand that reaches for something is slower than 5 a second on the
    whole way; one that comes into the picture was not seen at rest before.
    """

    def __init__(self) -> None:
        self._strokes = StrokeReader(rest=2.0)
        self._open: list[float] = []
        self._unit_before = 1.0
        self._waiting: tuple[Sign, float, Moment] | None = None
        self._last = ("", -math.inf)

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        confirmed = self._confirm(moment)
        stroke = self._strokes.update(moment.time, moment.x, moment.y, moment.unit)
        if self._strokes.under_way:
            self._open.append(_open(moment))
        elif stroke is None:
            self._open, self._unit_before = [], moment.unit
        else:
            sign = self._read(stroke, moment)
            self._open = []
            if sign is not None:
                self._waiting = (sign, moment.time, moment)
        return confirmed

    def _confirm(self, moment: Moment) -> list[Sign]:
        """Tell a swipe when the hand has stayed where it went: a wave goes back at once."""
        if self._waiting is None:
            return []
        sign, since, end = self._waiting
        if self._strokes.under_way:
            self._waiting = None
            return []
        if moment.time - since < 0.1 - 1e-6:
            return []
        self._waiting = None
        gone = math.hypot(moment.x - end.x, moment.y - end.y) / end.unit
        if gone > 0.8:
            return []
        self._last = (sign.gesture, moment.time)
        return [sign]

    def _read(self, stroke: Stroke, moment: Moment) -> Sign | None:
        level = abs(stroke.dx) >= abs(stroke.dy)
        along, across = (stroke.dx, stroke.dy) if level else (stroke.dy, stroke.dx)
        way = ("right" if along > 0 else "left") if level else ("down" if along > 0 else "up")
        gesture = SWIPES[way]
        if _OPPOSITE[gesture] == self._last[0] and moment.time - self._last[1] < _BACK_AGAIN:
            return None
        openness = sum(self._open) / max(len(self._open), 1)
        score = min(
            above(stroke.length, 1.5, 0.2),
            above(stroke.length / max(stroke.seconds, 1e-6), 4.5, 0.5),
            above(stroke.top_speed, 8.0, 0.8),
            above(stroke.length / max(stroke.path, 1e-6), 0.85, 0.03),
            below(math.degrees(math.atan2(abs(across), abs(along))), 32.0, 3.0),
            openness,
            below(abs(math.log(moment.unit / self._unit_before)), 0.4, 0.05),
        )
        return Sign(gesture, "start", score)


class PushReader:
    """An open palm grows in the picture, or shrinks, quickly and stays where it is otherwise."""

    def __init__(self) -> None:
        self._strokes = StrokeReader(rest=0.45, span=0.11)
        self._open: list[float] = []
        self._start: Moment | None = None
        self._last = ("", -math.inf)

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        stroke = self._strokes.update(moment.time, math.log(moment.unit), 0.0)
        if self._strokes.under_way:
            self._open.append(_open(moment))
            return []
        start, openings = self._start, self._open
        self._start, self._open = moment, []
        if stroke is None or start is None:
            return []
        return self._read(stroke, start, moment, openings)

    def _read(
        self, stroke: Stroke, start: Moment, moment: Moment, openings: list[float]
    ) -> list[Sign]:
        gesture = "push" if stroke.dx > 0 else "pull"
        if _OPPOSITE[gesture] == self._last[0] and moment.time - self._last[1] < _BACK_AGAIN:
            return []
        unit = math.sqrt(start.unit * moment.unit)
        moved = math.hypot(moment.x - start.x, moment.y - start.y) / unit
        turned = abs((moment.roll - start.roll + 180) % 360 - 180)
        score = min(
            above(stroke.length, 0.23, 0.02),
            above(stroke.top_speed, 0.8, 0.08),
            above(stroke.length / max(stroke.seconds, 1e-6), 0.44, 0.05),
            below(moved, 0.9, 0.08),
            below(turned, 22.0, 3.0),
            below(abs(math.log(moment.aspect / start.aspect)), 0.25, 0.03),
            below(abs(moment.reach - start.reach), 0.15, 0.02),
            _open(start),
            _open(moment),
            sum(openings) / max(len(openings), 1),
            above(stroke.length / max(stroke.path, 1e-6), 0.75, 0.04),
        )
        if score >= 0.5:
            self._last = (gesture, moment.time)
        return [Sign(gesture, "start", score)]


class WaveReader:
    """An open hand, fingers up, goes from side to side: three turns and more."""

    _SWING = 0.5
    """Palm sizes from one turn to the next, at least."""
    _TURNS = 3
    _WITHIN = 2.0
    """Seconds in which the turns must come."""
    _SLOWEST = 0.7
    """Seconds from one turn to the next, at most."""

    def __init__(self) -> None:
        self._turns: deque[float] = deque()
        self._way = 0
        self._farthest: tuple[float, float] | None = None
        self._told = False

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        score = min(_open(moment), below(abs(moment.roll), 55.0, 5.0))
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

"""Motions that go on while thumb and index finger hold something: drag, and twist a knob."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from statistics import pstdev
from typing import TYPE_CHECKING

from edgehands.gestures.motions.moment import keep, mean, moved, turned
from edgehands.gestures.motions.motion import Sign
from edgehands.gestures.motions.usual import Lack, compared
from edgehands.settings import TICK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.gestures.motions.moment import Moment
    from edgehands.gestures.motions.touch import Touch

GRIP_DELAY = 0.2
"""Seconds that a touch must last before it is a grip."""
_CLOSES = 0.3
"""Seconds in which thumb and index finger come together, before they touch."""
_LOOKED_AT = 2.0
"""Seconds of a grip, at most, that are looked at when it begins to do something."""


class PinchReader:
    """Thumb and index finger pinch, and the hand moves or turns: a drag, or a twist of a knob.

    Which of the two it is shows first decides until the fingers let go.
    """

    _AT_REST = 0.25
    """Palm sizes that a hand may move by while it takes hold."""
    _MOVED = 0.6
    """Palm sizes after which a pinch is a drag."""
    _TURNED = 20.0
    """Degrees after which a pinch that stayed in its place is a twist."""
    _IN_PLACE = 0.35
    """Palm sizes that count as staying."""
    _UNLIKE_DRAG, _UNLIKE_TWIST = 1.82, 2.1
    """Unlikeness up to which it is one: of drawn drags 98 % have less and of twists 99 %. In 60
    hours of hands that mean nothing none had less than 2.0 and 3.3; of drags, as those near it thin
    out, one in 200 hours is to be expected."""

    def __init__(self) -> None:
        self._rested: Moment | None = None
        self._from: Moment | None = None
        self._before: deque[Moment] = deque()
        self._touching: deque[Moment] = deque()
        self._unrest, self._apart = 0.0, 0.0
        self._judged = False
        self._last: Moment | None = None
        self._angle = 0.0
        self._gesture: str | None = None
        self._score = 0.0
        self._value: Mapping[str, float] | None = None
        self.held = False
        """Whether the hand pinches now, for the reader of two hands."""

    def update(self, moment: Moment, touch: Touch, *, blocked: bool = False) -> list[Sign]:
        """Take the next moment of one hand, and whether its thumb and index finger touch.

        Blocked: the other hand pinches too, which is no drag but a zoom.
        """
        if touch.since is None:
            self.held, self._rested = False, None
            self._touching.clear()
            keep(self._before, moment, _CLOSES)
        else:
            if not self._touching:
                self._look_back(moment)
            self.held = self._takes_hold(moment)
            keep(self._touching, moment, _LOOKED_AT)
        if not self.held or blocked:
            self._from = None
            return self.end()
        if self._from is None:
            self._from, self._last, self._angle, self._judged = moment, moment, 0.0, False
        self._angle += turned(self._last or moment, moment)
        self._last = moment
        dx, dy = self._way(moment)
        if self._gesture is not None:
            self._value = self._measured(dx, dy)
            return [Sign(self._gesture, "value", self._score, self._value)]
        return self._begin(touch, dx, dy)

    def _look_back(self, moment: Moment) -> None:
        """Keep what the hand did just before thumb and index finger touched."""
        before = self._before or [moment]
        self._unrest = moved(before[0], moment)
        self._apart = max(past.tips for past in before)

    def _takes_hold(self, moment: Moment) -> bool:
        """Say whether a hand that pinches has done so for a while without going anywhere."""
        rested = self._rested
        if self.held and rested is not None:
            return True
        if rested is None or moved(rested, moment) > self._AT_REST:
            self._rested = rested = moment
        return moment.time - rested.time >= GRIP_DELAY - TICK

    def end(self) -> list[Sign]:
        """End what is under way, as when the hand is gone."""
        if self._gesture is None:
            return []
        gesture, self._gesture = self._gesture, None
        return [Sign(gesture, "end", self._score, self._value)]

    def _begin(self, touch: Touch, dx: float, dy: float) -> list[Sign]:
        """Tell a drag or a twist as soon as the hand has gone or turned far enough, or never."""
        way = math.hypot(dx, dy)
        if abs(self._angle) >= self._TURNED and way < self._IN_PLACE:
            sign = self._compared_with_twist(touch, way)
        elif way >= self._MOVED:
            sign = self._compared_with_drag(touch)
        else:
            return []
        if self._judged:
            return []
        self._judged = True
        if sign.score < 0.5:
            return [sign]
        self._gesture, self._score = sign.gesture, sign.score
        self._value = self._measured(dx, dy)
        return [replace(sign, value=self._value)]

    def _compared_with_twist(self, touch: Touch, way: float) -> Sign:
        """Compare what the hand does with the usual twist; way: gone meanwhile."""
        shown = self._touching
        return compared(
            "twist",
            self._UNLIKE_TWIST,
            Lack("pinch, mean", touch.firmness, 3.0, 2.0),
            Lack("pinch, now", shown[-1].pinching, 3.2, 1.3),
            Lack("straightness of the index finger", mean(shown, "straight"), 0.63, 0.0),
            Lack("way", way, 0.07, 0.16),
        )

    def _compared_with_drag(self, touch: Touch) -> Sign:
        """Compare what the hand does with the usual drag."""
        shown, begun = self._touching, self._from or self._touching[-1]
        held = [moment.pinching for moment in shown if moment.time >= begun.time]
        size = math.log(shown[-1].unit / begun.unit)
        return compared(
            "pinch_drag",
            self._UNLIKE_DRAG,
            Lack("pinch, mean", touch.firmness, 3.0, 1.7),
            Lack("rise of the pinch", touch.rise, 7.0, 3.9),
            Lack("unrest before", self._unrest, 0.05, 0.35),
            Lack("closing of the tips' gap", self._apart - mean(shown, "tips"), 0.46, 0.1),
            Lack("unsteadiness of the pinch", pstdev(held), 0.21, 0.57),
            Lack("way of the pinch in the hand", self._way_in_hand(begun), 0.06, 0.2),
            Lack("change of the fingers' reach", abs(shown[-1].reach - begun.reach), 0.04, 0.24),
            Lack("change of size, logarithm", abs(size), 0.04, 0.2),
            Lack("degrees turned", abs(self._angle), 2.0, 15.0),
        )

    def _way(self, moment: Moment) -> tuple[float, float]:
        """Return how far the pinch has moved, palm sizes."""
        begun = self._from or moment
        x, y = moment.pinch_point
        return (x - begun.pinch_point[0]) / begun.unit, (y - begun.pinch_point[1]) / begun.unit

    def _way_in_hand(self, begun: Moment) -> float:
        """Return how far the pinch has moved from where it was in the hand, palm sizes."""
        now = self._touching[-1]
        (ax, ay), (bx, by) = begun.pinch_point, now.pinch_point
        return math.hypot((bx - now.x) - (ax - begun.x), (by - now.y) - (ay - begun.y)) / now.unit

    def _measured(self, dx: float, dy: float) -> Mapping[str, float]:
        return {"angle": self._angle} if self._gesture == "twist" else {"dx": dx, "dy": dy}

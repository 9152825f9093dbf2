"""Motions that go on while thumb and index finger hold something: drag, and twist a knob."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgehands.gestures.motions.motion import Sign, above

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.gestures.motions.moment import Moment
    from edgehands.gestures.motions.touch import Touch

GRIP_DELAY = 0.2
"""Seconds that a touch must last before it is a grip."""


class PinchReader:
    """Thumb and index finger pinch, and the hand moves or turns: a drag, or a twist of a knob.

    Which of the two it is shows first decides until the fingers let go.
    """

    _HELD = 0.5
    """How much the hand must have pinched, on the average, to twist something."""
    _FIRM = 1.45
    """And to drag it: hands that move mean less by it."""
    _CURLED = -0.05
    """Straightness of an index finger that holds nothing: it lies in the hand."""
    _AT_REST = 0.25
    """Palm sizes that a hand may move by while it takes hold."""
    _MOVED = 0.6
    """Palm sizes after which a pinch is a drag."""
    _TURNED = 20.0
    """Degrees after which a pinch that stayed in its place is a twist."""
    _IN_PLACE = 0.35
    """Palm sizes that count as staying."""

    def __init__(self) -> None:
        self._rested: Moment | None = None
        self._from: Moment | None = None
        self._roll = 0.0
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
        self.held = self._takes_hold(moment) if touch.since is not None else False
        if touch.since is None:
            self._rested = None
        if not self.held or blocked:
            self._from = None
            return self.end()
        if self._from is None:
            self._from, self._angle, self._roll = moment, 0.0, moment.roll
        self._angle += (moment.roll - self._roll + 180) % 360 - 180
        self._roll = moment.roll
        dx, dy = self._way(moment)
        if self._gesture is not None:
            self._value = self._measured(dx, dy)
            return [Sign(self._gesture, "value", self._score, self._value)]
        return self._begin(moment, touch, dx, dy)

    def _takes_hold(self, moment: Moment) -> bool:
        """Say whether a hand that pinches has done so for a while without going anywhere."""
        rested = self._rested
        if self.held and rested is not None:
            return True
        if rested is None or math.hypot(moment.x - rested.x, moment.y - rested.y) > (
            self._AT_REST * moment.unit
        ):
            self._rested = rested = moment
        return moment.time - rested.time >= GRIP_DELAY - 1e-6

    def end(self) -> list[Sign]:
        """End what is under way, as when the hand is gone."""
        if self._gesture is None:
            return []
        gesture, self._gesture = self._gesture, None
        return [Sign(gesture, "end", self._score, self._value)]

    def _begin(self, moment: Moment, touch: Touch, dx: float, dy: float) -> list[Sign]:
        moved = math.hypot(dx, dy)
        if abs(self._angle) >= self._TURNED and moved < self._IN_PLACE:
            gesture, score = "twist", above(touch.firmness, self._HELD, 0.3)
        elif moved >= self._MOVED:
            gesture, score = "pinch_drag", above(touch.firmness, self._FIRM, 0.3)
        else:
            return []
        if score < 0.5 or moment.straight < self._CURLED:
            return []
        self._gesture, self._score = gesture, score
        self._value = self._measured(dx, dy)
        return [Sign(gesture, "start", score, self._value)]

    def _way(self, moment: Moment) -> tuple[float, float]:
        """Return how far the pinch has moved, palm sizes."""
        begun = self._from or moment
        x, y = moment.pinch_point
        return (x - begun.pinch_point[0]) / begun.unit, (y - begun.pinch_point[1]) / begun.unit

    def _measured(self, dx: float, dy: float) -> Mapping[str, float]:
        return {"angle": self._angle} if self._gesture == "twist" else {"dx": dx, "dy": dy}

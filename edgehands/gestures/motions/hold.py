"""Motions that go on while thumb and index finger hold something: drag, and twist a knob."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgehands.gestures.motions.motion import Sign

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

    _MOVED = 0.45
    """Palm sizes after which a pinch is a drag."""
    _TURNED = 20.0
    """Degrees after which a pinch that stayed in its place is a twist."""
    _IN_PLACE = 0.35
    """Palm sizes that count as staying."""

    def __init__(self) -> None:
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
        since = touch.since
        self.held = since is not None and moment.time - since >= GRIP_DELAY - 1e-6
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
        return self._begin(touch.score, dx, dy)

    def end(self) -> list[Sign]:
        """End what is under way, as when the hand is gone."""
        if self._gesture is None:
            return []
        gesture, self._gesture = self._gesture, None
        return [Sign(gesture, "end", self._score, self._value)]

    def _begin(self, score: float, dx: float, dy: float) -> list[Sign]:
        moved = math.hypot(dx, dy)
        if abs(self._angle) >= self._TURNED and moved < self._IN_PLACE:
            self._gesture = "twist"
        elif moved >= self._MOVED:
            self._gesture = "pinch_drag"
        else:
            return []
        self._score = score
        self._value = self._measured(dx, dy)
        return [Sign(self._gesture, "start", self._score, self._value)]

    def _way(self, moment: Moment) -> tuple[float, float]:
        """Return how far the pinch has moved, palm sizes."""
        begun = self._from or moment
        x, y = moment.pinch_point
        return (x - begun.pinch_point[0]) / begun.unit, (y - begun.pinch_point[1]) / begun.unit

    def _measured(self, dx: float, dy: float) -> Mapping[str, float]:
        return {"angle": self._angle} if self._gesture == "twist" else {"dx": dx, "dy": dy}

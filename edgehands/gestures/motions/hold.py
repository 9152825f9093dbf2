"""Motions that go on while something is held: pinch and drag, turn a knob."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgehands.gestures.motions.grip import APART, PINCHED
from edgehands.gestures.motions.motion import Sign, above, below

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.gestures.motions.moment import Moment

GRIP_DELAY = 0.15
"""Seconds that a grip must be held before it counts."""
_LET_GO_AFTER = 0.1
"""Seconds that it must be open before it is over."""


class Grip:
    """Whether something is held, with a delay at both ends."""

    def __init__(self) -> None:
        self.since: float | None = None
        self._lost: float | None = None

    def update(self, time: float, *, closed: bool, opened: bool) -> bool:
        """Take what the hand does, and return whether it has held on for long enough."""
        if self.since is None:
            self.since = time if closed else None
        elif opened:
            self._lost = time if self._lost is None else self._lost
            if time - self._lost >= _LET_GO_AFTER - 1e-6 or time - self.since < GRIP_DELAY:
                self.since = self._lost = None
        else:
            self._lost = None
        return self.since is not None and time - self.since >= GRIP_DELAY - 1e-6

    @property
    def slipping(self) -> bool:
        """Whether the hand has begun to let go: what it does now is no value."""
        return self._lost is not None


class DragReader:
    """Thumb and index finger pinch and the hand moves."""

    _BEGINS = 0.35
    """Palm sizes after which a pinch is a drag."""

    def __init__(self) -> None:
        self._grip = Grip()
        self._from: tuple[float, float, float] | None = None
        self._score: float | None = None
        self._value: Mapping[str, float] = {"dx": 0.0, "dy": 0.0}
        self.held = False
        """Whether the hand pinches now, for the reader of two hands."""

    def update(self, moment: Moment, *, blocked: bool = False) -> list[Sign]:
        """Take the next moment of one hand; blocked: its pinch is part of something else."""
        self.held = self._grip.update(
            moment.time, closed=moment.pinch < PINCHED, opened=moment.pinch > APART
        )
        if not self.held or blocked:
            self._from = None
            return self.end()
        x, y = moment.pinch_point
        if self._from is None:
            self._from = (x, y, moment.unit)
        x0, y0, unit = self._from
        if self._grip.slipping:
            return []
        self._value = {"dx": (x - x0) / unit, "dy": (y - y0) / unit}
        moved = math.hypot(*self._value.values())
        if self._score is None:
            if moved < self._BEGINS:
                return []
            self._score = below(moment.pinch, APART, 0.06)
            return [Sign("pinch_drag", "start", self._score, self._value)]
        return [Sign("pinch_drag", "value", self._score, self._value)]

    def end(self) -> list[Sign]:
        """End what is under way, as when the hand is gone."""
        if self._score is None:
            return []
        score, self._score = self._score, None
        return [Sign("pinch_drag", "end", score, self._value)]


class TwistReader:
    """A hand around a knob, fingers half bent and apart from the thumb, turns."""

    _BEGINS = 15.0
    """Degrees after which it turns."""

    def __init__(self) -> None:
        self._grip = Grip()
        self._last: Moment | None = None
        self._angle = 0.0
        self._score: float | None = None

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        grip = _knob_grip(moment)
        if not self._grip.update(moment.time, closed=grip > 0.5, opened=grip < 0.3):
            self._last, self._angle = None, 0.0
            return self.end()
        if self._last is not None and not self._grip.slipping:
            self._angle += (moment.roll - self._last.roll + 180) % 360 - 180
        self._last = moment
        if self._score is None:
            if abs(self._angle) < self._BEGINS:
                return []
            self._score = grip
            return [self._sign("start")]
        return [] if self._grip.slipping else [self._sign("value")]

    def end(self) -> list[Sign]:
        """End what is under way, as when the hand is gone."""
        if self._score is None:
            return []
        sign = self._sign("end")
        self._score = None
        return [sign]

    def _sign(self, phase: str) -> Sign:
        return Sign("twist", phase, self._score or 0.0, {"angle": self._angle})  # type: ignore[arg-type]


def _knob_grip(moment: Moment) -> float:
    return min(
        below(max(moment.straight), 0.85, 0.04),
        above(min(moment.straight), 0.1, 0.08),
        above(moment.pinch, 0.4, 0.04),
        below(moment.pinch, 1.25, 0.08),
    )

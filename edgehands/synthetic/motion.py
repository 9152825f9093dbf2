"""A hand over time: key frames of gesture and place, and smooth ways between them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgehands.synthetic.camera import Placement
from edgehands.synthetic.pose import GESTURES, UPRIGHT, interpolate
from edgehands.synthetic.scene import Actor
from edgehands.synthetic.skin import Look


@dataclass(frozen=True, slots=True)
class Key:
    """At this time a hand shows this gesture at this place."""

    time: float
    """Seconds."""
    gesture: str
    place: tuple[float, float, float]
    """Of the wrist in the camera's frame, millimetres."""
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Yaw, pitch and roll, degrees; roll comes on top of the gesture's own."""


@dataclass(frozen=True, slots=True)
class Track:
    """One hand's way from its first key to its last; outside of them it is not there."""

    keys: tuple[Key, ...]
    left: bool = False
    look: Look = field(default_factory=Look)

    def at(self, time: float) -> Actor | None:
        """Return the hand at a time."""
        if not self.keys[0].time <= time <= self.keys[-1].time:
            return None
        after = next(i for i, key in enumerate(self.keys) if key.time >= time)
        start, end = self.keys[max(after - 1, 0)], self.keys[after]
        span = max(end.time - start.time, 1e-9)
        share = ease((time - start.time) / span)
        pose = interpolate(GESTURES[start.gesture], GESTURES[end.gesture], share)
        place = np.array(start.place) + share * np.subtract(end.place, start.place)
        turn = _turn(start) + share * (_turn(end) - _turn(start))
        # A living hand is never quite still.
        place += 2.5 * np.sin(time * np.array([1.9, 2.6, 1.3]))
        turn += 2.0 * np.sin(time * np.array([1.4, 1.1, 2.1]))
        yaw, pitch, roll = (float(angle) for angle in turn)
        sign = -1.0 if self.left else 1.0
        x, y, z = (float(value) for value in place)
        placement = Placement((x, y, z), sign * yaw, pitch, sign * roll, self.left)
        return Actor(placement, pose, _gesture(start, end, share), look=self.look)


def ease(share: float) -> float:
    """Return 0 to 1 for 0 to 1, starting and ending at rest."""
    return share * share * (3 - 2 * share)


def _turn(key: Key) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    yaw, pitch, roll = key.turn
    return np.array([yaw, pitch, roll + UPRIGHT.get(key.gesture, 0.0)])


def _gesture(start: Key, end: Key, share: float) -> str:
    """Return the gesture that the hand shows; "" where it is as much one as the other."""
    if start.gesture == end.gesture or share < 0.1:
        return start.gesture
    return end.gesture if share > 0.9 else ""

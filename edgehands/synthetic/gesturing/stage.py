"""What scenes of static and dynamic gestures have in common: people, places, tilts, frame rates."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgehands.hand import Landmark
from edgehands.synthetic import anatomy
from edgehands.synthetic.gesturing.kinematics import joints_of, rotations
from edgehands.synthetic.gesturing.performance import Performance, eased, tremor
from edgehands.synthetic.gesturing.shapes import PALM, roll_of

if TYPE_CHECKING:
    from edgehands.synthetic.gesturing.shapes import Shape
    from edgehands.synthetic.pose import Array

RATES = (10.0, 15.0, 30.0)
"""Frames per second, in turns."""

TOUCH = 0.16
"""Palm lengths between the landmarks of two fingertips that touch: both have flesh around them."""
APART = 0.5
"""Palm lengths between the tips of thumb and index in a hand that does not pinch."""
SEEN_APART = 0.3
"""The same as the camera sees them: nearer, their flesh meets in the picture."""

_PINCHERS = (0, 1, 5, 7)
"""Angles that part thumb and index: the thumb's spread and lift, the index's MCP and PIP."""
HABIT = 3.5
"""Degrees by which one person's joints differ from another's in the same gesture."""


def rng_of(seed: int, name: str, number: int) -> np.random.Generator:
    """Return what draws one scene."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), number])


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: drawn for a scene before anything moves."""

    rng: np.random.Generator
    tilt: Array
    """[3] degrees of yaw, pitch and roll away from how the gesture is shown at its best."""
    person: anatomy.Anatomy
    left: bool
    habit: float = HABIT
    """Degrees, as `HABIT`."""

    @classmethod
    def drawn(cls, rng: np.random.Generator, max_tilt: float, habit: float = HABIT) -> Cast:
        """Draw a person, a hand and a tilt of up to `max_tilt` degrees about each axis."""
        tilt = rng.uniform(-max_tilt, max_tilt, 3)
        person, left = anatomy.varied(anatomy.ADULT, rng), bool(rng.random() < 0.5)
        return cls(rng, tilt, person, left, habit)

    @property
    def most_tilt(self) -> float:
        """The largest of the three."""
        return float(np.abs(self.tilt).max())

    def with_hand(self, *, left: bool) -> Cast:
        """Return the same person with this hand."""
        return replace(self, left=left)

    def held(self, angles: Array) -> Array:
        """Return joint angles [23] as this person happens to hold them."""
        return np.asarray(angles + self.rng.normal(0.0, self.habit, 23))

    def pinched(self, angles: Array, apart: float = TOUCH) -> Array:
        """Return joint angles [23] bent until the tips of thumb and index are that far apart.

        Args:
            angles: [23] degrees to begin with.
            apart: palm lengths from tip to tip; `TOUCH` is flesh on flesh.
        """
        return meeting(self.person, angles, apart)

    def turn(self, gesture: str, shape: Shape, yaw: float = PALM) -> Array:
        """Return yaw, pitch and roll [3] with which this hand shows a shape."""
        roll = roll_of(gesture, shape, left=self.left, yaw=yaw)
        return np.array([-yaw if self.left else yaw, 0.0, roll]) + self.tilt

    def place(self, nearest: float = 450.0, farthest: float = 850.0) -> Array:
        """Return a place [3] for the middle of the hand, millimetres, well inside the picture."""
        depth = self.rng.uniform(nearest, farthest)
        return np.array([*(self.rng.uniform(-0.1, 0.1, 2) * depth), depth])

    def perform(
        self,
        times: Array,
        *,
        angles: tuple[Array, Array],
        places: tuple[Array, Array],
        turns: tuple[Array, Array],
    ) -> Performance:
        """Return a performance on smooth ways between keys, each given as times and values."""
        rng = self.rng
        performance = Performance(
            eased(times, *angles) + tremor(times, 23, 0.8, rng),
            eased(times, *places) + tremor(times, 3, 3.0, rng),
            eased(times, *turns) + tremor(times, 3, 1.2, rng),
            self.left,
            self.person,
        )
        return centred(performance)


def meeting(person: anatomy.Anatomy, angles: Array, apart: float) -> Array:
    """Bend thumb and index finger (Gauss-Newton) until their tips are `apart` palm lengths apart.

    Args:
        person: whose hand.
        angles: [23] degrees to begin with.
        apart: palm lengths.
    """
    angles = angles.copy()
    for _ in range(6):
        nudged = np.vstack([angles, angles + np.eye(23)[list(_PINCHERS)]])
        gaps = _tip_gap(joints_of(person, nudged))
        slopes = gaps[1:] - gaps[0]
        step = (apart - gaps[0]) * slopes / max(float(slopes @ slopes), 1e-9)
        angles[list(_PINCHERS)] += np.clip(step, -12.0, 12.0)
    return np.asarray(angles)


def tip_gap(person: anatomy.Anatomy, angles: Array) -> float:
    """Return how far thumb and index tips are apart in a pose [23], palm lengths."""
    return float(_tip_gap(joints_of(person, angles[None]))[0])


def seen_tip_gap(cast: Cast, angles: Array, turn: Array) -> float:
    """Return how far these tips are apart to a camera far away, palm lengths.

    Args:
        cast: whose hand, and which.
        angles: [23] degrees.
        turn: [3] yaw, pitch and roll on the picture, degrees.
    """
    joints = joints_of(cast.person, angles[None]) * (-1.0 if cast.left else 1.0, 1.0, 1.0)
    seen = joints @ rotations(turn[None]).transpose(0, 2, 1) * (1.0, 1.0, 0.0)
    tips = seen[0, Landmark.THUMB_TIP] - seen[0, Landmark.INDEX_TIP]
    palm = joints[0, Landmark.MIDDLE_MCP] - joints[0, Landmark.WRIST]
    return float(np.linalg.norm(tips) / np.linalg.norm(palm))


def _tip_gap(joints: Array) -> Array:
    tips = joints[:, Landmark.THUMB_TIP] - joints[:, Landmark.INDEX_TIP]
    palm = joints[:, Landmark.MIDDLE_MCP] - joints[:, Landmark.WRIST]
    return np.asarray(np.linalg.norm(tips, axis=1) / np.linalg.norm(palm, axis=1))


def still(value: Array) -> tuple[Array, Array]:
    """Return keys of something that does not change."""
    return np.array([0.0, 1.0]), np.array([value, value])


def centred(performance: Performance) -> Performance:
    """Return it moved so that its places are those of the hand's middle instead of the wrist."""
    _, world = performance.truth()
    return replace(performance, places=performance.places + world[:, 0].mean(axis=0) * 1000.0)

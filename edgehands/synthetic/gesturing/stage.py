"""What scenes of static and dynamic gestures have in common: people, places, tilts, frame rates."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgehands.synthetic import anatomy
from edgehands.synthetic.gesturing.performance import Performance, eased, tremor
from edgehands.synthetic.gesturing.shapes import PALM, roll_of

if TYPE_CHECKING:
    from edgehands.synthetic.gesturing.shapes import Shape
    from edgehands.synthetic.pose import Array

RATES = (10.0, 15.0, 30.0)
"""Frames per second, in turns."""

_HABIT = 3.5
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

    @classmethod
    def drawn(cls, rng: np.random.Generator, max_tilt: float) -> Cast:
        """Draw a person, a hand and a tilt of up to `max_tilt` degrees about each axis."""
        tilt = rng.uniform(-max_tilt, max_tilt, 3)
        return cls(rng, tilt, anatomy.varied(anatomy.ADULT, rng), bool(rng.random() < 0.5))

    @property
    def most_tilt(self) -> float:
        """The largest of the three."""
        return float(np.abs(self.tilt).max())

    def with_hand(self, *, left: bool) -> Cast:
        """Return the same person with this hand."""
        return replace(self, left=left)

    def held(self, angles: Array) -> Array:
        """Return joint angles [23] as this person happens to hold them."""
        return np.asarray(angles + self.rng.normal(0.0, _HABIT, 23))

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


def still(value: Array) -> tuple[Array, Array]:
    """Return keys of something that does not change."""
    return np.array([0.0, 1.0]), np.array([value, value])


def centred(performance: Performance) -> Performance:
    """Return it moved so that its places are those of the hand's middle instead of the wrist."""
    _, world = performance.truth()
    return replace(performance, places=performance.places + world[:, 0].mean(axis=0) * 1000.0)

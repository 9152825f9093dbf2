"""A hand over time, as numbers: where every joint truly is at each moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edgehands.synthetic.anatomy import ADULT, Anatomy
from edgehands.synthetic.camera import Camera
from edgehands.synthetic.gesturing.kinematics import joints_of, rotations

if TYPE_CHECKING:
    from edgehands.hand import Handedness
    from edgehands.synthetic.pose import Array

CAMERA = Camera(480, 360, 465.0)
"""What looks on: a webcam's 55° on a small picture, which is drawn and tracked faster."""


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """One hand's part in a scene, at T moments."""

    angles: Array
    """[T, 23] degrees, as `pose.Pose.to_array`."""
    places: Array
    """[T, 3] of the wrist in the camera's frame, millimetres."""
    turns: Array
    """[T, 3] yaw, pitch and roll on the picture, degrees, as in `camera.Placement`."""
    left: bool = False
    anatomy: Anatomy = field(default=ADULT)

    @property
    def side(self) -> Handedness:
        """Which hand of the person it is."""
        return "left" if self.left else "right"

    def truth(self, camera: Camera = CAMERA) -> tuple[Array, Array]:
        """Return landmarks and world landmarks [T, 21, 3], as `truth.Truth` has them."""
        joints = joints_of(self.anatomy, self.angles)
        if self.left:
            joints = joints * (-1.0, 1.0, 1.0)
        turned = joints @ rotations(self.turns).transpose(0, 2, 1)
        points = turned + self.places[:, None]
        scale = camera.focal / points[:, :, 2]
        depth = (points[:, :, 2] - points[:, :1, 2]) * (camera.focal / points[:, :1, 2])
        landmarks = np.stack(
            [
                points[:, :, 0] * scale + camera.width / 2,
                points[:, :, 1] * scale + camera.height / 2,
                depth,
            ],
            axis=2,
        )
        world = (turned - turned.mean(axis=1, keepdims=True)) / 1000.0
        return landmarks, world


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Some seconds of hands, and what they are meant to show."""

    gesture: str
    """Of the vocabulary or of the motions; "" where nothing is shown."""
    times: Array
    """[T] seconds from 0."""
    performances: tuple[Performance, ...]
    shown: tuple[float, float]
    """Seconds between which the gesture is on: from when a pose is fully there, or a motion
    begins, to when it is left again or ends."""
    tilt: float = 0.0
    """Degrees, the largest turn away from how the gesture is shown at its best."""
    also: frozenset[str] = frozenset()
    """Other gestures that it truly shows on the way, such as the palm that swipes."""


def eased(times: Array, keys: Array, values: Array) -> Array:
    """Return values [T, D] on smooth ways between those [K, D] at the key times [K], at rest there.

    Before the first key and after the last one nothing moves.
    """
    after = np.searchsorted(keys, times, side="right").clip(1, len(keys) - 1)
    span = np.maximum(keys[after] - keys[after - 1], 1e-9)
    share = ((times - keys[after - 1]) / span).clip(0.0, 1.0)
    share = (share * share * (3 - 2 * share))[:, None]
    return np.asarray(values[after - 1] * (1 - share) + values[after] * share)


def tremor(times: Array, width: int, size: float, rng: np.random.Generator) -> Array:
    """Return [T, width] slow waves of about `size`: a living hand is never quite still."""
    speeds = rng.uniform(1.0, 4.0, (3, width))
    phases = rng.uniform(0.0, 2 * np.pi, (3, width))
    waves = np.sin(times[:, None, None] * speeds + phases).sum(axis=1)
    return np.asarray(waves * (size / 1.2))

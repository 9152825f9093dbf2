"""Finger states from the angles along each finger, measured on world landmarks.

World landmarks make the answer independent of distance and nearly so of the view: a finger that
points at the camera still has the angles of a straight one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from edgehands.hand import FINGERS, FloatArray, Landmark

FingerState: TypeAlias = Literal["straight", "bent", "curled"]

_STRAIGHT_BELOW = 100.0  # degrees of bend, all joints together
_CURLED_ABOVE = 125.0
_APART_ABOVE = 0.38  # palm sizes between thumb tip and the nearest joint of another finger
_BEND_SOFTNESS = 10.0  # degrees over which an answer turns from yes to no
_REACH_SOFTNESS = 0.05

_CHAINS = np.array([[Landmark.WRIST, *joints] for joints in FINGERS.values()])
_OTHER_JOINTS = np.array(
    [joint for name, joints in FINGERS.items() for joint in joints[:3] if name != "thumb"]
)


@dataclass(frozen=True, slots=True)
class Finger:
    """How one finger is held."""

    bend: float
    """Degrees, the angles of its three joints added up: 30 to 90 when straight, over 180 in a
    fist."""
    straight: float
    """Degree of being straight, 0 to 1; 0.5 is the border. For the thumb: held apart."""
    curled: float
    """Degree of being curled into the palm, 0 to 1. For the thumb: held in."""

    @property
    def state(self) -> FingerState:
        """The state's name."""
        if self.straight >= 0.5:
            return "straight"
        return "curled" if self.curled >= 0.5 else "bent"


def read_fingers(world_landmarks: FloatArray) -> dict[str, Finger]:
    """Return each finger's state by its name, thumb first.

    Args:
        world_landmarks: [21, 3] metres.
    """
    bends = joint_angles(world_landmarks).sum(axis=1)
    fingers = {
        name: Finger(
            float(bend),
            straight=_soft(_STRAIGHT_BELOW - float(bend), _BEND_SOFTNESS),
            curled=_soft(float(bend) - _CURLED_ABOVE, _BEND_SOFTNESS),
        )
        for name, bend in zip(FINGERS, bends, strict=True)
    }
    # A thumb laid along the fingers hardly bends: what tells is how far its tip stands off.
    apart = min(
        fingers["thumb"].straight,
        _soft(thumb_reach(world_landmarks) - _APART_ABOVE, _REACH_SOFTNESS),
    )
    fingers["thumb"] = Finger(float(bends[0]), straight=apart, curled=1 - apart)
    return fingers


def joint_angles(world_landmarks: FloatArray) -> FloatArray:
    """Degrees at the three joints of each finger, [5, 3]: 0 where two bones are in line."""
    bones = np.diff(world_landmarks[_CHAINS], axis=1)
    bones /= np.maximum(np.linalg.norm(bones, axis=2, keepdims=True), 1e-6)
    cosines = np.clip(np.sum(bones[:, :-1] * bones[:, 1:], axis=2), -1, 1)
    return np.asarray(np.degrees(np.arccos(cosines)), np.float32)


def thumb_reach(world_landmarks: FloatArray) -> float:
    """Distance from the thumb's tip to the nearest joint of another finger, in palm sizes."""
    tip = world_landmarks[Landmark.THUMB_TIP]
    gaps = np.linalg.norm(world_landmarks[_OTHER_JOINTS] - tip, axis=1)
    palm = world_landmarks[Landmark.MIDDLE_MCP] - world_landmarks[Landmark.WRIST]
    return float(gaps.min() / max(float(np.linalg.norm(palm)), 1e-6))


def _soft(margin: float, softness: float) -> float:
    """Map a margin to 0..1, 0.5 at the border."""
    return 1 / (1 + math.exp(-max(-50.0, min(margin / softness, 50.0))))

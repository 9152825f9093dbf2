"""A hand's shape alone: without its place, its size, its side and how it is turned."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgehands.hand import LANDMARK_COUNT, FloatArray, Hand, Landmark

_PALM = [
    Landmark.WRIST,
    Landmark.THUMB_CMC,
    *(Landmark.INDEX_MCP, Landmark.MIDDLE_MCP, Landmark.RING_MCP, Landmark.PINKY_MCP),
]
# The palm of a right hand held upright to the camera, its middle at 0, in palm sizes; from common
# anthropometric figures. Every palm is laid onto it.
_FLAT_PALM = np.array(
    [
        (-0.012, 0.657, 0.019),
        (0.283, 0.438, -0.102),
        (0.317, -0.318, 0.025),
        (0.040, -0.341, 0.048),
        (-0.208, -0.272, 0.025),
        (-0.421, -0.163, -0.015),
    ],
    np.float32,
)
# What tells gestures apart is where the fingers end and how they bend; measured on drawn hands
# against equal weights, bone directions, and whitening: see docs/gestures.md.
_WEIGHTS = np.zeros(LANDMARK_COUNT, np.float32)
_WEIGHTS[[4, 8, 12, 16, 20]] = 1.0
_WEIGHTS[[3, 7, 11, 15, 19]] = 0.5
_WEIGHTS[[2, 6, 10, 14, 18]] = 1.0
_WEIGHTS = np.sqrt(_WEIGHTS / _WEIGHTS.sum())[:, None]

SIZE = 3 * LANDMARK_COUNT


class Shape(NamedTuple):
    """A hand's shape, and how it is turned."""

    points: FloatArray
    """[63]: 21 landmarks in palm sizes, weighted; the distance of two is a mean over the joints."""
    attitude: FloatArray
    """[3, 3]: the rotation from the upright palm to this one, as a right hand."""


def hand_shape(hand: Hand) -> Shape:
    """Return a hand's shape: a left hand's is that of the right one in its mirror."""
    world = hand.world_landmarks
    if hand.handedness == "left":
        world = world * np.array((-1, 1, 1), np.float32)
    palm = world[_PALM]
    middle = palm.mean(axis=0)
    palm = palm - middle
    # The rotation and scale that lay the palm onto the flat one with the least squares (Umeyama).
    left, stretch, right = np.linalg.svd(palm.T @ _FLAT_PALM)
    if np.linalg.det(left) * np.linalg.det(right) < 0:  # a mirror: not what a hand can do
        left[:, 2] *= -1
        stretch[2] *= -1
    turn = left @ right
    scale = stretch.sum() / max(float(np.sum(palm**2)), 1e-9)
    points = (world - middle) @ turn * (scale * _WEIGHTS)
    return Shape(points.ravel(), turn)

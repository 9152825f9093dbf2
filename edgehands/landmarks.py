"""Landmark model outputs → landmarks in the image, and from them the next frame's region.

Constants from MediaPipe's modules/hand_landmark/*.pbtxt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgehands.geometry import roi_to_image, rotated_square, rotation, snapped, upright_angle
from edgehands.hand import LANDMARK_COUNT, FloatArray, Landmark, Roi, palm_size

INPUT_SIDE = 224
"""Side of the landmark model's input, pixels; also the unit of its x, y and z."""

PALM_CORNERS = (Landmark.WRIST, Landmark.INDEX_MCP, Landmark.PINKY_MCP)
"""The triangle that the palm is."""

_NORMALIZE_Z = 0.4  # hand_landmark_cpu.pbtxt: the model's z is 0.4 of the scale of x and y
_ROI_SHIFT_Y = -0.1  # hand_landmark_landmarks_to_roi.pbtxt
_ROI_SCALE = 2.0
_SCALES = np.array([1, 1, 1 / _NORMALIZE_Z], np.float32) / np.float32(INPUT_SIDE)

# The points that say where the hand is; fingertips would swing the region with each bend.
_STABLE = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """What the landmark model said about one region."""

    landmarks: FloatArray
    """[21, 3] pixels of the image, as in `Hand`."""
    world_landmarks: FloatArray
    """[21, 3] metres, as in `Hand`."""
    presence: float
    """Probability that the region holds a hand."""
    right: float
    """Probability that it is a right hand, in an image that is not mirrored."""
    roi: Roi
    """The region measured."""

    @property
    def is_finite(self) -> bool:
        """Say whether every coordinate is a number: an accelerator may answer NaN."""
        return bool(np.isfinite(self.landmarks).all() and np.isfinite(self.world_landmarks).all())


def decode(
    landmarks: FloatArray, presence: float, right: float, world: FloatArray, roi: Roi
) -> Measurement:
    """Bring the model's four outputs from crop to image.

    Args:
        landmarks: [63] x, y, z of 21 points in crop pixels.
        presence: probability.
        right: probability.
        world: [63] metres, in the crop's axes.
        roi: where the crop was cut.
    """
    in_crop = np.multiply(landmarks.reshape(LANDMARK_COUNT, 3), _SCALES, dtype=np.float32)
    metres = world.reshape(LANDMARK_COUNT, 3).copy()
    metres[:, :2] = metres[:, :2] @ rotation(roi.angle)
    return Measurement(roi_to_image(in_crop, roi), metres, float(presence), float(right), roi)


def next_roi(landmarks: FloatArray) -> Roi:
    """Region in which to look for the same hand in the next frame (hand_landmarks_to_rect).

    Args:
        landmarks: [21, 3] pixels.
    """
    # Plain floats: on a dozen points they are several times faster than arrays.
    x, y = (axis.tolist() for axis in landmarks[:, :2].T)
    knuckles = _middle(x), _middle(y)
    angle = upright_angle((x[Landmark.WRIST], y[Landmark.WRIST]), knuckles)
    cos, sin = math.cos(angle), math.sin(angle)
    across = [x[point] * cos + y[point] * sin for point in _STABLE]
    along = [y[point] * cos - x[point] * sin for point in _STABLE]
    left, right, top, bottom = min(across), max(across), min(along), max(along)
    u, v = (left + right) / 2, (top + bottom) / 2
    return snapped(
        rotated_square(
            (u * cos - v * sin, u * sin + v * cos),
            right - left,
            bottom - top,
            angle,
            shift_y=_ROI_SHIFT_Y,
            scale=_ROI_SCALE,
        )
    )


def _middle(values: list[float]) -> float:
    """Return the middle of the knuckles: the middle finger's counts as much as its neighbours."""
    neighbours = (values[Landmark.INDEX_MCP] + values[Landmark.RING_MCP]) / 2
    return (neighbours + values[Landmark.MIDDLE_MCP]) / 2


def is_duplicate(a: FloatArray, b: FloatArray) -> bool:
    """Say whether two sets of landmarks [21, 3] lie on one hand.

    The rule of MediaPipe Tasks (hand_landmarks_deduplication_calculator.cc): at least 10 points
    closer than 0.2 of the palm's longest side, and boxes that overlap by more than 0.2.
    """
    near = np.linalg.norm(a[:, :2] - b[:, :2], axis=1) < 0.2 * max(palm_side(a), palm_side(b))
    if np.count_nonzero(near) < 10:
        return False
    return _box_iou(a, b) > 0.2


def distance_in_palms(a: FloatArray, b: FloatArray) -> float:
    """Mean 2-D distance of two sets of landmarks [21, 3], in palm sizes of `b`."""
    return float(np.linalg.norm(a[:, :2] - b[:, :2], axis=1).mean() / palm_size(b))


def palm_side(landmarks: FloatArray) -> float:
    """Return the longest side of the triangle of wrist, index MCP and pinky MCP in the image.

    Unlike the palm size it does not vanish when a hand is seen from its edge or from its tips.

    Args:
        landmarks: [21, 3] pixels.
    """
    (ax, ay), (bx, by), (cx, cy) = landmarks[PALM_CORNERS, :2].tolist()
    return max(
        math.hypot(ax - bx, ay - by), math.hypot(bx - cx, by - cy), math.hypot(cx - ax, cy - ay)
    )


def _box_iou(a: FloatArray, b: FloatArray) -> float:
    low = np.maximum(a[:, :2].min(axis=0), b[:, :2].min(axis=0))
    high = np.minimum(a[:, :2].max(axis=0), b[:, :2].max(axis=0))
    common = float(np.prod(np.clip(high - low, 0, None)))
    areas = [float(np.prod(np.ptp(points[:, :2], axis=0))) for points in (a, b)]
    return common / max(sum(areas) - common, 1e-9)

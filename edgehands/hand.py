"""The values that the pipeline passes on: palms, regions of interest, hands.

All image coordinates are pixels of the frame given to the tracker: x to the right, y down, (0, 0)
at the outer corner of the first pixel. Angles are radians, clockwise as seen on the screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32]
ImageArray: TypeAlias = npt.NDArray[np.uint8]
Handedness: TypeAlias = Literal["left", "right"]


class Landmark(IntEnum):
    """Index of each of the 21 landmarks, in MediaPipe's order."""

    WRIST = 0
    THUMB_CMC = 1
    THUMB_MCP = 2
    THUMB_IP = 3
    THUMB_TIP = 4
    INDEX_MCP = 5
    INDEX_PIP = 6
    INDEX_DIP = 7
    INDEX_TIP = 8
    MIDDLE_MCP = 9
    MIDDLE_PIP = 10
    MIDDLE_DIP = 11
    MIDDLE_TIP = 12
    RING_MCP = 13
    RING_PIP = 14
    RING_DIP = 15
    RING_TIP = 16
    PINKY_MCP = 17
    PINKY_PIP = 18
    PINKY_DIP = 19
    PINKY_TIP = 20


LANDMARK_COUNT = len(Landmark)

FINGERS: dict[str, tuple[int, int, int, int]] = {
    "thumb": (1, 2, 3, 4),
    "index": (5, 6, 7, 8),
    "middle": (9, 10, 11, 12),
    "ring": (13, 14, 15, 16),
    "pinky": (17, 18, 19, 20),
}
"""The four landmarks of each finger, from the palm to the tip."""

CONNECTIONS: tuple[tuple[int, int], ...] = (
    *((0, 1), (0, 5), (5, 9), (9, 13), (13, 17), (0, 17)),
    *(bone for finger in FINGERS.values() for bone in pairwise(finger)),
)
"""The 21 bones that a drawing shows: the palm's outline, then the fingers."""


def palm_size(landmarks: FloatArray) -> float:
    """Distance from the wrist to the middle finger's MCP: the unit of every error and speed.

    Args:
        landmarks: [21, 2 or 3], pixels or metres; only x and y count, so the value is what the
            camera sees.
    """
    return float(np.linalg.norm(landmarks[Landmark.MIDDLE_MCP, :2] - landmarks[Landmark.WRIST, :2]))


@dataclass(frozen=True, slots=True, eq=False)
class Palm:
    """One palm found by the detector."""

    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 in pixels."""
    keypoints: FloatArray
    """[7, 2] pixels: wrist, MCPs of index, middle, ring and pinky, thumb CMC, thumb MCP."""
    score: float
    """The detector's confidence, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Roi:
    """The rotated square of the image that the landmark model looks at."""

    cx: float
    cy: float
    """Centre, pixels."""
    size: float
    """Side, pixels."""
    angle: float
    """Radians clockwise; 0 when the hand points up in the image."""


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """One hand in one frame."""

    id: int
    """Stays the same while the hand is tracked; never used again after."""
    landmarks: FloatArray
    """[21, 3]: x and y in image pixels, z in pixels too; the wrist's z is about 0 and a point
    nearer to the camera is negative (MediaPipe's z, its normalize_z of 0.4 applied)."""
    world_landmarks: FloatArray
    """[21, 3] metres, in the image's axes, the origin at the hand's geometric centre."""
    presence: float
    """How sure the landmark model is that its region holds a hand, 0 to 1."""
    handedness: Handedness
    """Which hand of the person it is."""
    handedness_score: float
    """How sure of the side, 0.5 to 1, averaged over the track."""
    roi: Roi
    """The region that this frame's landmarks were measured in."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of the landmarks, pixels."""
        low = self.landmarks[:, :2].min(axis=0)
        high = self.landmarks[:, :2].max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

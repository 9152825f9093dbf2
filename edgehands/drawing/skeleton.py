"""Bones and joints: the nearer, the lighter and larger."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from edgehands.drawing.strokes import LEFT, OUTLINE, RIGHT, SHIFT, Colour, fixed, fixed_length, mix
from edgehands.hand import CONNECTIONS, FINGERS, palm_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.hand import FloatArray, Hand, ImageArray

Colours: TypeAlias = "Callable[[Hand, int], tuple[Colour, Colour]]"
"""The colours of a hand's landmark far from the camera, and near it."""

_DEPTH_RANGE = 0.8  # palm sizes from the farthest shade to the nearest
_FAR: dict[str, Colour] = {"left": (8, 84, 120), "right": (130, 62, 6)}
_NEAR: dict[str, Colour] = {"left": LEFT, "right": RIGHT}
_DARKER = 0.45  # a finger's far shade, as a share of its near one
# Distinct for most colour-blind people too, after Okabe and Ito.
_FINGERS: dict[str, Colour] = {
    "thumb": (240, 228, 66),
    "index": (86, 180, 233),
    "middle": (0, 190, 140),
    "ring": (230, 159, 0),
    "pinky": (220, 130, 180),
}
_PALM: Colour = (225, 228, 232)
_FINGER_OF = {joint: finger for finger, joints in FINGERS.items() for joint in joints[1:]}


def by_side(hand: Hand, landmark: int) -> tuple[Colour, Colour]:  # noqa: ARG001 (all the same)
    """Return one pair for each side of the person."""
    return _FAR[hand.handedness], _NEAR[hand.handedness]


def by_finger(hand: Hand, landmark: int) -> tuple[Colour, Colour]:  # noqa: ARG001 (all hands)
    """Return one pair for each finger."""
    near = _FINGERS[_FINGER_OF[landmark]] if landmark in _FINGER_OF else _PALM
    return mix((0, 0, 0), near, _DARKER), near


def draw(image: ImageArray, hand: Hand, colours: Colours) -> None:
    """Draw a hand into `image` (uint8 [H, W, 3] RGB), the farthest parts first."""
    points, palm = hand.landmarks, max(palm_size(hand.landmarks), 8.0)
    nearness = _nearness(points, palm)
    bone = max(1, round(palm * 0.035))
    for a, b in sorted(CONNECTIONS, key=lambda ends: nearness[list(ends)].sum()):
        ends = fixed(points[a]), fixed(points[b])
        shade = mix(*colours(hand, b), float(nearness[[a, b]].mean()))
        cv2.line(image, *ends, OUTLINE, bone + 2, cv2.LINE_AA, SHIFT)
        cv2.line(image, *ends, shade, bone, cv2.LINE_AA, SHIFT)
    for index in np.argsort(nearness).tolist():
        radius = palm * (0.03 + 0.045 * float(nearness[index]))
        shade = mix(*colours(hand, index), float(nearness[index]))
        centre = fixed(points[index])
        cv2.circle(image, centre, fixed_length(radius + 1), OUTLINE, -1, cv2.LINE_AA, SHIFT)
        cv2.circle(image, centre, fixed_length(radius), shade, -1, cv2.LINE_AA, SHIFT)


def _nearness(points: FloatArray, palm: float) -> FloatArray:
    """0 for the farthest to 1 for the nearest, around the middle of the hand, [21]."""
    depth = (points[:, 2] - np.median(points[:, 2])) / (palm * _DEPTH_RANGE)
    return np.asarray(np.clip(0.5 - depth, 0, 1), np.float32)

"""Hands drawn into a picture: skeleton with depth as shade and size, id, side and gesture.

After figure 1 of "MediaPipe Hands" (arXiv:2006.10214): the nearer a point, the lighter and larger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from edgehands.hand import CONNECTIONS, Landmark, palm_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgehands.hand import FloatArray, Hand, ImageArray

Colour: TypeAlias = tuple[int, int, int]

_NEAR: dict[str, Colour] = {"left": (120, 235, 255), "right": (255, 214, 120)}
_FAR: dict[str, Colour] = {"left": (8, 84, 120), "right": (130, 62, 6)}
_OUTLINE: Colour = (16, 18, 22)
_PAPER: Colour = (245, 246, 248)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SHIFT = 4  # OpenCV's fixed point: 1/16 pixel
_DEPTH_RANGE = 0.8  # palm sizes from the nearest to the farthest shade


def draw_hands(
    image: ImageArray, hands: Sequence[Hand], gestures: Mapping[int, str] | None = None
) -> ImageArray:
    """Return a copy of `image` (uint8 [H, W, 3] RGB) with the hands on it.

    Args:
        image: the frame; it is not changed.
        hands: in its pixels.
        gestures: what to write beside a hand, by its id.
    """
    drawn = image.copy()
    for hand in hands:
        _draw_skeleton(drawn, hand)
    for hand in hands:  # on top of every skeleton
        _draw_label(drawn, hand, (gestures or {}).get(hand.id))
    return drawn


def _draw_skeleton(image: ImageArray, hand: Hand) -> None:
    points, palm = hand.landmarks, max(palm_size(hand.landmarks), 8.0)
    nearness = _nearness(points, palm)
    near, far = _NEAR[hand.handedness], _FAR[hand.handedness]
    bone = max(1, round(palm * 0.035))
    for a, b in sorted(CONNECTIONS, key=lambda ends: nearness[list(ends)].sum()):
        ends = _fixed(points[a]), _fixed(points[b])
        shade = _mix(far, near, float(nearness[[a, b]].mean()))
        cv2.line(image, *ends, _OUTLINE, bone + 2, cv2.LINE_AA, _SHIFT)
        cv2.line(image, *ends, shade, bone, cv2.LINE_AA, _SHIFT)
    for index in np.argsort(nearness):
        radius = palm * (0.03 + 0.045 * float(nearness[index]))
        shade = _mix(far, near, float(nearness[index]))
        centre = _fixed(points[index])
        cv2.circle(image, centre, _fixed_length(radius + 1), _OUTLINE, -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(image, centre, _fixed_length(radius), shade, -1, cv2.LINE_AA, _SHIFT)


def _nearness(points: FloatArray, palm: float) -> FloatArray:
    """0 for the farthest to 1 for the nearest, around the middle of the hand, [21]."""
    depth = (points[:, 2] - np.median(points[:, 2])) / (palm * _DEPTH_RANGE)
    return np.asarray(np.clip(0.5 - depth, 0, 1), np.float32)


def _draw_label(image: ImageArray, hand: Hand, gesture: str | None) -> None:
    text = f"{hand.id} {hand.handedness}" + (f"  {gesture.replace('_', ' ')}" if gesture else "")
    size = max(0.5, image.shape[0] / 850)
    (width, height), below = cv2.getTextSize(text, _FONT, size, 1)
    pad = max(3, height // 2)
    x0, _, x1, y1 = hand.box
    wrist_y = float(hand.landmarks[Landmark.WRIST, 1])
    left = _between((x0 + x1 - width) / 2, pad, image.shape[1] - width - pad)
    base = _between(max(y1, wrist_y) + height + 3 * pad, height + pad, image.shape[0] - below - pad)
    cv2.rectangle(
        image,
        (left - pad, base - height - pad),
        (left + width + pad, base + below + pad // 2),
        _OUTLINE,
        -1,
    )
    shade = _NEAR[hand.handedness] if gesture else _PAPER
    cv2.putText(image, text, (left, base), _FONT, size, shade, 1, cv2.LINE_AA)


def _between(value: float, low: int, high: int) -> int:
    return max(low, min(round(value), high))


def _fixed(point: FloatArray) -> tuple[int, int]:
    return round(float(point[0]) * (1 << _SHIFT)), round(float(point[1]) * (1 << _SHIFT))


def _fixed_length(length: float) -> int:
    return round(length * (1 << _SHIFT))


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue

"""Hands of light: bones that glow on a darkened picture (the paper's figure 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgehands.drawing.strokes import SHIFT, Colour, fixed, fixed_length, mix
from edgehands.hand import CONNECTIONS, FINGERS, palm_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.hand import Hand, ImageArray

_DIMMED = 0.42  # what is left of the picture's light
_ROOT: Colour = (255, 40, 150)
_TIP: Colour = (40, 220, 255)
_CORE: Colour = (255, 250, 255)
# Blur in palm sizes and how much of it is added: a tight halo, and a wide one for the room.
_HALOS = ((0.03, 1.0), (0.10, 1.1), (0.30, 0.9))
_SMALL_BLUR = 2.5  # pixels
_REACH = 1.0  # palm sizes around a hand that its light reaches
# How far along the hand a landmark lies: 0 at the wrist, 1 at a fingertip.
_ALONG = {0: 0.0} | {
    joint: (place + 1) / 4 for joints in FINGERS.values() for place, joint in enumerate(joints)
}


def draw(image: ImageArray, hands: Sequence[Hand]) -> ImageArray:
    """Return `image` (uint8 [H, W, 3] RGB), darkened, with the hands alight in it."""
    drawn: ImageArray = np.asarray(cv2.convertScaleAbs(image, alpha=_DIMMED), np.uint8)
    for hand in hands:
        _light(drawn, hand)
    return drawn


def _light(image: ImageArray, hand: Hand) -> None:
    """Add a hand's light to the part of the picture that it reaches."""
    palm = max(palm_size(hand.landmarks), 8.0)
    top, bottom, left, right = _reached(hand, palm, image.shape[0], image.shape[1])
    if bottom <= top or right <= left:
        return
    part = image[top:bottom, left:right]
    points = hand.landmarks[:, :2] - np.array([left, top], np.float32)
    tubes = np.zeros_like(part)
    _strokes(tubes, points, max(2, round(palm * 0.07)), palm * 0.055)
    light = part.astype(np.float32)
    for blur, strength in _HALOS:
        light += strength * _blurred(tubes, blur * palm)
    np.clip(light, 0, 255, out=light)
    part[:] = light.astype(np.uint8)
    _cores(part, points, max(1, round(palm * 0.022)), palm * 0.028)


def _blurred(image: ImageArray, sigma: float) -> ImageArray:
    """Blur by so many pixels: what is blurred that far needs no more than a small picture."""
    height, width = image.shape[:2]
    shrink = max(1.0, sigma / _SMALL_BLUR)
    size = max(1, round(width / shrink)), max(1, round(height / shrink))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), sigma / shrink)
    return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR))


def _reached(hand: Hand, palm: float, height: int, width: int) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right, inside the picture."""
    x0, y0, x1, y1 = hand.box
    reach = _REACH * palm
    return (
        max(0, int(y0 - reach)),
        min(height, int(y1 + reach)),
        max(0, int(x0 - reach)),
        min(width, int(x1 + reach)),
    )


def _strokes(image: ImageArray, points: np.ndarray, bone: int, radius: float) -> None:
    for a, b in CONNECTIONS:
        shade = mix(_ROOT, _TIP, (_ALONG[a] + _ALONG[b]) / 2)
        cv2.line(image, fixed(points[a]), fixed(points[b]), shade, bone, cv2.LINE_AA, SHIFT)
    for index, along in _ALONG.items():
        shade = mix(_ROOT, _TIP, along)
        cv2.circle(image, fixed(points[index]), fixed_length(radius), shade, -1, cv2.LINE_AA, SHIFT)


def _cores(image: ImageArray, points: np.ndarray, bone: int, radius: float) -> None:
    """Draw what is so bright that it looks white."""
    for a, b in CONNECTIONS:
        cv2.line(image, fixed(points[a]), fixed(points[b]), _CORE, bone, cv2.LINE_AA, SHIFT)
    for point in points:
        cv2.circle(image, fixed(point), fixed_length(radius), _CORE, -1, cv2.LINE_AA, SHIFT)

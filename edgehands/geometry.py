"""Rotated regions and the way between image and crop: pure arithmetic, no image touched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edgehands.hand import Roi

if TYPE_CHECKING:
    from typing import TypeAlias

    from edgehands.hand import FloatArray

    Point: TypeAlias = FloatArray | tuple[float, float]


_GRID_BITS = 11


def upright_angle(base: Point, tip: Point) -> float:
    """Angle of the turn from "up in the image" to the line base → tip, in [-π, π).

    Args:
        base: [2] pixels, the wrist.
        tip: [2] pixels, a point towards the fingers.
    """
    # The legacy graphs say target angle 90°; MediaPipe Tasks passes 90 *radians* by mistake and
    # turns each detector region 26.6° too far (hand_detector_graph.cc:131). We do not.
    angle = math.pi / 2 - math.atan2(base[1] - tip[1], tip[0] - base[0])
    return (angle + math.pi) % (2 * math.pi) - math.pi


def rotated_square(
    center: Point, width: float, height: float, angle: float, *, shift_y: float, scale: float
) -> Roi:
    """Square region around a rotated rectangle, as RectTransformationCalculator makes it.

    Args:
        center: [2] pixels, the rectangle's centre.
        width: of the rectangle along its own x axis, pixels.
        height: of the rectangle along its own y axis, pixels.
        angle: radians.
        shift_y: move along the rectangle's own y axis, in heights (negative: to the fingers).
        scale: the square's side in long sides of the rectangle.
    """
    shift = height * shift_y
    return Roi(
        cx=float(center[0] - shift * math.sin(angle)),
        cy=float(center[1] + shift * math.cos(angle)),
        size=float(max(width, height) * scale),
        angle=angle,
    )


def snapped(roi: Roi) -> Roi:
    """Round a region to a grid of about 1/2000 of its side, and 1/2048 rad.

    Each region follows from the last landmarks, so a difference of 0.0001 px between two runtimes
    feeds on itself, through the crop's 8-bit rounding, until whole tracks are 0.2 px apart. On a
    grid that is coarser than such differences and finer than the model's own noise, all runtimes
    see the same crops.
    """
    step = 2.0 ** (round(math.log2(max(roi.size, 1.0))) - _GRID_BITS)
    turn = 2.0**-_GRID_BITS
    return Roi(
        cx=round(roi.cx / step) * step,
        cy=round(roi.cy / step) * step,
        size=round(roi.size / step) * step,
        angle=round(roi.angle / turn) * turn,
    )


def rotation(angle: float) -> FloatArray:
    """Return a [2, 2] matrix: row vectors multiplied by it from the right turn clockwise."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, sin], [-sin, cos]], np.float32)


def roi_to_image(points: FloatArray, roi: Roi) -> FloatArray:
    """Project points of a crop back to the image.

    Args:
        points: [N, 3] in shares of the crop's side (0..1); z likewise.
        roi: where the crop was cut.

    Returns:
        [N, 3] pixels.
    """
    image = np.empty_like(points)
    image[:, :2] = (points[:, :2] - 0.5) @ rotation(roi.angle) * roi.size + (roi.cx, roi.cy)
    image[:, 2] = points[:, 2] * roi.size
    return image


def crop_to_image_matrix(roi: Roi, side: int) -> FloatArray:
    """[2, 3] affine matrix from crop pixels (0..side) to image pixels.

    In double precision: in single, a place far from the origin would round otherwise than one near.
    """
    turn = rotation(roi.angle).T * (roi.size / side)
    corner = np.array([roi.cx, roi.cy]) - turn @ np.array([side / 2, side / 2])
    return np.column_stack([turn, corner])


def iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Overlap of box `a` [4] with each of `b` [N, 4]; boxes are x0, y0, x1, y1; result [N]."""
    low = np.maximum(a[:2], b[:, :2])
    high = np.minimum(a[2:], b[:, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(b[:, 2:] - b[:, :2], axis=1) + np.prod(a[2:] - a[:2])
    return np.asarray(common / np.maximum(areas - common, 1e-9), np.float32)


def roi_box(roi: Roi) -> FloatArray:
    """[4] box of a region with its rotation ignored, as MediaPipe compares regions."""
    half = roi.size / 2
    return np.array([roi.cx - half, roi.cy - half, roi.cx + half, roi.cy + half], np.float32)

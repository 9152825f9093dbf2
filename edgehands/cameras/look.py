"""What tells a dark or frozen picture from a good one: the brightness of a grid of its pixels."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from edgehands.hand import ImageArray

GRID = 32
"""Points across and down."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


class Look(msgspec.Struct, frozen=True):
    """A picture in three numbers."""

    digest: int
    """Two pictures with the same one are the same: a sensor's noise never repeats."""
    mean: float
    """Brightness from 0 to 255."""
    deviation: float
    """Of the brightness over the grid."""


def look_at(image: ImageArray) -> Look:
    """Look at uint8 [H, W, 3] RGB; 30 µs, whatever its size."""
    height, width = image.shape[:2]
    rows = (2 * np.arange(GRID) + 1) * height // (2 * GRID)
    columns = (2 * np.arange(GRID) + 1) * width // (2 * GRID)
    points = image[rows[:, None], columns]
    luma = points @ _LUMA
    return Look(zlib.crc32(points.tobytes()), float(luma.mean()), float(luma.std()))

"""Several views of one crop, measured together: the whole of the `heavy` model.

A view turns the region, and may mirror the crop, before the model sees it; afterwards the answer is
turned and mirrored back. Errors that depend on the view average out. No backend knows of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgehands.landmarks import INPUT_SIDE, Measurement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.hand import FloatArray, Roi


def view_roi(roi: Roi, turn: float) -> Roi:
    """Return the region as a view cuts it that is turned by so many radians."""
    return replace(roi, angle=roi.angle + turn)


def unmirrored(
    landmarks: FloatArray, right: float, world: FloatArray
) -> tuple[FloatArray, float, FloatArray]:
    """Bring what a model said of a mirrored crop back to the crop that was mirrored.

    Args:
        landmarks: [63] x, y, z of 21 points in crop pixels.
        right: probability of a right hand; mirrored, a left hand looks like one.
        world: [63] metres.
    """
    flipped, flipped_world = landmarks.copy(), world.copy()
    flipped[0::3] = INPUT_SIDE - landmarks[0::3]
    flipped_world[0::3] = -world[0::3]
    return flipped, 1 - right, flipped_world


def merged(measurements: Sequence[Measurement], roi: Roi) -> Measurement:
    """Average the measurements of one hand from all views, in the image; `roi` is the plain one."""
    if len(measurements) == 1:
        return measurements[0]
    return Measurement(
        landmarks=_mean([each.landmarks for each in measurements]),
        world_landmarks=_mean([each.world_landmarks for each in measurements]),
        presence=float(np.mean([each.presence for each in measurements])),
        right=float(np.mean([each.right for each in measurements])),
        roi=roi,
    )


def _mean(points: list[FloatArray]) -> FloatArray:
    return np.asarray(np.mean(points, axis=0), np.float32)

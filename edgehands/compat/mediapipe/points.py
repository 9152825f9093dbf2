"""From pixels to MediaPipe's shares of the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgehands.hand import Hand


def normalized(hand: Hand, width: int, height: int) -> list[list[float]]:
    """Return a hand's 21 landmarks as shares: x and z of the picture's width, y of its height."""
    points: list[list[float]] = (
        hand.landmarks / np.array([width, height, width], np.float32)
    ).tolist()
    return points

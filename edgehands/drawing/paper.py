"""Dark paper with a fine grid, for hands without a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgehands.hand import ImageArray

_GROUND = (18, 21, 27)
_LINES = (28, 33, 41)
_SQUARES = 12  # along the shorter side


def like(image: ImageArray) -> ImageArray:
    """Return paper of the size of `image`; of its pixels nothing is used."""
    height, width = image.shape[:2]
    paper = np.full((height, width, 3), _GROUND, np.uint8)
    step = max(8, min(height, width) // _SQUARES)
    paper[step // 2 :: step] = _LINES
    paper[:, step // 2 :: step] = _LINES
    return paper

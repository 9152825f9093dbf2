"""Private parts of the picture, black from where frames enter: nobody ever sees them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgehands.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.settings import Area


def masked(frame: Frame, masks: Sequence[Area]) -> Frame:
    """Return a frame whose image is black in these areas; without any, the frame itself.

    A pixel that an area touches is black. The camera's own image is not written to.
    """
    if not masks:
        return frame
    image = frame.image.copy()
    height, width = image.shape[:2]
    for left, top, right, bottom in masks:
        rows = slice(math.floor(top * height), math.ceil(bottom * height))
        image[rows, math.floor(left * width) : math.ceil(right * width)] = 0
    return Frame(image, frame.time, frame.captured)

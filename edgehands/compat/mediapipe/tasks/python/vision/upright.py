"""A picture turned upright for the tracker, and its points turned back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands.errors import UsageError

if TYPE_CHECKING:
    from typing_extensions import Self

    from edgehands.compat.mediapipe.tasks.python.vision.core.image_processing_options import (
        ImageProcessingOptions,
    )
    from edgehands.hand import FloatArray, ImageArray


@dataclass(frozen=True)
class Upright:
    """A turn by quarters."""

    quarters: int = 0
    """Clockwise, 0 to 3."""

    @classmethod
    def of(cls, options: ImageProcessingOptions | None) -> Self:
        """Return the turn that the options of a call ask for.

        Raises:
            ValueError: a region of interest, or another angle.
        """
        if options is None:
            return cls()
        if options.region_of_interest is not None:
            raise UsageError("This task doesn't support region-of-interest.")
        if options.rotation_degrees % 90:
            raise UsageError(
                f"rotation_degrees is {options.rotation_degrees}: "
                "Expected rotation to be a multiple of 90°."
            )
        return cls(options.rotation_degrees // 90 % 4)

    def turned(self, image: ImageArray) -> ImageArray:
        """Return the picture turned upright."""
        return np.ascontiguousarray(np.rot90(image, -self.quarters)) if self.quarters else image

    def shares(self, landmarks: FloatArray, width: int, height: int) -> FloatArray:
        """Return points of the turned picture as shares of the one that was given.

        Args:
            landmarks: [21, 3] pixels of the turned picture.
            width: of the picture as it was given.
            height: as `width`.
        """
        size = np.array([width, height, width], np.float32)
        centre = np.array([width / 2, height / 2, 0], np.float32)
        turned_centre = centre[[1, 0, 2]] if self.quarters % 2 else centre
        shares: FloatArray = (self.turned_back(landmarks - turned_centre) + centre) / size
        return shares

    def turned_back(self, points: FloatArray) -> FloatArray:
        """Turn points round the origin, from the turned picture's axes to the given one's."""
        back = points.copy()
        for _ in range(self.quarters):  # clockwise took (x, y) to (-y, x), with y down
            back[:, 0], back[:, 1] = back[:, 1].copy(), -back[:, 0]
        return back

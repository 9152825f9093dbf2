"""Whether a hand has moved: a coarse look at its region against the one last measured. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgehands.hand import FloatArray

_NOISE = 1.5
"""Grey levels of 255, root of the mean square: what a sensor adds in fair light, and less than a
hand's outline makes when it moves by a hundredth of a palm."""


class Stillness:
    """Remembers how a region looked when it was measured.

    Args:
        look: [N, N] grey levels.
    """

    def __init__(self, look: FloatArray) -> None:
        self._look = look
        self.frames = 0
        """For how many frames in a row the hand was taken as still."""

    def holds(self, look: FloatArray) -> bool:
        """Say whether the same region, seen again, differs by no more than noise."""
        change = (look - self._look).ravel()
        if float(np.dot(change, change)) > _NOISE * _NOISE * change.size:
            return False
        self.frames += 1
        return True

"""Whether the tips of thumb and index finger touch.

The model's distance between tips that touch is off by a different amount for each hand and view, so
what counts is how far it drops, and how soon, from what it was.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from edgehands.gestures.motions.motion import above, below

if TYPE_CHECKING:
    from edgehands.gestures.motions.moment import Moment

_NEAR = 0.25
"""Palm sizes above which tips never count as touching."""
_DROP = 0.5
"""Share of the distance before, to which it must drop."""
_DROP_IN_SPACE = 0.8
"""Share of the distance in space, depth and all, to which that must drop: a hand that only turns
until one tip hides the other keeps it."""
_APART = 0.24
"""Palm sizes that the tips must have been apart before."""
_WITHIN = 0.35
"""Seconds for the drop, at most."""
_PARTED = 0.45
"""Share of the way back up at which they no longer touch."""
_CURLED = 0.2
"""Straightness of the index finger below which its tip lies in the hand and touches nothing."""


class Touch:
    """Follows one hand's thumb and index finger."""

    def __init__(self) -> None:
        self._recent: deque[Moment] = deque()
        self._high = 0.0
        self._low = math.inf
        self.since: float | None = None
        """When they began to touch, None while they do not."""
        self.score = 0.0
        """How sure that is, 0 to 1."""

    def update(self, moment: Moment) -> bool:
        """Take the next moment of the hand and return whether they touch."""
        if self.since is None:
            self._begin(moment)
        else:
            self._low = min(self._low, moment.pinch)
            self.score = self._scored()
            if moment.pinch > max(self._low + _PARTED * (self._high - self._low), self._low + 0.07):
                self.since = None
                self._recent.clear()
        return self.since is not None

    def _begin(self, moment: Moment) -> None:
        recent = self._recent
        while recent and moment.time - recent[0].time > _WITHIN:
            recent.popleft()
        high = max([before.pinch for before in recent], default=0.0)
        tips = max([before.tips for before in recent], default=0.0)
        recent.append(moment)
        if high < _APART or moment.straight[0] < _CURLED:
            return
        if moment.pinch < min(_NEAR, _DROP * high) and moment.tips < _DROP_IN_SPACE * tips:
            self.since, self._high, self._low = moment.time, high, moment.pinch
            self.score = self._scored()

    def _scored(self) -> float:
        return min(
            below(self._low, _NEAR, 0.04), above(1 - self._low / self._high, 1 - _DROP, 0.06)
        )

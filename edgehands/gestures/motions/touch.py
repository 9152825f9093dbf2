"""Whether thumb and index finger pinch, now.

How surely a hand pinches differs with hand and view, so what counts besides is how far it rises,
and how soon, above what it was: fingers that lie together do not begin to pinch.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from edgehands.settings import TICK

if TYPE_CHECKING:
    from edgehands.gestures.motions.moment import Moment

_RISE = 1.0
"""How much more than just before."""
_WITHIN = 0.35
"""Seconds for the rise, at most."""
_PARTED = 0.5
"""Share of the rise that is lost when fingers part again."""
_TAP = 0.4
"""Seconds; after a longer touch they have parted only below where it began: a hand that turns while
it pinches is seen to do so more, or less."""


class Touch:
    """Follows one hand's thumb and index finger.

    Args:
        begins: how much a hand pinches (`Moment.pinching`) when a touch may begin.
        curled: straightness of the index finger (`Moment.straight`) below which its tip lies in the
            hand and begins no touch.
    """

    def __init__(self, begins: float = 0.4, curled: float = -0.3) -> None:
        self._begins = begins
        self._curled = curled
        self._recent: deque[tuple[float, float]] = deque()
        self._low = 0.0
        self.high = 0.0
        """How much the hand pinched at most, in this touch or the last one."""
        self._sum = 0.0
        self._count = 0
        self.since: float | None = None
        """When they began to touch, None while they do not."""

    @property
    def rise(self) -> float:
        """How much more that is than just before."""
        return self.high - self._low

    @property
    def firmness(self) -> float:
        """How much the hand has pinched since they touch, on the average."""
        return self._sum / max(self._count, 1)

    def update(self, moment: Moment) -> bool:
        """Take the next moment of the hand and return whether they touch."""
        pinching = moment.pinching
        if self.since is None:
            self._begin(moment)
        elif self._has_parted(moment.time - self.since, pinching):
            self.since = None
            self._recent.clear()
            self._recent.append((moment.time, pinching))
        if self.since is not None:
            self.high = max(self.high, pinching)
            self._sum += pinching
            self._count += 1
        return self.since is not None

    def _begin(self, moment: Moment) -> None:
        time, pinching = moment.time, moment.pinching
        recent = self._recent
        while recent and time - recent[0][0] > _WITHIN + TICK:
            recent.popleft()
        low = min([before for _, before in recent], default=pinching)
        recent.append((time, pinching))
        if pinching > self._begins and pinching - low > _RISE and moment.straight > self._curled:
            self.since, self._low, self.high = time, low, pinching
            self._sum, self._count = 0.0, 0

    def _has_parted(self, lasted: float, pinching: float) -> bool:
        parted = pinching < self.high - _PARTED * (self.high - self._low)
        return parted and (lasted <= _TAP or pinching < self._begins)

"""How long to wait before the next attempt to connect. Pure: time and chance are arguments."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST = 0.1  # seconds at most before the first attempt
_SOON = 1.5  # … before any later one in the first minute
_LATER = 5.0  # … and afterwards
_MINUTE = 60.0
_PATIENT = 5.0  # seconds at least, where haste makes it worse


class Backoff:
    """Delays with full jitter, so that devices that lost one broker do not return as one.

    Args:
        spread: seconds over which a fleet spreads; 0 goes by the caps above.
        chance: uniform from 0 to 1.
    """

    def __init__(self, spread: float = 0.0, chance: Callable[[], float] = random.random) -> None:
        self._spread = spread
        self._chance = chance
        self._since: float | None = None
        self._attempts = 0

    def reset(self) -> None:
        """Forget the outage: the broker has answered."""
        self._since = None
        self._attempts = 0

    def delay(self, now: float, *, patient: bool = False) -> float:
        """Return the seconds to wait after a failure at `now`.

        Args:
            now: seconds, of a clock that only rises.
            patient: trying again soon would do harm, as when two devices push each other out.
        """
        if self._since is None:
            self._since = now
        self._attempts += 1
        if self._spread:
            delay = self._spread * self._spread_share()
        else:
            limit = _SOON if now - self._since < _MINUTE else _LATER
            delay = self._chance() * min(limit, _FIRST * 2 ** min(self._attempts - 1, 10))
        return max(delay, _PATIENT) if patient else delay

    def _spread_share(self) -> float:
        """The first attempts fall evenly over the spread; the later ones no denser than those."""
        return self._chance() if self._attempts == 1 else 0.5 + 0.5 * self._chance()

"""An output that cannot be opened yet, mostly because another program has its port."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.service.plans import SharedConfig

_FIRST = 1.0  # seconds at most until it is tried again
_LONGEST = 30.0


class Lack:
    """One such output, and when to try again. Pure: time and chance are arguments.

    Args:
        table: what it is to be.
        problem: why it cannot be opened.
        now: seconds, of a clock that only rises.
        chance: uniform from 0 to 1.
    """

    def __init__(
        self,
        table: SharedConfig,
        problem: str,
        now: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.table = table
        self.problem = problem
        self._chance = chance
        self._limit = _FIRST
        self._due = now
        self.wait(now)

    def is_due(self, now: float) -> bool:
        """Whether to try again."""
        return now >= self._due

    def wait(self, now: float) -> None:
        """Try later, each time less often."""
        self._due = now + self._limit * (0.5 + 0.5 * self._chance())
        self._limit = min(_LONGEST, 2 * self._limit)

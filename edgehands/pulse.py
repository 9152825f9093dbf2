"""Signs of life: each thread says that it got on, and a watchdog asks whether all of them did."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Pulse:
    """One thread's sign of life: set by it, read by another.

    Args:
        name: of the thread, for whoever is told that it hangs.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.doing = ""
        """What it does now."""
        self.turns = 0
        """How often it got on."""
        self._excused = float("-inf")

    def beat(self, doing: str = "") -> None:
        """Say that something was done, and what comes next."""
        self.doing = doing
        self._excused = float("-inf")
        self.turns += 1

    def excuse(self, doing: str, until: float) -> None:
        """Say that what comes next may take until then (time.monotonic())."""
        self.beat(doing)
        self._excused = until

    def is_excused(self, now: float) -> bool:
        """Whether its silence means nothing yet."""
        return now < self._excused


class Pulses:
    """Tells whether everybody got on since the last time that everybody had."""

    def __init__(self) -> None:
        self._seen: dict[Pulse, int] = {}

    def silent(self, pulses: Iterable[Pulse], now: float) -> list[Pulse]:
        """Return those that did nothing since this was last empty; a new one has done something."""
        pulses = tuple(pulses)
        silent = [
            pulse
            for pulse in pulses
            if pulse.turns == self._seen.get(pulse) and not pulse.is_excused(now)
        ]
        if not silent:
            self._seen = {pulse: pulse.turns for pulse in pulses}
        return silent

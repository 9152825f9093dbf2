"""How many frames a second are looked at under heat and load: steps with hysteresis, and why.

Pure: time is an argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from edgehands.config import ServiceConfig

RUNGS = (1.0, 2 / 3, 1 / 2, 1 / 3, 1 / 4, 1 / 6)
"""Shares of the camera's rate: of 30 frames a second 20, 15, 10, 7.5 and 5."""
DOWN_SECONDS = 3.0
"""Load must last so long before a step down, and has so long to show its effect."""
HOT_SECONDS = 10.0
"""The same between two steps for heat, which takes time to go."""
UP_SECONDS = 15.0
"""Everything must be well for so long before a step up."""
ROOM = 0.8
"""Share of the load's limit that a step up may be expected to make use of."""


class Strain(NamedTuple):
    """What a camera's loop and the machine are under now."""

    fps: float
    """Frames a second that the camera gives."""
    work: float | None = None
    """Seconds that a frame takes; None if there were none."""
    temperature: float | None = None
    """°C."""
    throttling: str | None = None
    """Why the firmware slows the machine down."""


class Limit(NamedTuple):
    """How many frames a second may be looked at, and why no more."""

    fps: float
    reason: str


class Ladder:
    """Steps down under pressure, and up again when there is room: one camera's limit."""

    def __init__(self) -> None:
        self._rung = 0
        self._reason = ""
        self._changed = float("-inf")
        self._strained_since: float | None = None
        self._eased_since: float | None = None

    def update(self, now: float, strain: Strain, settings: ServiceConfig) -> Limit | None:
        """Return the limit that holds from now on; None lets every frame through.

        Args:
            now: seconds of any clock that does not step.
            strain: of now.
            settings: the bounds.
        """
        hot, busy = _heat(strain, settings), self._load(strain, settings)
        self._strained_since = _since(self._strained_since, now, bool(hot or busy))
        eased = not hot and not busy and self._has_room(strain, settings)
        self._eased_since = _since(self._eased_since, now, eased)
        if hot and self._may_fall(strain, settings) and now - self._changed >= HOT_SECONDS:
            self._step(now, +1, hot)
        elif busy and self._may_fall(strain, settings) and self._lasted(now):
            self._step(now, +1, busy)
        elif self._rung and self._may_rise(now):
            self._step(now, -1, self._reason)
        if self._rung == 0:
            return None
        return Limit(max(RUNGS[self._rung] * strain.fps, _floor(strain, settings)), self._reason)

    def _step(self, now: float, by: int, reason: str) -> None:
        self._rung += by
        self._reason = reason
        self._changed = now
        self._strained_since = self._eased_since = None

    def _lasted(self, now: float) -> bool:
        since = self._strained_since
        return since is not None and now - since >= DOWN_SECONDS

    def _may_rise(self, now: float) -> bool:
        since = self._eased_since
        return since is not None and now - max(since, self._changed) >= UP_SECONDS

    def _may_fall(self, strain: Strain, settings: ServiceConfig) -> bool:
        if self._rung + 1 >= len(RUNGS):
            return False
        return RUNGS[self._rung] * strain.fps > _floor(strain, settings)

    def _load(self, strain: Strain, settings: ServiceConfig) -> str | None:
        if strain.work is None or strain.work * self._rate(strain, 0) <= settings.max_load:
            return None
        return f"a frame takes {1000 * strain.work:.0f} ms"

    def _has_room(self, strain: Strain, settings: ServiceConfig) -> bool:
        """Whether a step up would be well borne."""
        cool = settings.max_temperature - settings.cooling
        if strain.temperature is not None and strain.temperature > cool:
            return False
        expected = (strain.work or 0.0) * self._rate(strain, -1)
        return expected <= ROOM * settings.max_load

    def _rate(self, strain: Strain, step: int) -> float:
        return RUNGS[max(0, self._rung + step)] * strain.fps


def _heat(strain: Strain, settings: ServiceConfig) -> str | None:
    if strain.throttling is not None:
        return strain.throttling
    degrees = strain.temperature
    return (
        f"{degrees:.0f} °C" if degrees is not None and degrees >= settings.max_temperature else None
    )


def _floor(strain: Strain, settings: ServiceConfig) -> float:
    return min(settings.min_fps, strain.fps)


def _since(since: float | None, now: float, holds: bool) -> float | None:
    if not holds:
        return None
    return now if since is None else since


class Pacer:
    """Lets frames through evenly at a limited rate."""

    def __init__(self) -> None:
        self._due = float("-inf")

    def admits(self, captured: float, limit: float | None, fps: float) -> bool:
        """Whether the next frame may be looked at.

        Args:
            captured: when it was, seconds.
            limit: frames a second; None for all.
            fps: of the camera, whose frames do not come to the very moment that they are due.
        """
        if limit is None:
            return True
        early = self._due - captured
        if early > 0.5 / fps:
            return False
        # What comes late by more than that has missed its turn, and nothing is made up for.
        self._due = (captured if early < -0.5 / fps else self._due) + 1 / limit
        return True

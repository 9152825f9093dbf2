"""When the palm detector runs: the tracker's one saving, kept as a rule of its own.

Pure: frames tell it their time, it answers with a reason or not at all.
"""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from edgehands.settings import TICK

Reason: TypeAlias = Literal["no hand", "search"]


class DetectionPolicy(Protocol):
    """Decides, frame by frame, whether detection is due."""

    def due(self, time: float, tracked: int) -> Reason | None:
        """Say why the detector must run now, with `tracked` hands still held; None when not.

        Args:
            time: seconds, rising.
            tracked: hands whose presence held in this frame.
        """


class SearchCadence:
    """At once when no hand is left; every `interval` seconds while some are missing.

    MediaPipe runs the detector on every frame in the second state.
    """

    def __init__(self, max_hands: int, interval: float) -> None:
        self._max_hands = max_hands
        self._interval = interval
        self._last: float | None = None

    def due(self, time: float, tracked: int) -> Reason | None:
        """Say why the detector must run now, or None."""
        if tracked >= self._max_hands:
            return None
        if tracked and self._last is not None and time - self._last < self._interval - TICK:
            return None
        self._last = time
        return "search" if tracked else "no hand"

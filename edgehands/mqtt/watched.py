"""One camera as a broker is told about it: its condition, its pace, its landmarks' turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.mqtt.messages import CameraState
from edgehands.vitals import Vitals

if TYPE_CHECKING:
    from edgehands.mqtt.messages import CameraCondition

STALLED_AFTER = 3.0
"""Seconds without a frame after which a live camera is not ok, whatever it says itself."""

_LANDMARK_INTERVAL = 0.1


class Watched:
    """What is known of one camera: told by its thread, asked by another.

    Args:
        name: in topics.
        live: whether frames come at the world's pace.
    """

    def __init__(self, name: str, *, live: bool) -> None:
        self.name = name
        self.live = live
        self.said: CameraCondition = "ok"
        """By the camera itself."""
        self.vitals = Vitals()
        self._next_landmarks = 0.0

    def wants_landmarks(self, now: float) -> bool:
        """Whether the next landmarks are due; ten times a second at most."""
        if now < self._next_landmarks:
            return False
        self._next_landmarks = now + _LANDMARK_INTERVAL
        return True

    def condition(self, now: float) -> CameraCondition:
        """Return whether the camera works."""
        if not self.live or self.said != "ok":
            return self.said
        last = self.vitals.last
        return "ok" if last is not None and now - last < STALLED_AFTER else "stalled"

    def state(self, now: float) -> CameraState:
        """Return how the camera is doing now."""
        pace, condition = self.vitals.pace(now), self.condition(now)
        return CameraState(
            condition=condition,
            hands=self.vitals.hands if condition == "ok" else 0,
            fps=pace.fps,
            latency_ms=pace.age_ms if self.live else None,
        )

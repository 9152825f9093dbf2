"""How the run is doing, gathered frame by frame in the tracker's thread and told now and then."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from edgehands.mqtt.messages import CameraState

if TYPE_CHECKING:
    from edgehands.mqtt.messages import CameraCondition

STALLED_AFTER = 3.0
"""Seconds without a frame after which a live camera is not ok."""

_WINDOW = 5.0  # seconds that rate and latency are taken over
_FRAMES = 1024
_ZONES = Path("/sys/class/thermal")


class Vitals:
    """Frames, hands and delays of one camera.

    `frame` is called by the tracker's thread and `state` by another; a deque may be used by both.

    Args:
        live: whether frames come at the world's pace.
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._frames: deque[tuple[float, float]] = deque(maxlen=_FRAMES)
        self.hands = 0

    def frame(self, captured: float, now: float, hands: int) -> None:
        """Take one frame: when it was captured, when its result was there, hands in it."""
        self._frames.append((captured, now))
        self.hands = hands

    def condition(self, now: float) -> CameraCondition:
        """Return whether the camera works."""
        if not self._live:
            return "ok"
        last = self._frames[-1][1] if self._frames else None
        return "ok" if last is not None and now - last < STALLED_AFTER else "stalled"

    def state(self, now: float) -> CameraState:
        """Return how the camera is doing now."""
        recent = [frame for frame in list(self._frames) if now - frame[1] < _WINDOW]
        fps = latency = None
        if len(recent) > 1 and recent[-1][1] > recent[0][1]:
            fps = round((len(recent) - 1) / (recent[-1][1] - recent[0][1]), 1)
        if recent and self._live:
            latency = round(1000 * median(done - captured for captured, done in recent), 1)
        condition = self.condition(now)
        hands = self.hands if condition == "ok" else 0
        return CameraState(condition=condition, hands=hands, fps=fps, latency_ms=latency)


def temperature() -> float | None:
    """Return the temperature of the hottest thermal zone, °C; None where the kernel tells none."""
    degrees = []
    for zone in _ZONES.glob("thermal_zone*/temp"):
        try:
            degrees.append(int(zone.read_text()) / 1000)
        except (OSError, ValueError):
            continue
    return round(max(degrees), 1) if degrees else None

"""What one camera's loop hands to the page: its newest result and its latest events, no more."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.config import CameraConfig, TrackerConfig
    from edgehands.events import Event
    from edgehands.outputs import Result
    from edgehands.recording import Header

KEPT_EVENTS = 200
_KEPT_SAMPLES = 240  # eight seconds at 30 frames a second: nobody waits longer for a picture


class Shown(NamedTuple):
    """A camera that the page shows, as the config has it."""

    header: Header
    """Its name, and everything that its gestures are made of."""
    camera: CameraConfig
    tracker: TrackerConfig


class Sample(NamedTuple):
    """One frame in numbers, for the charts."""

    period_ms: float
    """Since the frame before."""
    age_ms: float
    """From capture until its result was there."""
    palm_ms: float
    """Of the detector, waiting for one that ran beside the frame included."""
    landmarks_ms: float
    rest_ms: float
    """Of smoothing and gestures."""
    detected: bool
    """The detector was begun."""


class Feed:
    """Takes a camera's results; while nobody watches, only its events.

    Args:
        wake: called in the loop's thread when there is something new to show.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self.watched = False
        """Whether anybody looks. Plain, so that the loop may read while another thread writes."""
        self.events: tuple[tuple[int, Event], ...] = ()
        """The latest, each with its number, from 1; replaced, never changed."""
        self.state: tuple[str, str] = ("ok", "")
        """How the camera is doing, and why it is not ok."""
        self._wake = wake
        self._newest: Result | None = None
        self._samples: deque[Sample] = deque(maxlen=_KEPT_SAMPLES)
        self._last = 0.0
        self._count = 0

    def event(self, event: Event) -> None:
        """Keep one event, as every output has it."""
        self._count += 1
        self.events = (*self.events[1 - KEPT_EVENTS :], (self._count, event))
        self._wake()

    def result(self, result: Result) -> None:
        """Keep the newest result while somebody watches."""
        if not self.watched:
            self._newest = None
            self._last = 0.0
            return
        self._samples.append(self._sample(result))
        self._newest = result
        self._wake()

    def camera(self, state: str, reason: str) -> None:
        """Take note of how the camera is doing."""
        self.state = state, reason
        self._wake()

    def take(self) -> Result | None:
        """Return the newest result, once."""
        result, self._newest = self._newest, None
        return result

    def samples(self) -> list[Sample]:
        """Return what has been measured since the last call."""
        return [self._samples.popleft() for _ in range(len(self._samples))]

    def _sample(self, result: Result) -> Sample:
        now = time.monotonic()
        period, self._last = (now - self._last if self._last else 0.0), now
        report = result.report
        stages = report.stage_ms if report else {}
        return Sample(
            period * 1000,
            (now - result.frame.captured) * 1000,
            stages.get("palm", 0.0) + stages.get("search", 0.0),
            stages.get("landmarks", 0.0),
            stages.get("smoothing", 0.0) + stages.get("gestures", 0.0),
            report is not None and report.detection is not None,
        )

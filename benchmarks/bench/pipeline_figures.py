"""What is said of the whole pipeline, in the form in which it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgehands.benchmarks.bench.pipeline_scenes import State  # noqa: TC001 (msgspec reads it)

if TYPE_CHECKING:
    from collections.abc import Sequence


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How a time is spread, milliseconds."""

    p50: float
    p90: float
    p99: float
    min: float
    mean: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Sum up one value or more."""
        p50, p90, p99 = np.percentile(values, (50, 90, 99)).tolist()
        low, mean = float(np.min(values)), float(np.mean(values))
        return cls(p50=p50, p90=p90, p99=p99, min=low, mean=mean, count=len(values))


class StageTime(msgspec.Struct, frozen=True, kw_only=True):
    """One stage, over the frames on which it ran."""

    p50_ms: float
    p99_ms: float
    share: float
    """Of all frames: on how many it ran."""


class Age(msgspec.Struct, frozen=True, kw_only=True):
    """From a picture's capture to what is known of it, at the pace of a camera."""

    frame_ms: Spread
    """Until its hands and gestures are known."""
    event_ms: Spread | None
    """Until an event is at an output, behind the queue; None where none began or ended."""
    dropped: int
    """Pictures overtaken by a newer one."""


class PipelineRow(msgspec.Struct, frozen=True, kw_only=True):
    """The pipeline in one state."""

    state: State
    """"empty" (nobody there, for longer than a moment), "searching" (one hand of two), "one hand"
    and "two hands" run as fast as they can; "live" is at the pace of a camera of 30 frames a
    second."""
    model: str
    backend: str
    """As asked for."""
    runs_on: str
    """What the landmark model really ran on."""
    right: float
    """Share of frames with as many hands found as there are: far below 1, the row is no row of this
    state."""
    frame_ms: Spread
    """From picture to events."""
    stages: dict[str, StageTime]
    """By the tracker's names; "gestures" makes poses and events of its hands."""
    rest_ms: float
    """Median of what a frame takes beside its stages; 0 where stages overlap."""
    cpu_ms: float
    """Of all cores for each frame; in "live" the camera's thread included, which draws nothing."""
    fps: float
    """Frames a second."""
    duty_cycle: float
    """Share of frames on which the palm detector ran, at 30 frames a second of the clip's time."""
    age: Age | None = None
    """Of the live row."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a sustained run."""

    seconds: float
    """From the run's start to the part's end."""
    fps: float
    p50_ms: float
    p99_ms: float
    celsius: float | None
    """The hottest sensor at the end of the part; None where there is none."""
    mhz: float | None
    """The mean clock of the cores then."""

"""What the tracker did in a frame, for people and benchmarks; never an input of its decisions."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.detection import Reason
    from edgehands.hand import Palm, Roi


@dataclass(slots=True)
class FrameReport:
    """One frame's account."""

    time: float
    """The frame's time, seconds."""
    detection: Reason | None = None
    """Why the palm detector ran; None when it did not."""
    palms: list[Palm] = field(default_factory=list)
    """What it found."""
    rois: list[Roi] = field(default_factory=list)
    """Every region measured, tracked ones first."""
    presences: list[float] = field(default_factory=list)
    """The presence of each region in `rois`."""
    still: int = 0
    """Hands that had not moved and were not measured again."""
    stage_ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds of "palm", "landmarks", "smoothing", and "search": the wait for a detection that
    the last frame began beside it. A stage that did not run is absent."""
    duty_cycle: float = 0.0
    """Share of all frames so far on which the detector ran."""

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        begin = perf_counter()
        try:
            yield
        finally:
            passed = (perf_counter() - begin) * 1000
            self.stage_ms[stage] = self.stage_ms.get(stage, 0.0) + passed

"""What a run did, in numbers: counts and the time of each stage."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from edgehands.hand import Hand
    from edgehands.outputs.queue import QueueCounts
    from edgehands.report import FrameReport

_KEPT = 10_000  # frames that percentiles look back

STAGES = ("read", "palm", "landmarks", "smoothing", "gestures", "outputs")
"""In the order they happen. `read` waits for the camera or decodes; `outputs` draws and writes."""


class StageTimes:
    """Milliseconds of each stage over the last frames."""

    def __init__(self) -> None:
        self._times: defaultdict[str, _Latest] = defaultdict(_Latest)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Measure a block as one sample of a stage."""
        begin = perf_counter()
        yield
        self._times[stage].add((perf_counter() - begin) * 1000)

    def add(self, stage_ms: Mapping[str, float]) -> None:
        """Add one frame's stages."""
        for stage, passed in stage_ms.items():
            self._times[stage].add(passed)

    def join(self, other: StageTimes) -> None:
        """Add all samples of another."""
        for stage, times in other._times.items():
            for passed in times.values:
                self._times[stage].add(float(passed))

    def percentiles(self) -> dict[str, tuple[float, float]]:
        """Return p50 and p99 of each stage that ran, over the frames on which it ran."""
        result = {}
        for stage in STAGES:
            if stage in self._times:
                p50, p99 = np.percentile(self._times[stage].values, (50, 99))
                result[stage] = (float(p50), float(p99))
        return result


class _Latest:
    """The latest of many numbers.

    Their memory is all taken at the first one: a service's would grow for an hour otherwise.
    """

    def __init__(self) -> None:
        self._ring = np.full(_KEPT, np.nan)
        self._count = 0

    @property
    def values(self) -> NDArray[np.float64]:
        """In no order."""
        return self._ring[: self._count]

    def add(self, value: float) -> None:
        """Add one; the oldest gives way."""
        self._ring[self._count % _KEPT] = value
        self._count += 1


@dataclass(slots=True)
class Summary:
    """Everything worth telling at the end of a run."""

    runs_on: str = ""
    """What the landmark model ran on."""
    frames: int = 0
    frames_with_hands: int = 0
    hands: int = 0
    """Different hands followed."""
    duty_cycle: float = 0.0
    """Share of frames on which the palm detector ran."""
    dropped_frames: int = 0
    """Overtaken by newer ones before they could be looked at."""
    seconds: float = 0.0
    interrupted: bool = False
    """The user stopped it before the source ended."""
    events: QueueCounts | None = None
    outputs: list[str] = field(default_factory=list)
    """What outputs have to tell about what they were given."""
    stages: StageTimes = field(default_factory=StageTimes)

    def count(self, hands: Sequence[Hand], report: FrameReport) -> None:
        """Count one frame."""
        self.frames += 1
        self.frames_with_hands += bool(hands)
        self.hands = max(self.hands, max((hand.id for hand in hands), default=0))
        self.duty_cycle = report.duty_cycle
        self.stages.add(report.stage_ms)

    def add(self, other: Summary) -> None:
        """Add what another camera did."""
        frames = self.frames + other.frames
        if frames:
            detections = self.duty_cycle * self.frames + other.duty_cycle * other.frames
            self.duty_cycle = detections / frames
        self.frames = frames
        self.frames_with_hands += other.frames_with_hands
        self.hands += other.hands
        self.dropped_frames += other.dropped_frames
        self.runs_on = self.runs_on or other.runs_on
        self.stages.join(other.stages)

    def lines(self) -> list[str]:
        """Return the summary as text."""
        rate = self.frames / self.seconds if self.seconds else 0.0
        return [
            f"{_many(self.frames, 'frame')} in {self.seconds:.1f} s ({rate:.0f} per second)"
            + (f", {self.dropped_frames} dropped" if self.dropped_frames else "")
            + (", interrupted" if self.interrupted else ""),
            f"a hand in {self.frames_with_hands} of them, {_many(self.hands, 'different hand')}",
            f"palm detector on {self.duty_cycle:.1%} of frames",
            *self._event_lines(),
            *self.outputs,
            f"{'ms per frame':<14}{'p50':>8}{'p99':>8}   on {self.runs_on}",
            *(
                f"  {stage:<12}{p50:>8.2f}{p99:>8.2f}"
                for stage, (p50, p99) in self.stages.percentiles().items()
            ),
        ]

    def _event_lines(self) -> list[str]:
        if self.events is None:
            return []
        lost = {
            "expired": self.events.expired,
            "overflowed": self.events.overflowed,
            "undelivered": self.events.undelivered,
        }
        return [
            _many(self.events.delivered, "event")
            + "".join(f", {count} {what}" for what, count in lost.items() if count)
        ]


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"

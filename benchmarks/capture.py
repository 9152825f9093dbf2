"""What a capture process costs: its start, and the way of a frame from it to the consumer.

`python -m edgehands.benchmarks.capture` films the moving pattern of `test:` at 1280×720, in turns
in this process and in one of its own, and keeps the figures in benchmarks/results/capture.json.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgehands.cameras import open_camera, open_steady_camera

if TYPE_CHECKING:
    from edgehands.cameras import Camera

RESULTS = Path(__file__).parent / "results" / "capture.json"

_WIDTH, _HEIGHT = 1280, 720
_ROUNDS = 10
_FRAMES = 90
_WARM_UP = 10


@dataclass(frozen=True, slots=True)
class Round:
    """Milliseconds of one camera, from its opening to its end."""

    opening: float
    """Until the call returned."""
    first: float
    """Until the first frame was there."""
    age: list[float]
    """Of each frame when it was taken, since it was due."""
    work: float
    """Of this process, a frame."""
    closing: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Of all rounds: medians, and of the age two more."""

    opening: float
    first: float
    age_p50: float
    age_p99: float
    work: float
    closing: float
    frames: int


def main() -> None:
    """Measure, print, keep."""
    rounds = [(measure(steady=False), measure(steady=True)) for _ in range(_ROUNDS)]
    here, apart = (figures([pair[which] for pair in rounds]) for which in (0, 1))
    RESULTS.write_text(
        json.dumps({"in this process": asdict(here), "apart": asdict(apart)}, indent=2) + "\n"
    )
    for name, each in (("in this process", here), ("in its own", apart)):
        print(
            f"{name}: first frame after {each.first:.0f} ms, age p50 {each.age_p50:.2f} ms, p99 "
            f"{each.age_p99:.2f} ms, work here {each.work:.2f} ms a frame, closed in "
            f"{each.closing:.0f} ms; {each.frames} frames"
        )


def measure(*, steady: bool) -> Round:
    """Take frames as they come."""
    begin = time.perf_counter()
    opening = open_steady_camera if steady else open_camera
    with opening("test:", width=_WIDTH, height=_HEIGHT) as camera:
        opened = time.perf_counter()
        _take(camera)
        first = time.perf_counter()
        for _ in range(_WARM_UP):
            _take(camera)
        worked = time.process_time()
        ages = [_take(camera) for _ in range(_FRAMES)]
        work = (time.process_time() - worked) / _FRAMES
        closing = time.perf_counter()
    end = time.perf_counter()
    return Round(
        opening=1e3 * (opened - begin),
        first=1e3 * (first - begin),
        age=ages,
        work=1e3 * work,
        closing=1e3 * (end - closing),
    )


def figures(rounds: list[Round]) -> Figures:
    """Summarise the rounds."""
    ages = np.concatenate([each.age for each in rounds])

    def median(name: str) -> float:
        return float(np.median([getattr(each, name) for each in rounds]))

    return Figures(
        opening=median("opening"),
        first=median("first"),
        age_p50=float(np.median(ages)),
        age_p99=float(np.percentile(ages, 99)),
        work=median("work"),
        closing=median("closing"),
        frames=ages.size,
    )


def _take(camera: Camera) -> float:
    """Take a frame and return its age, ms."""
    while (frame := camera.take(1.0)) is None:
        pass
    return 1e3 * (time.monotonic() - frame.captured)


if __name__ == "__main__":
    main()

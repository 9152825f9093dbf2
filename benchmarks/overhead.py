"""What everything but inference costs: a 1280×720 clip with the model outputs replayed.

`python -m edgehands.benchmarks.overhead` records the outputs of tflite once, plays them back again
and again, and keeps the figures in benchmarks/results/overhead.json.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from edgehands.benchmarks.vs_mediapipe.scenarios import SCENARIOS
from edgehands.cameras import open_camera
from edgehands.settings import TrackerSettings
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.hand import ImageArray

RESULTS = Path(__file__).parent / "results" / "overhead.json"

_FRAMES = 60
_WARM_UP = 10  # frames; the second hand is found in one of them
_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Overhead:
    """Milliseconds a frame with so many hands tracked."""

    hands: int
    p50: float
    p99: float
    best: float
    """p50 of the quietest round: what other processes took is not in it."""
    frames: int


def main() -> None:
    """Measure, print, keep."""
    (scenario,) = (each for each in SCENARIOS if each.name == "drawn-2")
    with open_camera(str(scenario.clip(None))) as camera:
        images = [frame.image for frame in islice(camera, 40, 40 + _FRAMES)]
    rows = [measure(images, hands) for hands in (1, 2)]
    RESULTS.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    for row in rows:
        print(
            f"{row.hands} hand(s): p50 {row.p50:.2f} ms, p99 {row.p99:.2f} ms, p50 of the quietest "
            f"of {_ROUNDS} rounds {row.best:.2f} ms, {row.frames} frames"
        )


def measure(images: Sequence[ImageArray], hands: int) -> Overhead:
    """Play the recorded outputs back; every frame measures every hand."""
    with tempfile.TemporaryDirectory() as folder:
        recording = str(Path(folder, "outputs.npz"))
        _play(images, hands, {"file": recording, "record_from": "tflite"})
        rounds = [_play(images, hands, {"file": recording}) for _ in range(_ROUNDS)]
    times = np.array(rounds)
    return Overhead(
        hands,
        float(np.median(times)),
        float(np.percentile(times, 99)),
        float(np.median(times, axis=1).min()),
        times.size,
    )


def _play(images: Sequence[ImageArray], hands: int, options: dict[str, str]) -> list[float]:
    settings = TrackerSettings(backend_options=options, still_frames=0)
    times = []
    with HandTracker("full", "replay", max_hands=hands, settings=settings) as tracker:
        for number, image in enumerate(images):
            begin = perf_counter()
            found = len(tracker.update(image, number / 30))
            times.append((perf_counter() - begin) * 1000)
            if number >= _WARM_UP and found != hands:
                raise SystemExit(f"frame {number} has {found} hands, not {hands}: no fair measure")
    return times[_WARM_UP:]


if __name__ == "__main__":
    main()

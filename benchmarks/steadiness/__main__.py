"""The command: record, try every setting, write table and plot."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from edgehands.benchmarks.steadiness import show
from edgehands.benchmarks.steadiness.hands import SETTLED, Recording, moving, record, still
from edgehands.benchmarks.steadiness.measure import figures, lag, shake, spread
from edgehands.cameras import open_camera
from edgehands.settings import TrackerSettings
from edgehands.synthetic.dataset import REPORTING_SEED, TUNING_SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgehands.benchmarks.steadiness.hands import Setting
    from edgehands.hand import FloatArray

RESULTS = Path(__file__).parents[1] / "results"
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "steadiness.png"

MIN_CUTOFFS = (0.3, 0.5, 0.7, 1.0)
BETAS = (3.0, 5.0, 7.0, 10.0, 20.0)
BEFORE = (1.0, 5.0)
"""The settings until they were tuned here."""
NOISES = (0.01, 0.025)
"""Of the sensor: a webcam's by day and in a dim room. Settings are tuned on the first."""

_REAL = {
    "finger-spelling": "tfjs-models/asl_hand.25fps.mp4",
    "finger by finger": "dexsuite+dex-retargeting/human_hand_video.mp4",
}


def main(
    hands: Annotated[int, typer.Option(min=2, help="How many, for each noise and seed.")] = 8,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = RESULTS,
    plot: Annotated[Path, typer.Option(help="File of the plot.")] = PICTURE,
) -> None:
    """Measure, print and write the results."""
    log = Console(stderr=True)
    defaults = TrackerSettings()
    chosen = (defaults.smoothing_min_cutoff, defaults.smoothing_beta)

    def recordings(seed: int, noise: float) -> tuple[list[Recording], list[Recording]]:
        numbers = track(range(hands), f"hands of seed {seed}, noise {noise:.1%}", console=log)
        pairs = [
            (record(still(seed, number, noise)), record(moving(seed, number, noise)))
            for number in numbers
        ]
        stills, movers = zip(*pairs, strict=True)
        return list(stills), list(movers)

    tuning = recordings(TUNING_SEED, NOISES[0])
    grid = [figures((low, beta), *tuning) for low in MIN_CUTOFFS for beta in BETAS]
    reporting = {noise: recordings(REPORTING_SEED, noise) for noise in NOISES}
    results = {
        noise: show.Result(
            spread=_settled(spread, stills),
            shake=_settled(shake, stills),
            rows=[figures(each, stills, movers) for each in dict.fromkeys([chosen, BEFORE])],
        )
        for noise, (stills, movers) in reporting.items()
    }
    media = Path(os.environ.get("EDGEHANDS_MEDIA", "/nonexistent"))
    real = {
        name: _real(media / path, chosen)
        for name, path in _REAL.items()
        if (media / path).is_file()
    }
    text = show.markdown(hands, results, grid, real, chosen)
    print(text)
    account = {
        "command": "python -m edgehands.benchmarks.steadiness",
        "hands": hands,
        "reported": {f"noise {noise:.1%}": asdict(result) for noise, result in results.items()},
        "tuning_grid": [asdict(row) for row in grid],
        "real": real,
    }
    for folder in (out, plot.parent):
        folder.mkdir(parents=True, exist_ok=True)
    (out / "steadiness.json").write_text(json.dumps(account, indent=1) + "\n", encoding="utf-8")
    (out / "steadiness.md").write_text(text + "\n", encoding="utf-8")
    stills, movers = reporting[NOISES[0]]
    if not show.plot(stills[0], movers[0], grid, chosen, plot):
        log.print("no plot: pip install matplotlib", highlight=False)


def _settled(how: Callable[[FloatArray, float], float], stills: Sequence[Recording]) -> float:
    """Return the mean over still hands of what `how` says of their unsmoothed landmarks."""
    return float(np.mean([how(r.points[r.times >= SETTLED], r.palm) for r in stills]))


def _real(clip: Path, setting: Setting) -> dict[str, float]:
    """Return shake, raw and smoothed, and the lag over a whole real clip."""
    with open_camera(str(clip)) as camera:
        recording = record((frame.time, frame.image) for frame in camera)
    smooth = recording.smoothed(setting)
    return {
        "frames": len(smooth),
        "shake": shake(recording.points, recording.palm),
        "shake_smoothed": shake(smooth, recording.palm),
        "lag": lag(recording.points, smooth, 10, len(smooth) - 1),
    }


if __name__ == "__main__":
    typer.run(main)

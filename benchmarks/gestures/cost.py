"""What reading gestures costs: `python -m edgehands.benchmarks.gestures.cost`.

Hands that show every gesture and hands that mean nothing go through poses, motions and event rules
again and again. Of each frame the quickest round counts: what other processes took is not in it.
Beside it stands the same piece of work on every machine, timed in between.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from edgehands.benchmarks.gestures.negatives import SHARES, idle_minute
from edgehands.benchmarks.gestures.positives import GESTURES, scene_of
from edgehands.interpreter import Interpreter
from edgehands.learning.motions import learn_motion
from edgehands.learning.poses import learn_pose
from edgehands.learning.takes import cut
from edgehands.synthetic.dataset import REPORTING_SEED, TUNING_SEED
from edgehands.synthetic.gesturing.novel import (
    NOVEL,
    NOVEL_MOTIONS,
    novel_motion_scene,
    novel_scene,
)
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.stage import rng_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.gestures.learned import Learned
    from edgehands.hand import Hand

    Frames = list[tuple[float, list[Hand]]]

RESULTS = Path(__file__).parents[1] / "results"
BAR = 0.15
"""Milliseconds per hand and frame."""

_IDLE_FRAMES = 150  # of each kind
_PAUSE = 1.0  # seconds from one scene to the next
_TAKES = 5
_REFERENCE = np.linspace(0.0, 1.0, 64, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds per hand and frame."""

    gestures: str
    """What is known: the shipped gestures, or learned ones besides."""
    p50: float
    p99: float
    p50_disturbed: float
    """Of all rounds, with whatever else the machine did."""
    p99_disturbed: float
    frames: int


def main(
    rounds: Annotated[int, typer.Option(help="Each frame counts by its quickest.")] = 15,
    seed: int = REPORTING_SEED,
) -> None:
    """Time, print, keep."""
    frames = _frames(seed)
    references: list[float] = []
    rows = [
        _cost("shipped", frames, (), rounds, references),
        _cost("two poses and two motions learned besides", frames, _learned(), rounds, references),
    ]
    report = {
        "command": "python -m edgehands.benchmarks.gestures.cost",
        "bar_ms": BAR,
        "load": round(os.getloadavg()[0], 1),
        "reference_ms": round(float(np.min(references)), 4),
        "reference_ms_disturbed": round(float(np.median(references)), 4),
        "rows": [asdict(row) for row in rows],
    }
    (RESULTS / "gesture_cost.json").write_text(json.dumps(report, indent=1) + "\n")
    (RESULTS / "gesture_cost.md").write_text(text := _told(report, rows))
    print(text)


def reference() -> None:
    """Do a hundred small sums, as long as anywhere."""
    values = _REFERENCE
    for _ in range(100):
        values = values + _REFERENCE


def _frames(seed: int) -> Frames:
    """Return every gesture once and a while of each kind of idle life, one after the other."""
    streams = [
        list(observe(scene_of(gesture, seed, number), rng_of(seed, "cost", number)))
        for number, gesture in enumerate(GESTURES)
    ]
    streams += [list(idle_minute(seed, turn)[2])[:_IDLE_FRAMES] for turn in _turns()]
    frames: Frames = []
    for stream in streams:
        begin = frames[-1][0] + _PAUSE if frames else 0.0
        frames += [(begin + time, hands) for time, hands in stream]
    return frames


def _turns() -> list[int]:
    """Return the first minute of each kind of life."""
    shares = list(SHARES.values())
    return [sum(shares[:number]) for number in range(len(shares))]


def _learned() -> list[Learned]:
    rng = np.random.default_rng(TUNING_SEED)
    poses = [
        learn_pose(
            name, [take for scene in scenes for take in cut(name, observe(scene, rng)).takes]
        )
        for name in NOVEL
        for scenes in [[novel_scene(name, TUNING_SEED, n, max_tilt=15.0) for n in range(_TAKES)]]
    ]
    motions = [
        learn_motion(
            name, [take for scene in scenes for take in cut(name, observe(scene, rng)).takes]
        )
        for name in NOVEL_MOTIONS
        for scenes in [
            [novel_motion_scene(name, TUNING_SEED, n, max_tilt=15.0) for n in range(_TAKES)]
        ]
    ]
    return [learning.gesture for learning in (*poses, *motions)]


def _cost(
    name: str, frames: Frames, learned: Sequence[Learned], rounds: int, references: list[float]
) -> Cost:
    counts = np.array([len(hands) for _, hands in frames])
    taken = np.array([_round(frames, learned, references) for _ in range(rounds + 1)])[1:]
    each = taken[:, counts > 0] / counts[counts > 0]
    quickest = each.min(axis=0)
    figures = (quickest, 50), (quickest, 99), (each, 50), (each, 99)
    p50, p99, p50_all, p99_all = (round(float(np.percentile(*pair)), 4) for pair in figures)
    return Cost(name, p50, p99, p50_all, p99_all, quickest.size)


def _round(frames: Frames, learned: Sequence[Learned], references: list[float]) -> list[float]:
    """Return what each frame took, milliseconds."""
    interpreter = Interpreter("camera", "cost", {}, learned=learned)
    taken = []
    for number, (time, hands) in enumerate(frames):
        begin = perf_counter()
        interpreter.update(hands, time, time)
        taken.append((perf_counter() - begin) * 1000)
        if number % 50 == 0:
            begin = perf_counter()
            reference()
            references.append((perf_counter() - begin) * 1000)
    return taken


def _told(report: dict[str, object], rows: Sequence[Cost]) -> str:
    lines = [
        "# What reading gestures costs",
        "",
        f"Made by `{report['command']}`:",
        "milliseconds per hand and frame for poses, motions and event rules together, the quickest",
        f"round of each of {rows[0].frames} frames; beside it all rounds, with whatever else the",
        f"machine did. Its load was {report['load']}. A hundred sums of 64 floats in numpy took",
        f"{report['reference_ms']} ms there, {report['reference_ms_disturbed']} disturbed.",
        "",
        "| gestures | p50 | p99 | p50, disturbed | p99, disturbed |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.gestures} | {row.p50:.3f} | {row.p99:.3f} | {row.p50_disturbed:.3f} "
        f"| {row.p99_disturbed:.3f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)

"""How well gestures are learned from five examples: `python -m edgehands.benchmarks.learning`.

Two poses and two motions that the vocabulary has not, learned from five takes each and tried on
other persons, hands and views: as the pipeline would measure them, and in pictures through the
whole pipeline.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console

from edgehands.gestures.motions import MOTIONS
from edgehands.gestures.vocabulary import shipped_vocabulary
from edgehands.learning.confusion import NOTHING
from edgehands.learning.motions import learn_motion
from edgehands.learning.poses import learn_pose
from edgehands.learning.takes import cut
from edgehands.recording import Header
from edgehands.replay import interpreter_of
from edgehands.synthetic.dataset import REPORTING_SEED
from edgehands.synthetic.gesturing.film import SKINS, film
from edgehands.synthetic.gesturing.moves import dynamic_scene
from edgehands.synthetic.gesturing.novel import (
    NOVEL,
    NOVEL_MOTIONS,
    novel_motion_scene,
    novel_scene,
)
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.scenes import static_scene
from edgehands.synthetic.gesturing.shapes import SHAPES
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgehands.gestures.learned import Learned
    from edgehands.hand import Hand
    from edgehands.synthetic.gesturing.performance import Scene

    Frames = list[tuple[float, Sequence[Hand]]]
    Watch = Callable[[Scene, int], Frames]
    """Looks at a scene, the second number draws what it looks like."""

RESULTS = Path(__file__).parent / "results"

_TAKES = 5
_OTHER = 100  # scenes from here on are other persons' than those that were learned from
_SETTLED = 0.1  # seconds after which a pose that is fully there has passed the smoothing
_PICTURE = (480, 360)


def main(
    scenes: Annotated[int, typer.Option(help="Of each gesture, at landmark level.")] = 60,
    films: Annotated[int, typer.Option(help="Of each new pose, through the pipeline.")] = 12,
    seed: int = REPORTING_SEED,
) -> None:
    """Learn and try, and write the table."""
    rows = _landmark_level(scenes, seed)
    if films:
        rows += _filmed(films, seed)
    report = {
        "command": "python -m edgehands.benchmarks.learning",
        "takes": _TAKES,
        "tilt_degrees": {"learned": 15, "tried": 25},
        "seed": seed,
        "rows": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "learning.json").write_text(json.dumps(report, indent=1) + "\n")
    (RESULTS / "learning.md").write_text(text := _table(rows))
    Console().print(text, markup=False)


def _landmark_level(scenes: int, seed: int) -> list[dict[str, object]]:
    rng = np.random.default_rng(seed)

    def watch(scene: Scene, _: int) -> Frames:
        return list(observe(scene, rng))

    poses = [_learned_pose(name, seed, watch) for name in NOVEL]
    motions = [_learned_motion(name, seed, watch) for name in NOVEL_MOTIONS]
    header = Header(run="r", camera="c", learned=(*poses, *motions))
    rows = []
    for name in (*NOVEL, *SHAPES):
        make = novel_scene if name in NOVEL else static_scene
        seen = Counter[str]()
        for number in range(scenes):
            scene = make(name, seed, _OTHER + number, max_tilt=25.0, fps=10.0)
            seen += _poses_seen(watch(scene, 0), scene, header)
        rows.append(_row(name, "landmarks", seen))
    for name in (*NOVEL_MOTIONS, *MOTIONS):
        moving = novel_motion_scene if name in NOVEL_MOTIONS else dynamic_scene
        seen = Counter[str]()
        for number in range(scenes):
            scene = moving(name, seed, _OTHER + number, max_tilt=25.0)
            starts = _motions_seen(watch(scene, 0), header)
            seen.update(starts or [NOTHING])
        rows.append(_row(name, "landmarks", seen))
    return rows


def _filmed(films: int, seed: int) -> list[dict[str, object]]:
    rows = []

    def watch(scene: Scene, number: int) -> Frames:
        with HandTracker(max_hands=1) as tracker:
            return [
                (time, tracker.update(picture, time))
                for time, picture in film(scene, seed + number, skin=SKINS[number % len(SKINS)])
            ]

    header = Header(
        run="r", camera="c", learned=tuple(_learned_pose(name, seed, watch, 10.0) for name in NOVEL)
    )
    for name in NOVEL:
        seen = Counter[str]()
        for number in range(films):
            scene = novel_scene(name, seed, _OTHER + number, max_tilt=25.0, fps=10.0)
            seen += _poses_seen(watch(scene, _OTHER + number), scene, header)
        rows.append(_row(name, "films", seen))
    return rows


def _learned_pose(name: str, seed: int, watch: Watch, fps: float | None = None) -> Learned:
    takes = [
        take
        for number in range(_TAKES)
        for take in cut(
            name, watch(novel_scene(name, seed, number, max_tilt=15.0, fps=fps, hold=2.0), number)
        ).takes
    ]
    return learn_pose(name, takes).gesture


def _learned_motion(name: str, seed: int, watch: Watch) -> Learned:
    takes = [
        take
        for number in range(_TAKES)
        for take in cut(
            name, watch(novel_motion_scene(name, seed, number, max_tilt=15.0), number)
        ).takes
    ]
    return learn_motion(name, takes).gesture


def _poses_seen(frames: Frames, scene: Scene, header: Header) -> Counter[str]:
    """Count what each hand is seen as while the pose is held."""
    interpreter = interpreter_of(header)
    begin, end = scene.shown
    seen = Counter[str]()
    for time, hands in frames:
        if begin + _SETTLED <= time <= end:
            for hand in hands:
                pose = interpreter.pose(hand)
                seen[pose.gesture if pose else NOTHING] += 1
    return seen


def _motions_seen(frames: Frames, header: Header) -> list[str]:
    """Return the learned motions that start, by their names."""
    interpreter = interpreter_of(header)
    events = [
        event for time, hands in frames for event in interpreter.update(hands, time, time, _PICTURE)
    ]
    return [
        event.event_type
        for event in events
        if event.phase == "start" and event.event_type in NOVEL_MOTIONS
    ]


def _row(name: str, level: str, seen: Counter[str]) -> dict[str, object]:
    total = sum(seen.values())
    learned = {other: seen[other] for other in (*NOVEL, *NOVEL_MOTIONS) if seen[other]}
    row: dict[str, object] = {"shown": name, "level": level, "tried": total, "seen": dict(seen)}
    if name in {*NOVEL, *NOVEL_MOTIONS}:
        row["recall"] = round(seen[name] / total, 4) if total else 0.0
    row["taken_for_learned"] = {
        other: round(count / total, 4) for other, count in learned.items() if other != name
    }
    return row


def _table(rows: list[dict[str, object]]) -> str:
    lines = [
        "# Learned from five takes, tried on other hands and views",
        "",
        "Made by `python -m edgehands.benchmarks.learning`. Poses are counted by hand and frame,",
        "motions by scene. Landmarks: as the Full model would measure drawn hands; films: drawn",
        "pictures through the whole pipeline. Learned at tilts up to 15°, tried up to 25°.",
        "",
        "| shown | level | tried | recall | taken for another learned one |",
        "|---|---|---|---|---|",
    ]
    clean = []
    for row in rows:
        taken = row["taken_for_learned"]
        assert isinstance(taken, dict)  # noqa: S101 (for the type checker)
        if "recall" not in row and not taken:
            clean.append(str(row["shown"]))
            continue
        recall = f"{row['recall']:.1%}" if "recall" in row else "–"
        told = ", ".join(f"{name} {share:.1%}" for name, share in taken.items()) or "none"
        lines.append(f"| {row['shown']} | {row['level']} | {row['tried']} | {recall} | {told} |")
    lines += ["", f"Never taken for a learned one: {', '.join(clean)}.", ""]
    known = len(shipped_vocabulary())
    lines.append(f"{known} static gestures and {len(MOTIONS)} motions were known besides.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)

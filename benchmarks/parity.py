"""How near the hands of a real clip are to MediaPipe's: `python -m edgehands.benchmarks.parity`.

And how near the CPU runtimes are to one another, and how calm each model is, on that same clip,
tracked without smoothing. The clip and MediaPipe's answers to it lie in $EDGEHANDS_MEDIA.
"""

from __future__ import annotations

import json
import os
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from edgehands.cameras import open_camera
from edgehands.errors import InputError, UsageError
from edgehands.models import store
from edgehands.selection import AUTO_ORDER
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.hand import FloatArray

RESULTS = Path(__file__).parent / "results"

MODELS = ("light", "full", "heavy")
REFERENCE_MODEL = "full"
"""Whose answers MediaPipe's are, and which the runtimes are compared with."""

_FOLDER = "tfjs-models"
_CLIP = "asl_hand.25fps.mp4"
_WRIST, _MIDDLE_KNUCKLE = 0, 9

Figures: TypeAlias = dict[str, float]


def follow(clip: Path, model: str, backend: str) -> tuple[FloatArray, FloatArray]:
    """Return landmarks in pixels and world landmarks in metres, [frames, 21, 3], of the one hand.

    Raises:
        InputError: a frame in which no hand was found.
    """
    points, world = [], []
    with (
        HandTracker(model, backend=backend, max_hands=1, smoothing=False) as tracker,
        open_camera(str(clip)) as camera,
    ):
        told = f"{model} on {backend}"
        for frame in track(camera, told, total=camera.length, console=Console(stderr=True)):
            hands = tracker.update(frame.image, frame.time)
            if not hands:
                raise InputError(f"{clip}: {told} finds no hand at {frame.time:.2f} s")
            points.append(hands[0].landmarks.copy())
            world.append(hands[0].world_landmarks.copy())
    return np.stack(points), np.stack(world)


def agreement(
    ours: tuple[FloatArray, FloatArray], theirs: tuple[FloatArray, FloatArray]
) -> Figures:
    """Return how far landmarks lie from the reference's, and world landmarks."""
    off = _distances(ours[0], theirs[0])
    world = np.linalg.norm(ours[1] - theirs[1], axis=2)
    return {
        "frames": len(off),
        "mean_px": float(off.mean()),
        "p95_px": float(np.percentile(off, 95)),
        "world_mean_mm": float(world.mean()) * 1000,
    }


def apart(points: Mapping[str, FloatArray]) -> dict[str, Figures]:
    """Return how far each two of these lie apart, by their names."""
    pairs = combinations(points, 2)
    distances = {f"{a}, {b}": _distances(points[a], points[b]) for a, b in pairs}
    return {
        pair: {"mean_px": float(each.mean()), "max_px": float(each.max())}
        for pair, each in distances.items()
    }


def jitter(points: FloatArray) -> float:
    """Return how much landmarks [frames, 21, 2 or 3] shake, in palm sizes.

    It is the mean length of the second difference from frame to frame: zero for a hand that moves
    evenly. What a real hand accelerates is in it too, the same for every model.
    """
    flat = points[..., :2]
    palms = np.linalg.norm(flat[1:-1, _MIDDLE_KNUCKLE] - flat[1:-1, _WRIST], axis=1)
    shaken = np.linalg.norm(np.diff(flat, n=2, axis=0), axis=2)
    return float((shaken / palms[:, np.newaxis]).mean())


def _distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return [frames, 21] pixels."""
    return np.asarray(np.linalg.norm(a[..., :2] - b[..., :2], axis=2), np.float32)


def _reference(folder: Path) -> tuple[FloatArray, FloatArray]:
    """Return MediaPipe's landmarks and world landmarks for the clip."""
    names = (f"asl_hand.{REFERENCE_MODEL}.json", f"asl_hand_3d.{REFERENCE_MODEL}.json")
    points, world = (
        np.array(json.loads((folder / name).read_text(encoding="utf-8")), np.float32)
        for name in names
    )
    return points, world


def table(
    size: tuple[int, int],
    mediapipe: Figures,
    runtimes: Mapping[str, Figures],
    jitters: Mapping[str, float],
) -> str:
    """Return the figures as Markdown."""
    lines = [
        f"{mediapipe['frames']:.0f} frames of {size[0]} × {size[1]}, one hand, no smoothing.",
        "",
        "| compared with MediaPipe's own output | |",
        "|---|---|",
        f"| landmarks, mean | {mediapipe['mean_px']:.2f} px |",
        f"| landmarks, 95th percentile | {mediapipe['p95_px']:.2f} px |",
        f"| world landmarks, mean | {mediapipe['world_mean_mm']:.2f} mm |",
        "",
        f"| two runtimes, model {REFERENCE_MODEL} | mean px | max px |",
        "|---|---|---|",
        *(
            f"| {pair} | {each['mean_px']:.2g} | {each['max_px']:.2g} |"
            for pair, each in runtimes.items()
        ),
        "",
        "| model | jitter (mean second difference from frame to frame) |",
        "|---|---|",
        *(f"| {model} | {value:.2%} of palm size |" for model, value in jitters.items()),
    ]
    return "\n".join(lines)


def main(out: Annotated[Path, typer.Option(help="Folder of the results.")] = RESULTS) -> None:
    """Measure, print the tables and write them, with their figures as JSON, to a folder."""
    media = os.environ.get("EDGEHANDS_MEDIA")
    if not media:
        raise UsageError("no real clip: set EDGEHANDS_MEDIA to the folder of media")
    folder = Path(media) / _FOLDER
    clip = folder / _CLIP
    with open_camera(str(clip)) as camera:
        height, width = next(iter(camera)).image.shape[:2]
    first = AUTO_ORDER[0]
    by_runtime = {name: follow(clip, REFERENCE_MODEL, name) for name in AUTO_ORDER}
    by_model = {
        model: by_runtime[first] if model == REFERENCE_MODEL else follow(clip, model, first)
        for model in MODELS
    }
    mediapipe = agreement(by_runtime[first], _reference(folder))
    runtimes = apart({name: points for name, (points, _) in by_runtime.items()})
    jitters = {model: jitter(points) for model, (points, _) in by_model.items()}
    record = {
        "command": "python -m edgehands.benchmarks.parity",
        "clip": f"{_FOLDER}/{_CLIP}",
        "size": (width, height),
        "models": {model: store.load(model).sha256 for model in ("light", "full")},
        "mediapipe": mediapipe,
        "runtimes": runtimes,
        "jitter": jitters,
    }
    text = table((width, height), mediapipe, runtimes, jitters)
    out.mkdir(parents=True, exist_ok=True)
    (out / "parity.md").write_text(text + "\n", encoding="utf-8")
    (out / "parity.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    typer.run(main)

"""Fit when a moving hand is open, closed or pinching.

`python -m edgehands.benchmarks.gestures.weigh_motions`: logistic regression on scenes of the tuning
seed as the model would measure them, and on true hands whose depth is flattened and stretched,
against hands that mean nothing, hands about to pinch, and the other static shapes. Whether a hand
is open or closed is read off its four long fingers only, a pinch off thumb and index finger only:
what the rest does is a matter of taste.
"""

from __future__ import annotations

import json
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from edgehands.benchmarks.gestures.negatives import idle_minute
from edgehands.benchmarks.gestures.positives import STATIC, scene_of
from edgehands.benchmarks.gestures.regression import logistic
from edgehands.gestures.motions import MOTIONS
from edgehands.gestures.motions.shape import FARTHEST, FIGURES, MEASURES, read_form
from edgehands.hand import Hand, Roi
from edgehands.synthetic.dataset import TUNING_SEED
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.shapes import CLOSED
from edgehands.synthetic.gesturing.stage import APART, rng_of, tip_gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from edgehands.synthetic.gesturing.performance import Performance, Scene

    Array = npt.NDArray[np.floating]
    Examples = dict[str, list[Array]]
    """Measures of hands, by what they show: "open", "closed", "pinching", and what is none."""

READ_OFF: dict[str, tuple[int, ...]] = {
    "open": tuple(range(8)) + tuple(range(11, 15)) + tuple(range(17, 21)),
    "closed": tuple(range(8)) + tuple(range(11, 15)) + tuple(range(17, 21)),
    "pinching": (0, 4, 8, 9, 10, 11, 15, 16, 17, 21, 22, 23, 24, 29, 30, 31, 32, 33),
}
"""Which measures each is read off."""
_NOT_AGAINST = {
    "open": {"four", "three_american", "three_european", "ok"},
    "closed": CLOSED | {"pinch"},
    "pinching": {"ok", "pinch"},
}
"""Static gestures that are near enough to say nothing against it."""

_TOUCHING = 0.2
"""Palm lengths from tip to tip up to which a hand pinches; from `APART` on it does not."""
_OPEN_MOTIONS = {"wave", "push", "pull", "swipe_left", "swipe_right", "swipe_up", "swipe_down"}
_EVERY = {"motion": 2, "static": 3, "idle": 12}
"""Frames from one look to the next."""
_DEPTHS = (0.5, 0.8, 1.0, 1.3)
_RIDGE = 3e-4
_SETTLED = 1e-4
_CERTAIN = 3.0
"""What the hand in the middle of those that show a shape is told to have of it."""


def looks(job: tuple[str, int]) -> Examples:
    """Return what a scene's hands show, as the model would measure them, and some true ones."""
    gesture, number = job
    scene = scene_of(gesture, TUNING_SEED, number)
    moments = list(observe(scene, rng_of(TUNING_SEED, f"noise {gesture}", number)))
    found: Examples = defaultdict(list)
    every = _EVERY["motion" if gesture in MOTIONS else "static"]
    for index in range(number % every, len(moments), every):
        time, hands = moments[index]
        for hand in hands:
            part = scene.performances[hand.id % len(scene.performances)]
            shown = _shown(scene, part, index, time)
            found[shown].append(read_form(hand)[2])
            if index % 16 == 0:
                found[shown] += [read_form(_true(part, index, depth))[2] for depth in _DEPTHS]
    return dict(found)


def idle(number: int) -> Examples:
    """Return moments of a minute in which nothing is meant."""
    _, scene, moments = idle_minute(TUNING_SEED, number)
    if scene.also:
        return {}
    chosen = list(moments)[:: _EVERY["idle"]]
    return {"idle": [read_form(hand)[2] for _, hands in chosen for hand in hands]}


def _shown(scene: Scene, part: Performance, index: int, time: float) -> str:
    """Return what a hand shows at a moment: a shape, a static gesture, or "" for in between."""
    gesture = scene.gesture
    begin, over = scene.shown
    if gesture in STATIC:
        if not begin <= time <= over:
            return ""
        return {"open_palm": "open", "fist": "closed", "ok": "pinching"}.get(gesture, gesture)
    if gesture in _OPEN_MOTIONS:
        return "open"
    if gesture in {"grab", "release"}:
        first, last = ("open", "closed") if gesture == "grab" else ("closed", "open")
        return first if time < begin else last if time > over + 0.15 else ""
    if gesture.startswith("pinch_") or gesture in {"twist", "double_tap"}:
        gap = tip_gap(part.anatomy, part.angles[index])
        return "pinching" if gap < _TOUCHING else "ready" if gap > APART else ""
    return ""


def _true(part: Performance, index: int, depth: float) -> Hand:
    landmarks, world = (points[index] * (1, 1, depth) for points in part.truth())
    points = landmarks.astype(np.float32), world.astype(np.float32)
    return Hand(1, *points, 1.0, part.side, 0.98, Roi(0.0, 0.0, 1.0, 0.0))


def fitted(examples: dict[str, Array]) -> dict[str, object]:
    """Return means, spreads, weights and biases."""
    everything = np.concatenate([examples[name] for name in examples if name])
    means, spreads = everything.mean(axis=0), everything.std(axis=0)
    weights, biases = {}, {}
    for shape, chosen in READ_OFF.items():
        inside = examples[shape]
        others = [
            examples[name]
            for name in examples
            if name not in {shape, "idle", ""} | _NOT_AGAINST[shape]
            and (name != "ready" or shape == "pinching")
        ]
        groups = [inside, examples["idle"], np.concatenate(others)]
        off = [
            np.clip((rows - means) / spreads, -FARTHEST, FARTHEST)[:, list(chosen)]
            for rows in groups
        ]
        slopes, bias = _told_apart(off)
        values = off[0] @ slopes + bias
        scale = _CERTAIN / float(np.median(values))
        full = np.zeros(len(MEASURES))
        full[list(chosen)] = slopes * scale
        weights[shape] = np.round(full, 4).tolist()
        biases[shape] = round(bias * scale, 4)
    return {
        "means": np.round(means, 5).tolist(),
        "spreads": np.round(spreads, 5).tolist(),
        "weights": weights,
        "biases": biases,
    }


def _told_apart(groups: list[Array]) -> tuple[Array, float]:
    """Return slopes and bias; the first group is inside, and each has a say."""
    off = np.concatenate(groups)
    shown = np.arange(len(off)) < len(groups[0])
    says = zip((1.0, 0.5, 0.5), groups, strict=True)
    say = np.concatenate([np.full(len(rows), share / len(rows)) for share, rows in says])
    table = np.column_stack([np.ones(len(off)), off])
    slopes = logistic(table, shown, say, ridge=_RIDGE, settled=_SETTLED)
    return slopes[1:], float(slopes[0])


def _gathered(found: Iterable[Examples]) -> dict[str, Array]:
    all_: Examples = defaultdict(list)
    for examples in found:
        for name, rows in examples.items():
            all_[name] += rows
    return {name: np.array(rows) for name, rows in all_.items()}


def _jobs(scenes: int) -> Iterator[tuple[str, int]]:
    return ((gesture, number) for gesture in (*MOTIONS, *STATIC) for number in range(scenes))


def main(
    scenes: Annotated[int, typer.Option(help="of each gesture")] = 60,
    minutes: Annotated[int, typer.Option(help="of hands that mean nothing")] = 240,
    processes: Annotated[int, typer.Option()] = 2,
) -> None:
    """Measure, fit and write."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        shown = pool.map(looks, _jobs(scenes), chunksize=16)
        examples = _gathered([*shown, *pool.map(idle, range(minutes), chunksize=4)])
    module = "edgehands.benchmarks.gestures.weigh_motions"
    command = f"python -m {module} --scenes {scenes} --minutes {minutes}"
    figures = {"command": command, "measures": list(MEASURES), **fitted(examples)}
    FIGURES.write_text(json.dumps(figures) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)

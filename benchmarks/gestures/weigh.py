"""Fit how like a hand is to each shape: `python -m edgehands.benchmarks.gestures.weigh`.

Logistic regression, one shape against all others and against hands that mean nothing but are still
for a moment: on scenes of the tuning seed as the model would measure them, and on true hands whose
depth is flattened and stretched. The border is put midway between those that show a shape and those
that do not.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from edgehands.benchmarks.gestures.negatives import idle_minute
from edgehands.benchmarks.gestures.positives import STATIC, scene_of
from edgehands.gestures.likeness import FARTHEST, FIGURES
from edgehands.gestures.measures import UNITS, measure
from edgehands.gestures.steadiness import Steadiness
from edgehands.gestures.vocabulary import shipped_vocabulary
from edgehands.hand import Hand, Roi
from edgehands.settings import GestureRules
from edgehands.synthetic.dataset import TUNING_SEED
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.stage import rng_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from edgehands.gestures.measures import Array
    from edgehands.synthetic.gesturing.performance import Scene

    Mask = npt.NDArray[np.bool_]
    Examples = tuple[Array, list[str]]
    """Measures of shape, [N, M], and what each hand shows; "" for nothing."""

SHAPE_MEASURES = next(number for number, name in enumerate(UNITS) if " off " in name)
"""How many measures come before directions."""

_MOMENTS = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Seconds after a pose is held at which it is looked at."""
_EVERY = 6
"""Frames from one look at an idle hand to the next."""
_DEPTHS = (0.5, 0.75, 1.0, 1.3)
_TRUE_SCENES = 12
_RIDGE = 1e-4
_CERTAIN = 3.0
"""Likeness of the hand in the middle of those that show a shape."""


def shown(gesture: str, numbers: range) -> Examples:
    """Return held moments of a gesture's scenes, as the model would measure them, and true ones."""
    rows = []
    for number in numbers:
        scene = scene_of(gesture, TUNING_SEED, number)
        moments = observe(scene, rng_of(TUNING_SEED, f"noise {gesture}", number))
        hands = [(time, hand) for time, found in moments for hand in found]
        times = np.array([time for time, _ in hands]) - scene.shown[0]
        rows += [_shape(hands[int(np.abs(times - later).argmin())][1]) for later in _MOMENTS]
        if number < _TRUE_SCENES:
            rows += [_shape(_true(scene, depth)) for depth in _DEPTHS]
    return np.array(rows), [shape_of(gesture)] * len(rows)


def idle(number: int) -> Examples:
    """Return still moments of a minute in which nothing is meant."""
    _, scene, moments = idle_minute(TUNING_SEED, number)
    if scene.also:
        return np.empty((0, SHAPE_MEASURES)), []
    still, rows = Steadiness(), []
    for index, (time, hands) in enumerate(moments):
        for hand in hands:
            speed = still.update(hand, time)
            if speed <= GestureRules().max_speed and index % _EVERY == 0:
                rows.append(_shape(hand))
    return np.array(rows).reshape(-1, SHAPE_MEASURES), [""] * len(rows)


def shape_of(gesture: str) -> str:
    """Return the shape that a gesture is held in: all that point have one."""
    return shipped_vocabulary()[gesture].like or gesture


def fitted(measures: Array, names: list[str]) -> dict[str, object]:
    """Return means, spreads, weights and biases."""
    means, spreads = measures.mean(axis=0), measures.std(axis=0)
    off = np.clip((measures - means) / spreads, -FARTHEST, FARTHEST)
    which = np.array(names)
    weights, biases = {}, {}
    for name in dict.fromkeys(names):
        if not name:
            continue
        slopes = _logistic(off, which == name, which == "")
        values = off @ slopes
        border = _border(values[which == name], values[which != name])
        scale = _CERTAIN / (float(np.median(values[which == name])) - border)
        weights[name] = np.round(slopes * scale, 4).tolist()
        biases[name] = round(-border * scale, 4)
    return {
        "means": np.round(means, 5).tolist(),
        "spreads": np.round(spreads, 5).tolist(),
        "weights": weights,
        "biases": biases,
    }


def _border(inside: Array, outside: Array) -> float:
    """Put the border midway, but nearer where it would shut out more than a few of the shape."""
    few, midway = np.percentile(inside, 0.5), np.percentile(inside, 1.0) / 2
    return float(min(midway + np.percentile(outside, 99.97) / 2, few))


def _logistic(off: Array, shown: Mask, idle: Mask) -> Array:
    """Return slopes [M] by Newton's method; each kind of hand has the same say."""
    others = ~shown & ~idle
    say = np.where(shown, 1 / shown.sum(), np.where(idle, 0.5 / idle.sum(), 0.5 / others.sum()))
    table = np.column_stack([np.ones(len(off)), off])
    ridge = np.eye(table.shape[1]) * _RIDGE * say.sum()
    ridge[0, 0] = 0.0
    slopes = np.zeros(table.shape[1])
    for _ in range(40):
        chance = 1 / (1 + np.exp(-np.clip(table @ slopes, -30, 30)))
        gradient = table.T @ (say * (chance - shown)) + ridge @ slopes
        bend = (table * (say * chance * (1 - chance) + 1e-12)[:, None]).T @ table + ridge
        step = np.linalg.solve(bend, gradient)
        slopes -= step
        if np.abs(step).max() < 1e-4:
            break
    return np.asarray(slopes[1:])


def _shape(hand: Hand) -> Array:
    return measure(hand)[:SHAPE_MEASURES]


def _true(scene: Scene, depth: float) -> Hand:
    (part,) = scene.performances
    index = int(np.abs(scene.times - scene.shown[0] - _MOMENTS[2]).argmin())
    landmarks, world = (points[index] * (1, 1, depth) for points in part.truth())
    points = landmarks.astype(np.float32), world.astype(np.float32)
    return Hand(1, *points, 1.0, part.side, 0.98, Roi(0.0, 0.0, 1.0, 0.0))


def _gathered(found: Iterator[Examples]) -> Examples:
    parts = list(found)
    return np.concatenate([rows for rows, _ in parts]), [name for _, says in parts for name in says]


def main(
    scenes: Annotated[int, typer.Option(help="of each gesture")] = 80,
    minutes: Annotated[int, typer.Option(help="of hands that mean nothing")] = 180,
    processes: Annotated[int, typer.Option()] = 2,
) -> None:
    """Measure, fit and write."""
    look: Callable[[str], Examples] = partial(shown, numbers=range(scenes))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        measures, names = _gathered(pool.map(look, STATIC))
        nothing, none = _gathered(pool.map(idle, range(minutes), chunksize=4))
    figures = fitted(np.concatenate([measures, nothing]), names + none)
    command = f"python -m edgehands.benchmarks.gestures.weigh --scenes {scenes} --minutes {minutes}"
    figures = {"command": command, "measures": list(UNITS)[:SHAPE_MEASURES], **figures}
    FIGURES.write_text(json.dumps(figures) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)

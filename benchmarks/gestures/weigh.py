"""Fit how like a hand is to each shape: `python -m edgehands.benchmarks.gestures.weigh`.

Logistic regression on all measures and their products, one shape against all others and against
hands that mean nothing but are still for a moment: on scenes of the tuning seed as the model would
measure them, and on true hands whose depth is flattened and stretched. The border is put midway
between those that show a shape and those that do not.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import typer

from edgehands.benchmarks.gestures.negatives import idle_minute
from edgehands.benchmarks.gestures.positives import FAR, MODERATE, STATIC
from edgehands.benchmarks.gestures.regression import logistic
from edgehands.gestures.likeness import FARTHEST, FIGURES, pairs
from edgehands.gestures.measures import UNITS, measure
from edgehands.gestures.steadiness import Steadiness
from edgehands.gestures.vocabulary import shipped_vocabulary
from edgehands.hand import Hand, Roi
from edgehands.settings import GestureRules
from edgehands.synthetic.dataset import TUNING_SEED
from edgehands.synthetic.gesturing.moves import dynamic_scene
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.scenes import static_scene
from edgehands.synthetic.gesturing.stage import HABIT, rng_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from edgehands.gestures.measures import Array
    from edgehands.synthetic.gesturing.performance import Scene

    Mask = npt.NDArray[np.bool_]


class Examples(NamedTuple):
    """Hands to fit on."""

    measures: Array
    """Of shape, [N, M]."""
    names: npt.NDArray[np.str_]
    """[N] what each shows; "" for nothing."""
    usual: Mask
    """[N] whether it is tilted and held no more oddly than the bar is set for."""


SHAPE_MEASURES = next(number for number, name in enumerate(UNITS) if " off " in name)
"""How many measures come before directions."""

_MOMENTS = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Seconds after a pose is held at which it is looked at."""
_EVERY = 6
"""Frames from one look at an idle hand to the next."""
_DEPTHS = (0.5, 0.75, 1.0, 1.3)
_TRUE_SCENES = 24
_ODD_HABIT = 8.0
"""Degrees, as `stage.HABIT`."""
_RIDGE = 1e-5
_NEAR_RIDGE = 3e-6
_NEAR, _NEAR_ROUNDS = 4.0, 2
"""Likenesses below nearly all that show a shape, down to which another hand is near to it."""
_TO_PINCH = 450
"""Scenes of hands that will pinch."""
_ENOUGH = 300
"""Hands of a kind that are near a shape and have the say of all of that kind."""
_SETTLED = 0.01
"""Of every slope in one step, when there is nothing more to win."""
_FEW = 1.0
"""Per cent of the shape, where it is usual, that may lie outside."""
_NEARER = 0.7
"""Of the way from what does not show a shape to what does."""
_CERTAIN = 3.0
"""Likeness of the hand in the middle of those that show a shape."""


def shown(gesture: str, numbers: range) -> Examples:
    """Return held moments of a gesture's scenes, as the model would measure them, and true ones.

    Every second scene has people who hold it more as they please: real ones do.
    """
    rows: list[Array] = []
    usual: list[bool] = []
    for number in numbers:
        is_odd = number % 2 == 1
        scene = _scene(gesture, number // 2, _ODD_HABIT if is_odd else HABIT)
        moments = observe(scene, rng_of(TUNING_SEED, f"noise {gesture}", number))
        hands = [(time, hand) for time, found in moments for hand in found]
        times = np.array([time for time, _ in hands]) - scene.shown[0]
        rows += [_shape(hands[int(np.abs(times - later).argmin())][1]) for later in _MOMENTS]
        if number < _TRUE_SCENES:
            rows += [_shape(_true(scene, depth)) for depth in _DEPTHS]
        usual += [scene.tilt <= MODERATE and not is_odd] * (len(rows) - len(usual))
    return Examples(np.array(rows), np.array([shape_of(gesture)] * len(rows)), np.array(usual))


def _scene(gesture: str, number: int, habit: float) -> Scene:
    """Return a scene as `positives.scene_of` does, of people with such habits."""
    tilt = FAR if number % 5 in {1, 3} else MODERATE
    return static_scene(gesture, TUNING_SEED, number, max_tilt=tilt, habit=habit)


def idle(number: int) -> Examples:
    """Return still moments of a minute in which nothing is meant."""
    _, scene, moments = idle_minute(TUNING_SEED, number)
    still, rows = Steadiness(), []
    for index, (time, hands) in enumerate(() if scene.also else moments):
        for hand in hands:
            speed = still.update(hand, time)
            if speed <= GestureRules().max_speed and index % _EVERY == 0:
                rows.append(_shape(hand))
    measures = np.array(rows).reshape(-1, SHAPE_MEASURES)
    return Examples(measures, np.full(len(rows), ""), np.ones(len(rows), bool))


def about_to_pinch(number: int) -> Examples:
    """Return a hand that will pinch and shows nothing yet."""
    gestures = ("twist", "pinch_drag", "double_tap")
    gesture = gestures[number % len(gestures)]
    scene = dynamic_scene(gesture, TUNING_SEED, number // len(gestures), max_tilt=MODERATE)
    moments = observe(scene, rng_of(TUNING_SEED, f"noise {gesture}", number))
    rows = [_shape(hand) for time, hands in moments if 0.1 <= time <= 0.4 for hand in hands]
    measures = np.array(rows).reshape(-1, SHAPE_MEASURES)
    return Examples(measures, np.full(len(rows), ""), np.ones(len(rows), bool))


def shape_of(gesture: str) -> str:
    """Return the shape that a gesture is held in: all that point have one."""
    return shipped_vocabulary()[gesture].like or gesture


def fitted(examples: Examples) -> dict[str, object]:
    """Return means, spreads and weights."""
    measures, names, usual = examples
    means, spreads = measures.mean(axis=0).round(5), measures.std(axis=0).round(5)
    table = _spread(measures, means, spreads)
    weights = {}
    for name in dict.fromkeys(names.tolist()):
        if not name:
            continue
        shown, idle = names == name, names == ""
        others = ~shown & ~idle
        say = np.where(shown, 1 / shown.sum(), np.where(idle, 0.5 / idle.sum(), 0.5 / others.sum()))
        slopes = logistic(table, shown, say, ridge=_RIDGE, settled=_SETTLED)
        slopes = _scaled(slopes, table, shown, usual)
        weights[name] = np.round(slopes, 4).tolist()
    return {"means": means.tolist(), "spreads": spreads.tolist(), "weights": weights}


def fitted_again(examples: Examples, shape: str, figures: dict[str, Any]) -> list[float]:
    """Return the weights of one shape, fitted to those that show it and to what is near to it.

    Most hands are far from a shape and tell nothing about its border; here they have no say.

    Args:
        examples: hands.
        shape: its name.
        figures: means, spreads and weights to begin with.
    """
    measures, names, usual = examples
    table = _spread(measures, np.array(figures["means"]), np.array(figures["spreads"]))
    shown, idle = names == shape, names == ""
    slopes = np.array(figures["weights"][shape])
    for _ in range(_NEAR_ROUNDS):
        values = table @ slopes
        near = values > np.percentile(values[shown], _FEW) - _NEAR
        say = np.where(shown, 1 / shown.sum(), 0.0)
        for which in (idle & near, ~idle & ~shown & near):
            say[which] = 0.5 / max(int(which.sum()), _ENOUGH)
        about = shown | near
        slopes = logistic(
            table[about], shown[about], say[about], ridge=_NEAR_RIDGE, settled=_SETTLED
        )
        slopes = _scaled(slopes, table, shown, usual)
    return [round(float(slope), 4) for slope in slopes]


def _spread(measures: Array, means: Array, spreads: Array) -> Array:
    return pairs(np.clip((measures - means) / spreads, -FARTHEST, FARTHEST))


def _scaled(slopes: Array, table: Array, shown: Mask, usual: Mask) -> Array:
    """Return slopes with which 0 is the border and `_CERTAIN` the middle of the shape."""
    values = table @ slopes
    border = _border(values[shown & usual], values[~shown])
    moved = slopes.copy()
    moved[0] -= border
    return np.asarray(moved * (_CERTAIN / (float(np.median(values[shown])) - border)))


def _border(inside: Array, outside: Array) -> float:
    """Put the border between those that show a shape and those that do not, nearer to the first.

    But nearer yet to those where it would shut out more than a few of the shape.
    """
    low, high = float(np.percentile(outside, 99.97)), float(np.percentile(inside, 1.0))
    return min(low + _NEARER * (high - low), float(np.percentile(inside, _FEW)))


def _shape(hand: Hand) -> Array:
    return measure(hand)[:SHAPE_MEASURES]


def _true(scene: Scene, depth: float) -> Hand:
    (part,) = scene.performances
    index = int(np.abs(scene.times - scene.shown[0] - _MOMENTS[2]).argmin())
    landmarks, world = (points[index] * (1, 1, depth) for points in part.truth())
    points = landmarks.astype(np.float32), world.astype(np.float32)
    return Hand(1, *points, 1.0, part.side, 0.98, Roi(0.0, 0.0, 1.0, 0.0))


def _gathered(parts: Sequence[Examples]) -> Examples:
    return Examples(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def main(
    scenes: Annotated[int, typer.Option(help="of each gesture")] = 300,
    minutes: Annotated[int, typer.Option(help="of hands that mean nothing")] = 360,
    processes: Annotated[int, typer.Option()] = 2,
    only: Annotated[str, typer.Option(help="fit this shape again and leave the others")] = "",
) -> None:
    """Measure, fit and write."""
    look: Callable[[str], Examples] = partial(shown, numbers=range(scenes))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        examples = [*pool.map(look, STATIC), *pool.map(idle, range(minutes), chunksize=4)]
        if only:
            examples += pool.map(about_to_pinch, range(_TO_PINCH), chunksize=30)
    command = f"python -m edgehands.benchmarks.gestures.weigh --scenes {scenes} --minutes {minutes}"
    if only:
        figures = json.loads(FIGURES.read_text(encoding="utf-8"))
        figures["weights"][only] = fitted_again(_gathered(examples), only, figures)
        figures["command"] += f"; {command} --only {only}"
    else:
        measures = list(UNITS)[:SHAPE_MEASURES]
        figures = {"command": command, "measures": measures, **fitted(_gathered(examples))}
    FIGURES.write_text(json.dumps(figures) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)

"""Fit how like a hand is to each shape: `python -m edgehands.benchmarks.gestures.weigh`.

Logistic regression on all measures and their products, one shape against all others and against
hands that mean nothing but are still for a moment: on scenes of the tuning seed as the model would
measure them, and on true hands whose depth is flattened and stretched. The border is put midway
between those that show a shape and those that do not. With `--only`, one shape is fitted again to
what comes near to it, and to what the model sees in films of what it mistakes.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from edgehands.benchmarks.gestures.examples import (
    FILMED,
    SHAPE_MEASURES,
    Examples,
    about_to_pinch,
    gathered,
    idle,
    on_film,
    shown,
)
from edgehands.benchmarks.gestures.positives import STATIC
from edgehands.benchmarks.gestures.regression import logistic
from edgehands.gestures.likeness import FARTHEST, FIGURES, pairs
from edgehands.gestures.measures import UNITS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from edgehands.gestures.measures import Array

    Mask = npt.NDArray[np.bool_]

_RIDGE = 1e-5
_NEAR_RIDGE = 1e-6
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


def fitted_again(
    examples: Examples, films: Examples, shape: str, figures: dict[str, Any]
) -> list[float]:
    """Return the weights of one shape, fitted to those that show it and to what is near to it.

    Most hands are far from a shape and tell nothing about its border; here they have no say.

    Args:
        examples: hands as the model would measure them.
        films: hands as it does; few, and so with a say of their own.
        shape: its name.
        figures: means, spreads and weights to begin with.
    """
    measures, names, usual = gathered([examples, films])
    filmed = np.arange(len(names)) >= len(examples.names)
    table = _spread(measures, np.array(figures["means"]), np.array(figures["spreads"]))
    shown, idle = names == shape, names == ""
    slopes = np.array(figures["weights"][shape])
    for _ in range(_NEAR_ROUNDS):
        values = table @ slopes
        near = values > np.percentile(values[shown], _FEW) - _NEAR
        say = np.where(shown, 1 / shown.sum(), 0.0)
        other = near & ~shown
        for which in (other & idle & ~filmed, other & ~idle & ~filmed, other & filmed):
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


def main(
    scenes: Annotated[int, typer.Option(help="of each gesture")] = 300,
    minutes: Annotated[int, typer.Option(help="of hands that mean nothing")] = 360,
    processes: Annotated[int, typer.Option()] = 2,
    only: Annotated[str, typer.Option(help="fit this shape again and leave the others")] = "",
    films: Annotated[int, typer.Option(help="of what is often mistaken, with --only")] = 12,
) -> None:
    """Measure, fit and write."""
    look: Callable[[str], Examples] = partial(shown, numbers=range(scenes))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        examples = [*pool.map(look, STATIC), *pool.map(idle, range(minutes), chunksize=4)]
        if only:
            examples += pool.map(about_to_pinch, range(_TO_PINCH), chunksize=30)
            seen = gathered([*pool.map(on_film, *zip(*product(FILMED, range(films)), strict=True))])
    command = f"python -m edgehands.benchmarks.gestures.weigh --scenes {scenes} --minutes {minutes}"
    if only:
        figures = json.loads(FIGURES.read_text(encoding="utf-8"))
        figures["weights"][only] = fitted_again(gathered(examples), seen, only, figures)
        figures["command"] += f"; {command} --films {films} --only {only}"
    else:
        measures = list(UNITS)[:SHAPE_MEASURES]
        figures = {"command": command, "measures": measures, **fitted(gathered(examples))}
    FIGURES.write_text(json.dumps(figures) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)

"""What moving hands are read with is fitted: two heaps of hands are told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands.benchmarks.gestures.regression import logistic
from edgehands.benchmarks.gestures.weigh_motions import fitted
from edgehands.gestures.motions.shape import MEASURES, SHAPES

if TYPE_CHECKING:
    import numpy.typing as npt


def test_a_regression_finds_what_tells_two_heaps_apart() -> None:
    rng = np.random.default_rng(0)
    heaps = [rng.normal(middle, 1.0, (400, 3)) for middle in ((1.0, 0.0, -2.0), (0.0, 0.0, 0.0))]
    table = np.column_stack([np.ones(800), np.concatenate(heaps)])
    say = np.full(800, 1 / 400)
    slopes = logistic(table, np.arange(800) < 400, say, ridge=1e-6, settled=1e-6)
    # Of two round heaps of spread 1 the slopes are the way between their middles.
    assert slopes[1:] == pytest.approx([1.0, 0.0, -2.0], abs=0.35)
    assert slopes[0] == pytest.approx(-2.5, abs=0.5)


def test_what_is_fitted_is_above_zero_for_the_shape_and_three_in_its_middle() -> None:
    rng = np.random.default_rng(1)
    kinds = [*SHAPES, "gun", "ready", "idle"]
    examples: dict[str, npt.NDArray[np.floating]] = {
        name: rng.normal(rng.normal(0, 2, len(MEASURES)), 1, (60, 34)) for name in kinds
    }
    figures = fitted(examples)
    fit = {name: np.array(figures[name]) for name in ("means", "spreads")}
    weights, biases = figures["weights"], figures["biases"]
    assert isinstance(weights, dict)
    assert isinstance(biases, dict)
    for shape in SHAPES:
        off = (examples[shape] - fit["means"]) / fit["spreads"]
        told = np.clip(off, -3, 3) @ np.array(weights[shape]) + biases[shape]
        assert np.median(told) == pytest.approx(3.0, abs=0.05)
        assert (told > 0).mean() > 0.95

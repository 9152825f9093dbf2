"""How like a hand as a whole is to those that show each shape: a weight for each measure and pair.

A single finger that the model sees wrong decides little then, and many that are half bent decide
much. Pairs tell what belongs together: an index finger may be bent, but not alone. The weights were
fitted by `edgehands.benchmarks.gestures.weigh` on the tuning seed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.floating]

FIGURES = Path(__file__).with_name("likeness.json")
"""The weights, and the command that made them."""

FARTHEST = 3.0
"""Spreads from the mean beyond which a measure says no more: no single one decides alone."""


def pairs(off: Array) -> Array:
    """Return [..., P]: 1, each measure, and each product of two, in one order.

    Args:
        off: [..., M] spreads from the mean.
    """
    with_one = np.concatenate([np.ones((*off.shape[:-1], 1)), off / FARTHEST], axis=-1)
    rows, columns = np.triu_indices(with_one.shape[-1])
    return np.asarray(with_one[..., rows] * with_one[..., columns])


_figures = json.loads(FIGURES.read_text(encoding="utf-8"))
_MEANS = np.array(_figures["means"])
_STEEPNESS = 1 / (FARTHEST * np.array(_figures["spreads"]))
_ONE = np.ones(1 + len(_MEANS), np.float32)
_ROWS, _COLUMNS = np.triu_indices(len(_ONE))
_WEIGHTS = np.array(list(_figures["weights"].values()), np.float32)

SHAPES_KNOWN: tuple[str, ...] = tuple(_figures["weights"])
"""The shapes, in the order of `likenesses`."""


def likenesses(shape: Array) -> Array:
    """Return how like a hand is to each shape: 0 is the border, above 0 it shows the shape.

    Args:
        shape: the measures of a hand up to where directions begin, as `measures.measure` has them.
    """
    off = _ONE.copy()
    np.minimum(np.maximum((shape - _MEANS) * _STEEPNESS, -1.0), 1.0, out=off[1:])
    return np.asarray(_WEIGHTS @ (off.take(_ROWS) * off.take(_COLUMNS)))

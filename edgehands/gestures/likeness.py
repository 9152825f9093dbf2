"""How like a hand as a whole is to those that show each shape: one weight for each measure.

A single finger that the model sees wrong decides little then, and many that are half bent decide
much. The weights were fitted by `edgehands.benchmarks.gestures.weigh` on the tuning seed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

FIGURES = Path(__file__).with_name("likeness.json")
"""The weights, and the command that made them."""

FARTHEST = 3.0
"""Spreads from the mean beyond which a measure says no more: no single one decides alone."""

_figures = json.loads(FIGURES.read_text(encoding="utf-8"))
_MEANS, _SPREADS = np.array(_figures["means"]), np.array(_figures["spreads"])
_WEIGHTS = np.array(list(_figures["weights"].values()))
_BIASES = np.array(list(_figures["biases"].values()))

SHAPES_KNOWN: tuple[str, ...] = tuple(_figures["weights"])
"""The shapes, in the order of `likenesses`."""


def likenesses(shape: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return how like a hand is to each shape: 0 is the border, above 0 it shows the shape.

    Args:
        shape: the measures of a hand up to where directions begin, as `measures.measure` has them.
    """
    off = (shape - _MEANS) / _SPREADS
    return np.asarray(_WEIGHTS @ np.minimum(np.maximum(off, -FARTHEST), FARTHEST) + _BIASES)

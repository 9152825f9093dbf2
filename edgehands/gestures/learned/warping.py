"""Dynamic time warping: how far two ways are apart, however their pace differs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgehands.hand import FloatArray

_BAND = 4  # steps by which one may be ahead of the other (Sakoe and Chiba's band)


def warped_distance(a: FloatArray, b: FloatArray, worth: float = math.inf) -> float:
    """Return the mean distance of two ways [T, W] along their best warping.

    Plain floats: on a table this small they are faster than arrays.

    Args:
        a: a way.
        b: another.
        worth: what is more is not looked for to its end, and is infinite.
    """
    steps = a[:, None] - b[None]
    costs = np.sqrt(np.einsum("ijk,ijk->ij", steps, steps)).tolist()
    count = len(costs)
    last = [math.inf] * (count + 1)
    last[0] = 0.0
    for row, cost in enumerate(costs):
        here = [math.inf] * (count + 1)
        for column in range(max(0, row - _BAND), min(count, row + _BAND + 1)):
            before = min(last[column], last[column + 1], here[column])
            here[column + 1] = before + cost[column]
        if min(here) > worth * count:  # costs only grow
            return math.inf
        last = here
    return last[count] / count


def straight_distances(a: FloatArray, others: FloatArray) -> FloatArray:
    """Return the mean distances of a way [T, W] to others [N, T, W], step by step, [N].

    No warping can be more than this apart.
    """
    steps = others - a
    return np.asarray(np.sqrt(np.einsum("nij,nij->ni", steps, steps)).mean(axis=1))

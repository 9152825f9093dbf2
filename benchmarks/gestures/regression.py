"""Logistic regression by Newton's method, in which each row has a say of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.floating]
    Mask = npt.NDArray[np.bool_]

_STEPS = 40


def logistic(table: Array, shown: Mask, say: Array, *, ridge: float, settled: float) -> Array:
    """Return slopes [P] that tell the rows that are shown from the others.

    Args:
        table: [N, P], the first column 1, for the bias.
        shown: [N].
        say: [N] how much each row counts.
        ridge: how small slopes are kept, the bias apart; a share of all that is said.
        settled: the largest step of any slope after which there is nothing more to win.
    """
    least = np.eye(table.shape[1]) * ridge * say.sum()
    least[0, 0] = 0.0
    slopes = np.zeros(table.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(table @ slopes, -30, 30)))
        gradient = table.T @ (say * (chance - shown)) + least @ slopes
        bend = (table * (say * chance * (1 - chance) + 1e-12)[:, None]).T @ table + least
        step = np.linalg.solve(bend, gradient)
        slopes -= step
        if np.abs(step).max() < settled:
            break
    return np.asarray(slopes)

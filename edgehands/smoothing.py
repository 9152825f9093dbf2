"""One Euro filter, its speeds measured in hand sizes so that near and far hands feel alike.

G. Casiez, N. Roussel, D. Vogel: "1€ Filter", CHI 2012. A low-pass filter whose cut-off rises with
speed: steady when the hand is still, quick when it moves.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from edgehands.hand import FloatArray, palm_size

_SPEED_CUTOFF = 1.0  # Hz, for the speed estimate itself: the paper's advice


class Smoother(Protocol):
    """Steadies the landmarks of each hand over time."""

    def smooth(
        self, hand: int, time: float, landmarks: FloatArray, world_landmarks: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return landmarks [21, 3] and world landmarks [21, 3] of hand `hand`, steadied."""

    def forget(self, hand: int) -> None:
        """Drop what is kept of a hand that is gone."""


class OneEuroSmoother:
    """One pair of filters for each tracked hand.

    Args:
        min_cutoff: cut-off of a still hand, Hz.
        beta: rise of the cut-off, Hz per palm size per second.
    """

    def __init__(self, min_cutoff: float, beta: float) -> None:
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._filters: dict[int, tuple[OneEuroFilter, OneEuroFilter]] = {}

    def smooth(
        self, hand: int, time: float, landmarks: FloatArray, world_landmarks: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return both sets of landmarks steadied; each is scaled by its own palm size."""
        if hand not in self._filters:
            self._filters[hand] = (self._filter(), self._filter())
        image, world = self._filters[hand]
        return (
            image(landmarks, time, palm_size(landmarks)),
            world(world_landmarks, time, palm_size(world_landmarks)),
        )

    def forget(self, hand: int) -> None:
        """Drop the filters of a hand that is gone."""
        self._filters.pop(hand, None)

    def _filter(self) -> OneEuroFilter:
        return OneEuroFilter(self._min_cutoff, self._beta)


class OneEuroFilter:
    """Filters points [N, C] as a whole: each point has one speed, the length of its velocity."""

    def __init__(self, min_cutoff: float, beta: float) -> None:
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._time = -math.inf
        self._value: FloatArray | None = None
        self._velocity: FloatArray | None = None

    def __call__(self, points: FloatArray, time: float, scale: float) -> FloatArray:
        """Take the points at `time` (seconds, rising) and return them filtered.

        Args:
            points: [N, C].
            time: seconds; the same time again returns the last answer.
            scale: the length that counts as 1 in speeds, in the points' unit.
        """
        if self._value is None or self._velocity is None:
            self._time, self._value, self._velocity = time, points, np.zeros_like(points)
            return points
        step = time - self._time
        if step <= 0:
            return self._value
        velocity = (points - self._value) / np.float32(step * max(scale, 1e-6))
        self._velocity = _blend(self._velocity, velocity, _alpha(_SPEED_CUTOFF, step))
        speed = np.linalg.norm(self._velocity, axis=1, keepdims=True)
        cutoff = np.asarray(self._min_cutoff + self._beta * speed, np.float32)
        self._value = _blend(self._value, points, _alpha(cutoff, step))
        self._time = time
        return self._value


def _alpha(cutoff: FloatArray | float, step: float) -> FloatArray:
    """Weight of the new value in a low-pass filter of `cutoff` Hz after `step` seconds."""
    turn = np.float32(2 * math.pi * step) * np.asarray(cutoff, np.float32)
    return np.asarray(turn / (turn + 1), np.float32)


def _blend(old: FloatArray, new: FloatArray, alpha: FloatArray) -> FloatArray:
    return np.asarray(old + alpha * (new - old), np.float32)

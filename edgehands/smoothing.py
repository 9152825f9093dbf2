"""One Euro filter, its speeds measured in hand sizes so that near and far hands feel alike.

G. Casiez, N. Roussel, D. Vogel: "1€ Filter", CHI 2012. A low-pass filter whose cut-off rises with
speed: steady when the hand is still, quick when it moves.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from edgehands.hand import LANDMARK_COUNT, FloatArray, Landmark

_SPEED_CUTOFF = 1.0  # Hz, for the speed estimate itself: the paper's advice
_MEAN_OF = 15
"""Frames at the start in which the value is at least as quick as the mean of all so far: the first
one was measured in the detector's region, which is worse, and a slow filter would creep away from
it for a second."""
_KNUCKLES_IN_PALMS = 0.7  # index MCP to pinky MCP, in palm sizes, of a hand seen flat
_SMALLEST = 1e-6  # pixels or metres: a hand of no size has a speed too


class Smoother(Protocol):
    """Steadies the landmarks of each hand over time."""

    def smooth(
        self, hand: int, time: float, landmarks: FloatArray, world_landmarks: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return landmarks [21, 3] and world landmarks [21, 3] of hand `hand`, steadied."""

    def forget(self, hand: int) -> None:
        """Drop what is kept of a hand that is gone."""


class OneEuroSmoother:
    """One filter for each tracked hand, over its landmarks and world landmarks together.

    Args:
        min_cutoff: cut-off of a still hand, Hz.
        beta: rise of the cut-off, Hz per palm size per second.
    """

    def __init__(self, min_cutoff: float, beta: float) -> None:
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._filters: dict[int, OneEuroFilter] = {}
        self._points = np.empty((2 * LANDMARK_COUNT, 3), np.float32)
        self._scale = np.empty((2 * LANDMARK_COUNT, 1), np.float32)

    def smooth(
        self, hand: int, time: float, landmarks: FloatArray, world_landmarks: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return both sets of landmarks steadied; each is scaled by its own hand's size."""
        one_euro = self._filters.get(hand)
        if one_euro is None:
            one_euro = self._filters[hand] = OneEuroFilter(self._min_cutoff, self._beta)
        self._points[:LANDMARK_COUNT] = landmarks
        self._points[LANDMARK_COUNT:] = world_landmarks
        self._scale[:LANDMARK_COUNT] = _seen_size(landmarks)
        self._scale[LANDMARK_COUNT:] = _true_size(world_landmarks)
        steady = one_euro(self._points, time, self._scale)
        return steady[:LANDMARK_COUNT], steady[LANDMARK_COUNT:]

    def forget(self, hand: int) -> None:
        """Drop the filter of a hand that is gone."""
        self._filters.pop(hand, None)


class OneEuroFilter:
    """Filters points [N, C] as a whole: each point has one speed, the length of its velocity."""

    def __init__(self, min_cutoff: float, beta: float) -> None:
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._time = -math.inf
        self._count = 0
        self._value: FloatArray | None = None

    def __call__(self, points: FloatArray, time: float, scale: FloatArray | float) -> FloatArray:
        """Take the points at `time` (seconds, rising) and return them filtered.

        Args:
            points: [N, C].
            time: seconds; the same time again returns the last answer.
            scale: the length that counts as 1 in speeds, above 0, in the points' unit: one for all
                or [N, 1].
        """
        passed = time - self._time
        value = self._value
        if value is None:
            value = self._start(points)
        elif passed > 0:
            # A new array: the one before is in the caller's hands.
            value = value + self._step(value, points, passed, scale)
        else:
            return value
        self._value = value
        self._time = time
        self._count += 1
        return value

    def _start(self, points: FloatArray) -> FloatArray:
        self._velocity, self._off, self._square = (np.zeros_like(points) for _ in range(3))
        self._weight = np.empty((len(points), 1), points.dtype)
        return points.copy()

    def _step(
        self, value: FloatArray, points: FloatArray, passed: float, scale: FloatArray | float
    ) -> FloatArray:
        """Return how far the value goes towards the points."""
        off, square, velocity, weight = self._off, self._square, self._velocity, self._weight
        np.subtract(points, value, out=off)
        np.divide(off, scale * np.float32(passed), out=square)
        square -= velocity
        square *= np.float32(_weight_of(_SPEED_CUTOFF, passed))
        velocity += square
        # The speed, its cut-off, and the weight of the new points in a low-pass filter with that.
        np.multiply(velocity, velocity, out=square)
        np.add.reduce(square, axis=1, keepdims=True, out=weight)
        np.sqrt(weight, out=weight)
        turn = 2 * math.pi * passed
        weight *= np.float32(turn * self._beta)
        weight += np.float32(turn * self._min_cutoff)
        np.divide(weight, weight + np.float32(1), out=weight)
        if self._count < _MEAN_OF:
            np.maximum(weight, np.float32(1 / (self._count + 1)), out=weight)
        off *= weight
        return off


def _weight_of(cutoff: float, passed: float) -> float:
    """Weight of the new value in a low-pass filter of `cutoff` Hz after `passed` seconds."""
    turn = 2 * math.pi * passed * cutoff
    return turn / (turn + 1)


def _seen_size(landmarks: FloatArray) -> float:
    """Return the palm size, pixels, of a hand as if it were seen flat.

    From the wrist to the middle MCP a hand that points at the camera is short, from knuckle to
    knuckle it is not; for a hand seen from its edge it is the other way round.
    """
    long = _distance(landmarks, Landmark.WRIST, Landmark.MIDDLE_MCP)
    wide = _distance(landmarks, Landmark.INDEX_MCP, Landmark.PINKY_MCP)
    return max(long, wide / _KNUCKLES_IN_PALMS, _SMALLEST)


def _distance(points: FloatArray, a: int, b: int) -> float:
    """Distance of two points in x and y; for so few numbers Python is quicker than numpy."""
    ax, ay, _ = points[a].tolist()
    bx, by, _ = points[b].tolist()
    return math.hypot(ax - bx, ay - by)


def _true_size(world_landmarks: FloatArray) -> float:
    """Return the palm size in space, metres."""
    wrist = world_landmarks[Landmark.WRIST].tolist()
    return max(math.dist(wrist, world_landmarks[Landmark.MIDDLE_MCP].tolist()), _SMALLEST)

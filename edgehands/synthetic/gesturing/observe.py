"""Scenes as the tracker would report them, frame by frame, without a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgehands.hand import Hand, Roi
from edgehands.settings import TrackerSettings
from edgehands.smoothing import OneEuroSmoother
from edgehands.synthetic.gesturing.imitation import load_imitation
from edgehands.synthetic.gesturing.performance import CAMERA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.synthetic.gesturing.imitation import Imitation
    from edgehands.synthetic.gesturing.performance import Performance, Scene
    from edgehands.synthetic.pose import Array

    Moments = Iterator[tuple[float, list[Hand]]]

_MIN_INSIDE = 0.6
"""Share of a hand's points in the picture below which the tracker does not follow it."""


def observe(scene: Scene, rng: np.random.Generator, imitation: Imitation | None = None) -> Moments:
    """Yield each moment's time and hands: measured as by the model, smoothed as by the tracker.

    A hand that leaves the picture and comes back has a new id.

    Args:
        scene: what happens.
        rng: draws the model's errors.
        imitation: of the model; None takes the fitted one.
    """
    imitation = imitation or load_imitation()
    settings = TrackerSettings()
    smoother = OneEuroSmoother(settings.smoothing_min_cutoff, settings.smoothing_beta)
    parts = [_Part(part, scene.times, rng, imitation) for part in scene.performances]
    for part, number in zip(parts, _ids(parts), strict=True):
        part.ids = number
    for index, time in enumerate(scene.times.tolist()):
        yield time, [part.hand(index, time, smoother) for part in parts if part.visible[index]]


class _Part:
    """One hand of a scene as it is measured."""

    def __init__(
        self, part: Performance, times: Array, rng: np.random.Generator, imitation: Imitation
    ) -> None:
        landmarks, world = imitation.measured(part, times, rng)
        self._landmarks = landmarks.astype(np.float32)
        self._world = world.astype(np.float32)
        self._side = part.side
        x, y = landmarks[:, :, 0], landmarks[:, :, 1]
        inside = (x >= 0) & (x < CAMERA.width) & (y >= 0) & (y < CAMERA.height)
        self.visible = inside.mean(axis=1) >= _MIN_INSIDE
        self.visits = np.cumsum(np.diff(self.visible.astype(int), prepend=0) > 0)
        self.ids = self.visits

    def hand(self, index: int, time: float, smoother: OneEuroSmoother) -> Hand:
        id_ = int(self.ids[index])
        points, world = smoother.smooth(id_, time, self._landmarks[index], self._world[index])
        return Hand(id_, points, world, 1.0, self._side, 0.98, Roi(0.0, 0.0, 1.0, 0.0))


def _ids(parts: list[_Part]) -> list[Array]:
    """Number the visits of all hands apart."""
    return [part.visits * len(parts) + number for number, part in enumerate(parts)]

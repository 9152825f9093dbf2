"""How much a still hand trembles: the noise of the camera, as the landmarks show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgehands.benchmarks.bench.accuracy_scenes import still
from edgehands.hand import palm_size
from edgehands.smoothing import OneEuroSmoother
from edgehands.tracker import StageTracker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.benchmarks.metrics import Picture
    from edgehands.settings import TrackerSettings
    from edgehands.smoothing import Smoother
    from edgehands.stages import LandmarkStage, PalmStage

_FPS = 30
_SETTLE = 15  # frames that are not counted


class Jitter(msgspec.Struct, frozen=True, kw_only=True):
    """Distances of landmarks from their mean place over time, root mean square, palm sizes."""

    hands: int
    """Different still hands, those never found left out."""
    frames: int
    """Counted of each, at 30 a second."""
    raw: float | None
    """As the model measures them; None where no hand was found."""
    smoothed: float | None
    """As they are reported, by the settings of the smoother."""


def jitter(
    stages: tuple[PalmStage, LandmarkStage],
    settings: TrackerSettings,
    hands: int = 6,
    frames: int = 45,
) -> Jitter:
    """Follow still hands of a noisy camera, with the smoother and without.

    Args:
        stages: stay open.
        settings: of the tracker and its smoother.
        hands: how many different ones.
        frames: counted of each.
    """
    raw, smoothed = [], []
    for number in range(hands):
        pictures = still(number, _SETTLE + frames)
        smoother = OneEuroSmoother(settings.smoothing_min_cutoff, settings.smoothing_beta)
        raw.append(_trembling(stages, settings, pictures, None))
        smoothed.append(_trembling(stages, settings, pictures, smoother))
    found = [value for value in raw if value is not None]
    return Jitter(hands=len(found), frames=frames, raw=_rms(raw), smoothed=_rms(smoothed))


def _trembling(
    stages: tuple[PalmStage, LandmarkStage],
    settings: TrackerSettings,
    pictures: Sequence[Picture],
    smoother: Smoother | None,
) -> float | None:
    """Return the distances' root mean square for one hand, None where it is not followed."""
    tracker = StageTracker(*stages, smoother, max_hands=1, settings=settings)  # never closed
    points = []
    for number, picture in enumerate(pictures):
        hands = tracker.update(picture.image, number / _FPS)
        if number >= _SETTLE and hands:
            points.append(hands[0].landmarks[:, :2].copy())
    if len(points) < 2:
        return None
    off = np.stack(points) - np.mean(points, axis=0)
    size = palm_size(pictures[0].hands[0].landmarks)
    return float(np.sqrt(np.mean(np.sum(off**2, axis=2)))) / size


def _rms(values: Sequence[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return float(np.sqrt(np.mean(np.square(found)))) if found else None

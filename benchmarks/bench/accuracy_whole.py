"""The accuracy of the whole pipeline on single pictures: palms found, then landmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgehands.benchmarks.metrics import Score

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgehands.benchmarks.metrics import Picture
    from edgehands.tracker import StageTracker


class WholeAccuracy(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of the hands that are known.

    Errors are two-dimensional, in palm sizes (wrist to middle MCP) of the true hand, over the hands
    that were found, and None where none was: read them beside `found`.
    """

    pictures: int
    hands: int
    """Known ones."""
    found: int
    """Of these: with a mean error below one palm size."""
    false_hands: int
    """Found where none is, or one that is another's already."""
    mean_error: float | None
    p50_error: float | None
    """Median and 95th percentile over the hands of each one's mean error."""
    p95_error: float | None
    mse: float | None
    """Mean of squared errors, squared palm sizes; × 100 is the per cent of tables."""
    pck: float | None
    """Share of landmarks within 0.2 palm sizes (PCK@0.2)."""
    handedness: float | None
    """Share of found hands given the right side; None where the labels have no sides."""

    @property
    def recall(self) -> float | None:
        """Share of the known hands that was found."""
        return self.found / self.hands if self.hands else None


def judge(tracker: StageTracker, pictures: Iterable[Picture]) -> WholeAccuracy:
    """Find the hands of each picture with a tracker in static mode, and compare."""
    score, count = Score(), 0
    for picture in pictures:
        score.add(tracker.update(picture.image), picture)
        count += 1
    return summed_up(score, count)


def summed_up(score: Score, pictures: int) -> WholeAccuracy:
    """Return a score over so many pictures in the form in which it is kept."""
    p50, p95 = np.percentile(score.errors, (50, 95)).tolist() if score.errors else (None, None)
    return WholeAccuracy(
        pictures=pictures,
        hands=score.hands,
        found=score.found,
        false_hands=score.false_hands,
        mean_error=_mean(score.errors),
        p50_error=p50,
        p95_error=p95,
        mse=_mean(score.squares),
        pck=_mean(score.near),
        handedness=score.sides_right / score.sides_asked if score.sides_asked else None,
    )


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None

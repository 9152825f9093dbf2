"""The samples of the synthetic set that errors are said of: every hand lies in the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.benchmarks.metrics import Labelled, Picture
from edgehands.synthetic.dataset import accuracy_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.synthetic.dataset import Sample

_MIN_INSIDE = 0.95  # share of a hand's points in the picture; others are not asked for


def whole_samples(seed: int, count: int) -> Iterator[Sample]:
    """Yield those of a seed's first `count` samples whose hands are not cut by the edge."""
    for sample in accuracy_set(seed, count):
        height, width = sample.image.shape[:2]
        if all(hand.inside(width, height) >= _MIN_INSIDE for hand in sample.hands):
            yield sample


def whole_pictures(seed: int, count: int) -> Iterator[Picture]:
    """Yield the same as pictures and labels."""
    for sample in whole_samples(seed, count):
        hands = [Labelled(hand.landmarks, hand.handedness) for hand in sample.hands]
        yield Picture(sample.image, hands)

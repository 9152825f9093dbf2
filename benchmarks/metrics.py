"""How good found hands and palms are, against ones that are known: pure arithmetic.

Distances are two-dimensional and in palm sizes (wrist to middle MCP) of the true hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edgehands.geometry import iou
from edgehands.landmarks import distance_in_palms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import numpy.typing as npt

    from edgehands.hand import FloatArray, Hand, Handedness, ImageArray

PCK_WITHIN = 0.2
"""Palm sizes within which a landmark counts as correct for PCK."""

AP_IOU = 0.5
"""Overlap from which a found palm is the true one, as in PASCAL VOC."""

MATCH_WITHIN = 1.0
"""Palm sizes: a hand farther off is another hand."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One hand whose landmarks are known."""

    landmarks: FloatArray
    """[21, 2 or 3] pixels."""
    handedness: Handedness | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture and the hands that are known to be in it."""

    image: ImageArray
    """uint8 [H, W, 3] RGB."""
    hands: list[Labelled]
    unsure: tuple[tuple[float, float, float, float], ...] = ()
    """Boxes (x0, y0, x1, y1, pixels) in which there may be hands that nobody labelled: what is
    found there is no mistake."""


@dataclass(slots=True)
class Score:
    """How a way to find hands did on a set of pictures."""

    hands: int = 0
    found: int = 0
    false_hands: int = 0
    """Reported where no hand is."""
    sides_asked: int = 0
    sides_right: int = 0
    errors: list[float] = field(default_factory=list)
    """Mean distance over the 21 points of each found hand, in palm sizes."""
    squares: list[float] = field(default_factory=list)
    """Mean squared distance likewise."""
    near: list[float] = field(default_factory=list)
    """Share of the points of each found hand within `PCK_WITHIN`."""

    def add(self, found: Sequence[Hand], picture: Picture) -> None:
        """Match one picture's hands to its truths and count."""
        self.hands += len(picture.hands)
        pairs = matched(
            [hand.landmarks for hand in found], [hand.landmarks for hand in picture.hands]
        )
        for number, place, error in pairs:
            hand, truth = found[number], picture.hands[place]
            self.found += 1
            apart = distances(hand.landmarks, truth.landmarks)
            self.errors.append(error)
            self.squares.append(float(np.mean(apart**2)))
            self.near.append(float(np.mean(apart <= PCK_WITHIN)))
            if truth.handedness is not None:
                self.sides_asked += 1
                self.sides_right += hand.handedness == truth.handedness
        right = {number for number, _, _ in pairs}
        self.false_hands += sum(
            number not in right and not _is_in(hand, picture.unsure)
            for number, hand in enumerate(found)
        )


def matched(
    found: Collection[FloatArray], truths: Collection[FloatArray]
) -> list[tuple[int, int, float]]:
    """Pair found hands with true ones, the nearest first, by their landmarks [21, 2 or 3].

    Returns:
        For each pair the places in `found` and in `truths` and the mean distance in palm sizes,
        `MATCH_WITHIN` at most.
    """
    table = np.array([[distance_in_palms(a, b) for b in truths] for a in found], np.float64)
    table[np.isnan(table)] = np.inf
    pairs = []
    while table.size and table.min() <= MATCH_WITHIN:
        row, column = (int(place) for place in np.unravel_index(table.argmin(), table.shape))
        pairs.append((row, column, float(table[row, column])))
        table[row], table[:, column] = np.inf, np.inf
    return pairs


def distances(points: FloatArray, truth: FloatArray) -> FloatArray:
    """[N] distances of `points` [N, 2 or 3] from a hand's true ones, in its palm sizes."""
    apart = np.linalg.norm(points[:, :2] - truth[:, :2], axis=1)
    return np.asarray(apart / np.linalg.norm(truth[9, :2] - truth[0, :2]), np.float32)


def roc_auc(positives: npt.ArrayLike, negatives: npt.ArrayLike) -> float:
    """Return how often a positive's score is above a negative's; a tie counts half."""
    above = np.subtract.outer(positives, negatives)
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What a detector found in one picture, and what is there."""

    boxes: FloatArray
    """[n, 4] x0, y0, x1, y1."""
    scores: FloatArray
    """[n]."""
    truths: FloatArray
    """[m, 4]."""


def average_precision(pictures: Iterable[Detections], min_iou: float = AP_IOU) -> float:
    """Area under precision over recall, each point with the best precision from there on.

    The surest box first takes the free truth that it overlaps most, by `min_iou` or more; a box
    without one is false (PASCAL VOC 2010 and later).
    """
    scores: list[float] = []
    hits: list[bool] = []
    truths = 0
    for picture in pictures:
        truths += len(picture.truths)
        order = np.argsort(-picture.scores, kind="stable")
        scores += picture.scores[order].tolist()
        hits += _hits(picture.boxes[order], picture.truths, min_iou)
    if not truths:
        raise ValueError("average precision needs a true box")
    right = np.cumsum(np.array(hits, bool)[np.argsort(-np.array(scores), kind="stable")])
    precision = right / np.arange(1, len(right) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    gained = np.diff(right, prepend=0) / truths
    return float(np.sum(best_from_here * gained))


def _hits(boxes: FloatArray, truths: FloatArray, min_iou: float) -> list[bool]:
    free = np.ones(len(truths), bool)
    hits = []
    for box in boxes:
        overlaps = np.where(free, iou(box, truths), 0.0) if len(truths) else np.zeros(1)
        best = int(overlaps.argmax())
        hits.append(bool(overlaps[best] >= min_iou))
        if hits[-1]:
            free[best] = False
    return hits


def _is_in(hand: Hand, boxes: Iterable[tuple[float, float, float, float]]) -> bool:
    x, y = hand.landmarks[:, :2].mean(axis=0)
    return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in boxes)

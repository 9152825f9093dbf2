"""Learns a static gesture: picks its examples, and how far from them a hand may be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands.errors import InputError
from edgehands.gestures.learned.examples import LearnedPose, kept
from edgehands.gestures.learned.poses import LEAD, TURNED_WITHIN
from edgehands.gestures.learned.shapes import Shape, hand_shape
from edgehands.learning.negatives import Negatives, drawn_negatives

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.gestures.learned import Learned
    from edgehands.hand import FloatArray, Hand
    from edgehands.learning.takes import Take

_PER_TAKE = 8
_OTHERS = 96
_STEADY = 1.3  # times the median distance from the middle of a take
_ALWAYS_STEADY = 0.05  # palm sizes
_WIDEST = 0.30  # palm sizes: beyond, no hand of the same gesture was ever seen
_NARROWEST = 0.12
_USUAL = 0.15  # palm sizes between hands of two people in one pose
_SPREAD = 1.2  # times the distance of the loneliest example
_MISTAKEN = 0.002  # share of what is something else that may be taken for it
_COMPARED = 300  # frames of a take that are looked at


@dataclass(frozen=True, slots=True)
class Learning:
    """A learned gesture and how it came out."""

    gesture: Learned
    frames: int
    """Of all takes."""
    steady: int
    """Of those, the ones with the hand held as in most."""
    spread: float
    """Palm sizes from the loneliest example to the nearest other."""
    mistaken: float
    """Share of the negatives that were kept aside and would be taken for it."""
    like: str
    """The gesture that most of those show, or ""."""


def learn_pose(
    name: str,
    takes: Sequence[Take],
    negatives: Sequence[Hand] = (),
    *,
    attitude: bool = False,
) -> Learning:
    """Learn a static gesture from at least one take.

    Args:
        name: of the gesture.
        takes: of hands that show it; the way there and back is found and left out.
        negatives: hands that do something else, besides those that come with EdgeHands.
        attitude: how the hand is turned belongs to the gesture.

    Raises:
        InputError: the examples look like a gesture of the vocabulary.
    """
    takes_of_shapes = [_steady([hand_shape(hand) for hand in take.hands]) for take in takes]
    picked = [_picked(shapes) for shapes in takes_of_shapes]
    examples = [shape for shapes in picked for shape in shapes]
    points = np.array([shape.points for shape in examples])
    attitudes = np.array([shape.attitude for shape in examples])
    drawn, away = drawn_negatives(), Negatives.of(("", hand_shape(hand)) for hand in negatives)
    if attitude:
        drawn, away = (
            each.where(_turned_alike(each.attitudes, attitudes)) for each in (drawn, away)
        )
    own_gaps = _own_gaps(picked)
    spread = float(own_gaps.max())
    within, mistaken, like = _border(points, drawn.joined(away), spread)
    _refuse_known(name, points, own_gaps, drawn)
    others = [*_nearest(drawn, points, _OTHERS), *_nearest(away, points, _OTHERS)]
    gesture = LearnedPose(
        name=name,
        within=round(within, 3),
        takes=len(takes),
        examples=tuple(kept(shape.points) for shape in examples),
        others=tuple(kept(shape) for shape in others),
        attitudes=tuple(kept(shape.attitude) for shape in examples) if attitude else (),
    )
    frames = sum(len(take.hands) for take in takes)
    return Learning(gesture, frames, sum(map(len, takes_of_shapes)), spread, mistaken, like)


def _steady(shapes: list[Shape]) -> list[Shape]:
    """Return the shapes near the middle of a take: not the way there and back."""
    step = -(-len(shapes) // _COMPARED)
    points = np.array([shape.points for shape in shapes[::step]])
    middle = points[_distances(points, points).sum(axis=1).argmin()]
    off = [float(np.linalg.norm(shape.points - middle)) for shape in shapes]
    limit = max(_STEADY * float(np.median(off)), _ALWAYS_STEADY)
    return [shape for shape, distance in zip(shapes, off, strict=True) if distance <= limit]


def _picked(shapes: list[Shape]) -> list[Shape]:
    """Return a few shapes of a take, evenly over its time."""
    count = min(_PER_TAKE, len(shapes))
    return [shapes[round(index)] for index in np.linspace(0, len(shapes) - 1, count)]


def _nearest(negatives: Negatives, examples: FloatArray, count: int) -> FloatArray:
    """Return the shapes nearest to the examples."""
    distances = _distances(negatives.points, examples).min(axis=1)
    return np.asarray(negatives.points[np.argsort(distances)[:count]])


def _own_gaps(takes: list[list[Shape]]) -> FloatArray:
    """Return the distance from each example to the nearest of another take.

    With one take only, which says nothing of other hands, it is a usual distance.
    """
    points = [np.array([shape.points for shape in shapes]) for shapes in takes]
    if len(points) == 1:
        return np.full(len(points[0]), _USUAL)
    return np.concatenate(
        [
            _distances(own, np.concatenate(points[:n] + points[n + 1 :])).min(axis=1)
            for n, own in enumerate(points)
        ]
    )


def _border(examples: FloatArray, negatives: Negatives, spread: float) -> tuple[float, float, str]:
    """Return how far a hand may be, which share of the negatives is mistaken then, and for what.

    Half of the negatives stand against the examples; the other half is tried on them.
    """
    tried = np.arange(len(negatives.names)) % 2 == 0
    distances = _distances(negatives.points, examples).min(axis=1)
    against = _distances(negatives.points[tried], negatives.points[~tried]).min(axis=1)
    mistaken = np.where(distances[tried] < LEAD * against, distances[tried], np.inf)
    allowed = int(_MISTAKEN * len(mistaken))
    furthest = float(np.sort(mistaken)[allowed]) - 1e-6
    within = max(min(furthest, _WIDEST), _SPREAD * spread, _NARROWEST)
    within = min(within, _WIDEST)
    inside = mistaken <= within
    names = [name for name, kept_aside in zip(negatives.names, tried, strict=True) if kept_aside]
    likes = Counter(name for name, taken in zip(names, inside, strict=True) if taken)
    like = likes.most_common(1)[0][0] if likes else ""
    return within, float(inside.mean()), like


def _refuse_known(
    name: str, examples: FloatArray, own_gaps: FloatArray, negatives: Negatives
) -> None:
    """Refuse what the vocabulary has already.

    Raises:
        InputError: more than half of the examples have a neighbour there that is nearer than their
            own, or as near as hands of two people in one pose are.
    """
    gaps = _distances(examples, negatives.points)
    known = Counter(
        negatives.names[index]
        for index, gap, near in zip(gaps.argmin(axis=1), gaps.min(axis=1), own_gaps, strict=True)
        if gap < min(max(near, _USUAL), _WIDEST)
    )
    count = known.total()
    if count > len(examples) / 2:
        ((other, _),) = known.most_common(1)
        what = f"{other!r}, which EdgeHands knows" if other else "a hand at rest"
        raise InputError(
            f"{name}: {count} of {len(examples)} examples look like {what}: use that, or show "
            "something more different"
        )


def _turned_alike(attitudes: FloatArray, examples: FloatArray) -> FloatArray:
    """Return which attitudes [N, 3, 3] are near enough to an example's to be mistaken, [N]."""
    traces = np.einsum("nij,mij->nm", attitudes, examples).max(axis=1)
    turns = np.degrees(np.arccos(np.clip((traces - 1) / 2, -1, 1)))
    return np.asarray(turns < 1.5 * TURNED_WITHIN)


def _distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the distances of all pairs, [len(a), len(b)]."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))

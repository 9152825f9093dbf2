"""Learns a motion: cuts its examples out of their takes, and how far from them a way may be."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from edgehands.errors import InputError
from edgehands.gestures.learned.examples import LearnedMotion, kept
from edgehands.gestures.learned.motions import LEAD, PACES
from edgehands.gestures.learned.warping import straight_distances, warped_distance
from edgehands.gestures.learned.ways import extent, read_place, way_between
from edgehands.gestures.motions import MOTIONS
from edgehands.learning.poses import Learning
from edgehands.learning.takes import cut
from edgehands.synthetic.gesturing.moves import dynamic_scene
from edgehands.synthetic.gesturing.observe import observe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.gestures.learned.ways import Places
    from edgehands.hand import FloatArray
    from edgehands.learning.takes import Take

_SEED = 7_001
_SCENES = 6
_MOVING = 0.3  # of the take's fast parts; slower is before or after the motion
_LEAST_SECONDS, _MOST_SECONDS = 0.2, 4.0
_LEAST_EXTENT = 0.25  # palm sizes
_WIDEST = 0.8  # palm sizes
_NARROWEST = 0.25
_MISTAKEN = 0.01  # share of what is something else that would be taken for it
_SPREAD = 1.6  # times the distance of the loneliest example
_ASIDE = 0.85  # of the distance of what is something else
_OTHERS = 64
_ALIKE = 0.12  # palm sizes, step by step, within which two others say the same
_NEIGHBOURS = 40  # windows in a row that are mostly of one take


def learn_motion(name: str, takes: Sequence[Take], negatives: Sequence[Take] = ()) -> Learning:
    """Learn a motion from takes that show it once each.

    Args:
        name: of the gesture.
        takes: of one hand each.
        negatives: takes of something else, besides the motions that EdgeHands knows.

    Raises:
        InputError: a take without a motion, or they are too unlike, or like something known.
    """
    cuts = [_moving(take) for take in takes]
    ways = [way_between(*each) for each in cuts]
    seconds = [end - begin for _, begin, end in cuts]
    spread = _loneliest(ways)
    others = _others(float(np.median(seconds)), negatives)
    nearest = np.array([_distance(way, ways) for _, way in others])
    order = np.argsort(nearest)
    taken = _mistaken(nearest, [way for _, way in others])
    within = min(max(_SPREAD * spread, _NARROWEST), _WIDEST)
    furthest = float(np.sort(taken)[int(_MISTAKEN / 3 * len(taken))])
    within = min(within, max(_ASIDE * furthest, spread))
    mistaken = float((taken <= within).mean())
    like = others[int(taken.argmin())][0] if mistaken else ""
    if mistaken > _MISTAKEN:
        what = repr(like) if like else "something else"
        raise InputError(f"{name}: the takes are as like {what} as like each other: show it again")
    gesture = LearnedMotion(
        name=name,
        within=round(within, 3),
        takes=len(takes),
        examples=tuple(kept(way) for way in ways),
        seconds=tuple(round(each, 3) for each in seconds),
        others=tuple(kept(way) for way in _unlike([others[int(n)][1] for n in order])),
    )
    frames = sum(len(take.hands) for take in takes)
    moving = sum(
        int(((places[:, 0] >= begin) & (places[:, 0] <= end)).sum()) for places, begin, end in cuts
    )
    return Learning(gesture, frames, moving, spread, mistaken, like)


def _moving(take: Take) -> tuple[Places, float, float]:
    """Return a take's places, and from when to when the hand moves.

    Raises:
        InputError: it does not, or for too long.
    """
    places = _places(take)
    if len(places) < 5:
        raise InputError(f"{take.source}: {len(places)} frames with a hand are too few")
    speeds = _speeds(places)
    moving = np.flatnonzero(speeds > _MOVING * np.quantile(speeds, 0.9))
    begin = end = 0.0
    if len(moving):
        begin, end = float(places[moving[0], 0]), float(places[moving[-1] + 1, 0])
    is_one = _LEAST_SECONDS <= end - begin <= _MOST_SECONDS
    if not is_one or extent(way_between(places, begin, end)) < _LEAST_EXTENT:
        raise InputError(
            f"{take.source}: no motion of {_LEAST_SECONDS} to {_MOST_SECONDS} s in it: begin and "
            "end a take at rest"
        )
    return places, begin, end


def _places(take: Take) -> Places:
    places = [read_place(hand, time) for time, hand in zip(take.times, take.hands, strict=True)]
    return np.array(places)


def _speeds(places: Places) -> FloatArray:
    """Return palm and fingertip speeds between places, palm sizes a second, [N - 1]."""
    palms = places[:, 1:3] / places[:, 3].mean()
    steps = np.diff(np.concatenate([palms, places[:, 4:]], axis=1), axis=0)
    speeds = np.linalg.norm(steps, axis=1) / np.maximum(np.diff(places[:, 0]), 1e-3)
    return np.asarray(np.convolve(speeds, np.ones(3) / 3, mode="same"))


def _loneliest(ways: Sequence[FloatArray]) -> float:
    """Return the largest distance from an example to its nearest; 0 for a single one."""
    if len(ways) == 1:
        return 0.0
    return max(
        min(warped_distance(way, other) for other in ways if other is not way) for way in ways
    )


def _distance(way: FloatArray, ways: Sequence[FloatArray]) -> float:
    straight = straight_distances(way, np.array(ways))
    return min(warped_distance(way, ways[number]) for number in np.argsort(straight)[:3].tolist())


def _mistaken(nearest: FloatArray, others: Sequence[FloatArray]) -> FloatArray:
    """Return the distances at which others would be taken for the gesture, infinite if at none.

    Each is held against the others of other takes, as they will stand against the examples.
    """
    taken = np.full(len(others), np.inf)
    tried = np.arange(len(others)) // _NEIGHBOURS % 2 == 0
    against = [way for way, is_tried in zip(others, tried, strict=True) if not is_tried]
    for number in np.flatnonzero(tried & (nearest < _WIDEST)).tolist():
        if nearest[number] < LEAD * _distance(others[number], against):
            taken[number] = nearest[number]
    return taken


def _unlike(ways: Sequence[FloatArray]) -> list[FloatArray]:
    """Return the first of the ways that are unlike each other."""
    picked: list[FloatArray] = []
    for way in ways:
        if not picked or straight_distances(way, np.array(picked)).min() > _ALIKE:
            picked.append(way)
        if len(picked) == _OTHERS:
            break
    return picked


def _others(seconds: float, negatives: Sequence[Take]) -> list[tuple[str, FloatArray]]:
    """Return ways of that length, about, that are something else, with their names."""
    named = [*_drawn_takes(), *(("", take) for take in negatives)]
    return [(name, way) for name, take in named for way in _windows(_places(take), seconds)]


def _windows(places: Places, seconds: float) -> list[FloatArray]:
    """Return the ways of all lengths that end at every few frames, but those at rest."""
    ways = []
    for last in range(4, len(places), 3):
        for pace in PACES:
            end = float(places[last, 0])
            begin = end - pace * seconds
            if begin >= places[0, 0]:
                way = way_between(places, begin, end)
                if extent(way) >= _LEAST_EXTENT:
                    ways.append(way)
    return ways


@cache
def _drawn_takes() -> list[tuple[str, Take]]:
    """Return takes of every motion that EdgeHands knows."""
    rng = np.random.default_rng(_SEED)
    return [
        (name, take)
        for name in MOTIONS
        for number in range(_SCENES)
        for take in cut("", observe(dynamic_scene(name, _SEED, number, fps=15.0), rng)).takes
    ]

"""Scenes in which nothing is meant: what hands do all day, and what must not set anything off.

Each is a minute or so of one kind of life, known by its seed, kind and number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgehands.synthetic.gesturing.performance import Performance, Scene, eased, tremor
from edgehands.synthetic.gesturing.shapes import BACK, CLOSED, PALM, RELAXED, SHAPES, TOUCHING
from edgehands.synthetic.gesturing.stage import (
    APART,
    SEEN_APART,
    Cast,
    centred,
    rng_of,
    seen_tip_gap,
    tip_gap,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.synthetic.pose import Array

    Life = Callable[[Cast, Array], tuple[Performance, frozenset[str]]]

_FINGERS = (5, 9, 13, 17)
"""Where each long finger's four angles begin in the 23."""


def idle_scene(kind: str, seed: int, number: int, *, seconds: float, fps: float = 30.0) -> Scene:
    """Return a scene in which nothing is meant.

    Args:
        kind: of `KINDS`.
        seed: as for `scenes.static_scene`.
        number: from 0.
        seconds: how long it is.
        fps: frames per second.
    """
    cast = Cast.drawn(rng_of(seed, f"idle {kind}", number), 20.0)
    times = np.arange(0.0, seconds, 1 / fps)
    performance, also = KINDS[kind](cast, times)
    return Scene("", times, (performance,), (0.0, 0.0), cast.most_tilt, also)


def _resting(cast: Cast, times: Array) -> tuple[Performance, frozenset[str]]:
    """A half-open hand that drifts and settles, as beside a cup of coffee."""
    keys = _keys(cast, times, 1.0, 5.0)
    angles = [_loose(cast, 0.25) for _ in keys]
    yaw = PALM if cast.rng.random() < 0.5 else BACK
    turns = [_turn(cast, yaw, 15.0) for _ in keys]
    return _idle(cast, times, keys, angles, _places(cast, keys, 40.0), turns)


def _random(cast: Cast, times: Array) -> tuple[Performance, frozenset[str]]:
    """A hand that talks: fingers half bent anyhow, now here, now there, turned anyhow."""
    keys = _keys(cast, times, 0.35, 1.6)
    angles = [_loose(cast, 1.0) for _ in keys]
    yaw = PALM if cast.rng.random() < 0.5 else BACK
    turns = [_turn(cast, yaw, 35.0) for _ in keys]
    return _idle(cast, times, keys, angles, _places(cast, keys, 120.0), turns)


def _reaching(cast: Cast, times: Array) -> tuple[Performance, frozenset[str]]:
    """A hand that reaches for things, closes around them and carries them away."""
    keys, angles, places = [0.0], [_loose(cast, 0.3)], [cast.place(550.0, 900.0)]
    while keys[-1] < times[-1]:
        reach, hold = cast.rng.uniform(0.5, 1.1), cast.rng.uniform(0.2, 1.2)
        goal = cast.place(550.0, 900.0) * (2.2, 2.2, 1.0)
        keys += [keys[-1] + reach, keys[-1] + reach + hold]
        angles += [_cupped(cast, 0.2), _cupped(cast, 1.0) if len(keys) % 4 else _loose(cast, 0.3)]
        places += [goal, goal + cast.rng.normal(0.0, 8.0, 3)]
    yaw = PALM if cast.rng.random() < 0.3 else BACK
    turns = [_turn(cast, yaw, 15.0) for _ in keys]
    return _idle(cast, times, np.array(keys), angles, np.array(places), turns)


def _typing(cast: Cast, times: Array) -> tuple[Performance, frozenset[str]]:
    """A hand on keys, seen from above: back up, fingers bent, each tapping for itself."""
    keys = _keys(cast, times, 0.12, 0.5)
    angles = []
    for _ in keys:
        pose = RELAXED.to_array()
        pose[list(_FINGERS)] += 4.0
        pose[2 + np.array(_FINGERS)] += 8.0
        tapped = int(cast.rng.integers(4))
        pose[_FINGERS[tapped] : _FINGERS[tapped] + 3] += (16.0, 0.0, 14.0)
        angles.append(_parted(cast, pose + cast.rng.normal(0.0, 2.5, 23)))
    lean = np.array([0.0, 15.0, 0.0])
    turns = [_turn(cast, BACK, 6.0) + lean for _ in keys]
    return _idle(cast, times, keys, angles, _places(cast, keys, 18.0), turns)


def _passing(cast: Cast, times: Array) -> tuple[Performance, frozenset[str]]:
    """A hand, open or not, that comes into the picture and soon leaves it, at some speed."""
    open_palm = bool(cast.rng.random() < 0.5)
    pose = cast.held(SHAPES["open_palm"][0].pose.to_array()) if open_palm else _loose(cast, 0.4)
    keys, places = [0.0], [_outside(cast)]
    while keys[-1] < times[-1]:
        inside, out = cast.place(550.0, 900.0), _outside(cast)
        enter, stay, leave, away = cast.rng.uniform((0.3, 0.4, 0.3, 0.3), (0.8, 2.0, 0.8, 1.2))
        keys += np.cumsum([keys[-1] + enter, stay, leave, away]).tolist()
        places += [inside, inside + cast.rng.normal(0.0, 10.0, 3), out, out]
    turns = [_turn(cast, PALM, 15.0) for _ in keys]
    also = frozenset(["open_palm"] if open_palm else [])
    angles = [pose for _ in keys]
    performance, _ = _performance(cast, times, np.array(keys), angles, np.array(places), turns)
    return performance, also


def _changing(cast: Cast, times: Array) -> tuple[Performance, frozenset[str]]:
    """One static gesture after the other, at one place: only their own starts are right."""
    names = [str(name) for name in cast.rng.permutation(list(SHAPES))[:3]]
    keys, angles, turns, order = [0.0], [_loose(cast, 0.3)], [_turn(cast, PALM, 5.0)], 0
    while keys[-1] < times[-1]:
        name = names[order % len(names)]
        order += 1
        shape = SHAPES[name][0]
        change, hold = cast.rng.uniform((0.3, 0.5), (0.6, 1.5))
        pose, turn = cast.held(shape.pose.to_array()), cast.turn(name, shape, shape.yaws[0])
        if name in TOUCHING:
            pose = cast.pinched(pose)
        keys += [keys[-1] + change, keys[-1] + change + hold]
        angles += [pose, pose]
        turns += [turn, turn]
    places = _places(cast, np.array(keys), 0.0)
    performance, _ = _performance(cast, times, np.array(keys), angles, places, turns)
    also = set(names)
    if CLOSED & also:  # opening and closing a hand is just that
        also |= {"grab", "release"}
    if TOUCHING & also:  # and a hand that pinches and turns is turning something
        also |= {"pinch_drag", "twist"}
    return performance, frozenset(also)


KINDS: dict[str, Life] = {
    "resting": _resting,
    "random": _random,
    "reaching": _reaching,
    "typing": _typing,
    "passing": _passing,
    "changing": _changing,
}
"""Kinds of life in which nothing is meant."""


def _keys(cast: Cast, times: Array, shortest: float, longest: float) -> Array:
    """Return times of change from before the first moment to after the last."""
    count = int(times[-1] / shortest) + 2
    keys = np.cumsum(cast.rng.uniform(shortest, longest, count))
    return np.concatenate([[0.0], keys[: int(np.searchsorted(keys, times[-1])) + 1]])


def _loose(cast: Cast, freedom: float) -> Array:
    """Return a half-open hand, fingers off by up to 22 degrees a joint: no finger lies straight."""
    pose = RELAXED.to_array()
    swing = cast.rng.uniform(-1.0, 1.0, 23) * freedom
    pose[:5] += swing[:5] * (10.0, 8.0, 8.0, 12.0, 12.0)
    for first in _FINGERS:
        pose[first : first + 4] += swing[first : first + 4] * (22.0, 4.0, 18.0, 10.0)
    return _parted(cast, pose)


def _parted(cast: Cast, pose: Array) -> Array:
    """Return a pose that does not happen to pinch: one that does, means it."""
    return pose if tip_gap(cast.person, pose) >= APART else cast.pinched(pose, APART)


def _seen_parted(cast: Cast, pose: Array, turn: Array) -> Array:
    """Return a pose that does not seem to pinch either, turned like this."""
    for apart in (0.65, 0.8, 0.95):
        if seen_tip_gap(cast, pose, turn) >= SEEN_APART:
            break
        pose = cast.pinched(pose, apart)
    return pose


def _cupped(cast: Cast, share: float) -> Array:
    """Return a hand on the way (0 to 1) to holding a cup."""
    pose = _loose(cast, 0.2)
    for first in _FINGERS:
        pose[first] += 12.0 * share
        pose[first + 2] += 22.0 * share
    return _parted(cast, pose)


def _turn(cast: Cast, yaw: float, spread: float) -> Array:
    side = -1.0 if cast.left else 1.0
    return np.array([yaw * side, 0.0, 0.0]) + cast.tilt + cast.rng.uniform(-spread, spread, 3)


def _places(cast: Cast, keys: Array, spread: float) -> Array:
    """Return places around one, millimetres; in depth as far as to the sides."""
    return np.asarray(cast.place(550.0, 850.0) + cast.rng.uniform(-spread, spread, (len(keys), 3)))


def _outside(cast: Cast) -> Array:
    """Return a place out of the picture, below it or beside it."""
    depth = float(cast.rng.uniform(550.0, 900.0))
    side = cast.rng.integers(3)
    if side == 2:
        return np.array([cast.rng.uniform(-0.3, 0.3) * depth, 0.65 * depth, depth])
    return np.array([(side * 2 - 1) * 0.75 * depth, cast.rng.uniform(-0.1, 0.3) * depth, depth])


def _idle(
    cast: Cast, times: Array, keys: Array, angles: list[Array], places: Array, turns: list[Array]
) -> tuple[Performance, frozenset[str]]:
    """Return what hands do that mean nothing: nobody who looks on sees them pinch."""
    parted = [_seen_parted(cast, *each) for each in zip(angles, turns, strict=True)]
    return _performance(cast, times, keys, parted, places, turns)


def _performance(
    cast: Cast, times: Array, keys: Array, angles: list[Array], places: Array, turns: list[Array]
) -> tuple[Performance, frozenset[str]]:
    performance = Performance(
        eased(times, keys, np.array(angles)) + tremor(times, 23, 0.8, cast.rng),
        eased(times, keys, places) + tremor(times, 3, 3.0, cast.rng),
        eased(times, keys, np.array(turns)) + tremor(times, 3, 1.2, cast.rng),
        cast.left,
        cast.person,
    )
    return centred(performance), frozenset()

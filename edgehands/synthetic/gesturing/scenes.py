"""Scenes of static gestures: a relaxed hand takes the shape, holds it and lets go.

A scene is known by its seed, its gesture and its number; the same gives the same numbers.
"""

from __future__ import annotations

import zlib

import numpy as np

from edgehands.synthetic import anatomy
from edgehands.synthetic.dataset import REPORTING_SEED, TUNING_SEED
from edgehands.synthetic.gesturing.performance import Performance, Scene, eased, tremor
from edgehands.synthetic.gesturing.shapes import RELAXED, SHAPES, Shape, roll_of

__all__ = ["HOLD", "REPORTING_SEED", "TUNING_SEED", "rng_of", "static_scene"]

HOLD = 1.2
"""Seconds that a pose is held."""

_BEFORE, _CHANGE, _AFTER = 0.3, 0.3, 0.5
_RATES = (10.0, 15.0, 30.0)
_HABIT = 3.5
"""Degrees by which one person's joints differ from another's in the same gesture."""


def rng_of(seed: int, name: str, number: int) -> np.random.Generator:
    """Return what draws one scene."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), number])


def static_scene(
    gesture: str, seed: int, number: int, *, max_tilt: float = 35.0, fps: float | None = None
) -> Scene:
    """Return one scene of a gesture of `shapes.SHAPES`.

    Variants, sides of the hand, hands and frame rates (10, 15, 30) take turns; person, place,
    distance and tilt are drawn.

    Args:
        gesture: its name.
        seed: `TUNING_SEED` to look for numbers, `REPORTING_SEED` for those that are told.
        number: from 0.
        max_tilt: degrees about each axis.
        fps: instead of the rates in turn.
    """
    rng = rng_of(seed, gesture, number)
    variants = SHAPES[gesture]
    shape = variants[number % len(variants)]
    yaw = shape.yaws[number // len(variants) % len(shape.yaws)]
    left = bool(rng.random() < 0.5)
    rate = fps or _RATES[number % 3]
    hold_from = _BEFORE + _CHANGE
    hold_to = hold_from + HOLD
    times = np.arange(0.0, hold_to + _CHANGE + _AFTER, 1 / rate)
    tilt = rng.uniform(-max_tilt, max_tilt, 3)
    keys = np.array([0.0, _BEFORE, hold_from, hold_to, hold_to + _CHANGE])
    relaxed = RELAXED.to_array() + rng.normal(0.0, 6.0, 23)
    held = shape.pose.to_array() + rng.normal(0.0, _HABIT, 23)
    angles = eased(times, keys, np.array([relaxed, relaxed, held, held, relaxed]))
    angles += tremor(times, 23, 0.8, rng)
    turn = np.array([yaw * (-1 if left else 1), 0.0, roll_of(gesture, shape, left=left, yaw=yaw)])
    turns = np.tile(turn + tilt, (len(times), 1)) + tremor(times, 3, 1.2, rng)
    places = start_place(rng) + tremor(times, 3, 3.0, rng)
    performance = Performance(angles, places, turns, left, anatomy.varied(anatomy.ADULT, rng))
    return Scene(
        gesture, times, (centred(performance),), (hold_from, hold_to), float(np.abs(tilt).max())
    )


def start_place(rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return a place [3] before the camera, millimetres, for the middle of a hand."""
    depth = rng.uniform(420.0, 800.0)
    return np.array([*(rng.uniform(-0.1, 0.1, 2) * depth), depth])


def centred(performance: Performance) -> Performance:
    """Return it moved so that its places are those of the hand's middle instead of the wrist."""
    _, world = performance.truth()
    wrist_off = world[:, 0].mean(axis=0) * 1000.0
    return Performance(
        performance.angles,
        performance.places + wrist_off,
        performance.turns,
        performance.left,
        performance.anatomy,
    )


def shapes_of(gesture: str) -> tuple[Shape, ...]:
    """Return a gesture's variants."""
    return SHAPES[gesture]

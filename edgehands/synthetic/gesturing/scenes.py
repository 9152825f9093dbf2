"""Scenes of static gestures: a relaxed hand takes the shape, holds it and lets go.

A scene is known by its seed, its gesture and its number; the same gives the same numbers.
"""

from __future__ import annotations

import numpy as np

from edgehands.synthetic.gesturing.performance import Scene
from edgehands.synthetic.gesturing.shapes import CLOSED, RELAXED, SHAPES, TOUCHING
from edgehands.synthetic.gesturing.stage import HABIT, RATES, Cast, rng_of, still

HOLD = 1.2
"""Seconds that a pose is held."""

_BEFORE, _CHANGE, _AFTER = 0.3, 0.3, 0.4


def static_scene(
    gesture: str,
    seed: int,
    number: int,
    *,
    max_tilt: float = 35.0,
    fps: float | None = None,
    hold: float = HOLD,
    habit: float = HABIT,
) -> Scene:
    """Return one scene of a gesture of `shapes.SHAPES`.

    Variants, sides of the hand and frame rates take turns; person, hand, place, distance and tilt
    are drawn.

    Args:
        gesture: its name.
        seed: `dataset.TUNING_SEED` to look for numbers, `REPORTING_SEED` for those that are told.
        number: from 0.
        max_tilt: degrees about each axis.
        fps: instead of the rates in turn.
        hold: seconds that the pose is held.
        habit: degrees by which people's joints differ.
    """
    cast = Cast.drawn(rng_of(seed, gesture, number), max_tilt, habit)
    variants = SHAPES[gesture]
    shape = variants[number % len(variants)]
    yaw = shape.yaws[number // len(variants) % len(shape.yaws)]
    hold_from = _BEFORE + _CHANGE
    hold_to = hold_from + hold
    keys = np.array([0.0, _BEFORE, hold_from, hold_to, hold_to + _CHANGE])
    times = np.arange(0.0, hold_to + _CHANGE + _AFTER, 1 / (fps or RATES[number % len(RATES)]))
    relaxed, held = cast.held(RELAXED.to_array()), cast.held(shape.pose.to_array())
    if gesture in TOUCHING:
        held = cast.pinched(held)
    performance = cast.perform(
        times,
        angles=(keys, np.array([relaxed, relaxed, held, held, relaxed])),
        places=still(cast.place()),
        turns=still(cast.turn(gesture, shape, yaw)),
    )
    also = frozenset(["grab", "release"] if gesture in CLOSED else [])
    return Scene(gesture, times, (performance,), (hold_from, hold_to), cast.most_tilt, also)

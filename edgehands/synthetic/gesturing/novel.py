"""Gestures that the vocabulary has not, for learning by example: how users might make up theirs."""

from __future__ import annotations

import numpy as np

from edgehands.synthetic.gesturing.performance import Scene
from edgehands.synthetic.gesturing.scenes import HOLD
from edgehands.synthetic.gesturing.shapes import RELAXED, SHAPES, Shape
from edgehands.synthetic.gesturing.stage import RATES, Cast, rng_of, still
from edgehands.synthetic.pose import GESTURES, Pose

_FIST, _OPEN, _ROCK = (GESTURES[name] for name in ("fist", "open_palm", "rock"))

NOVEL: dict[str, Shape] = {
    "pinky_up": Shape(Pose(_ROCK.thumb, _FIST.index, _FIST.middle, _FIST.ring, _ROCK.pinky)),
    "ring_pinky_up": Shape(
        Pose(GESTURES["three"].thumb, _FIST.index, _FIST.middle, _OPEN.ring, _OPEN.pinky)
    ),
}
"""Static ones, by name."""

NOVEL_MOTIONS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "check_mark": ((0.0, 0.0, 0.0), (0.25, 60.0, 70.0), (0.7, 220.0, -110.0)),
    "zigzag": (
        *((0.0, 0.0, 0.0), (0.3, 190.0, 0.0)),
        *((0.65, 0.0, 150.0), (0.95, 190.0, 150.0)),
    ),
}
"""Dynamic ones, drawn into the air with a pointing hand: seconds, and millimetres to the right and
down from where it begins."""

_RESTS = 0.6


def novel_scene(
    gesture: str,
    seed: int,
    number: int,
    *,
    max_tilt: float = 25.0,
    fps: float | None = None,
    hold: float = HOLD,
) -> Scene:
    """Return a relaxed hand that takes a shape of `NOVEL`, holds it and lets go.

    Arguments as for `scenes.static_scene`.
    """
    cast = Cast.drawn(rng_of(seed, gesture, number), max_tilt)
    shape = NOVEL[gesture]
    shown = _RESTS, _RESTS + hold
    keys = np.array([0.0, _RESTS / 2, *shown, shown[1] + _RESTS / 2])
    times = np.arange(0.0, shown[1] + _RESTS, 1 / (fps or RATES[number % len(RATES)]))
    relaxed, held = cast.held(RELAXED.to_array()), cast.held(shape.pose.to_array())
    performance = cast.perform(
        times,
        angles=(keys, np.array([relaxed, relaxed, held, held, relaxed])),
        places=still(cast.place()),
        turns=still(cast.turn(gesture, shape)),
    )
    return Scene(gesture, times, (performance,), shown, cast.most_tilt)


def novel_motion_scene(
    gesture: str, seed: int, number: int, *, max_tilt: float = 25.0, fps: float | None = None
) -> Scene:
    """Return a hand that makes a motion of `NOVEL_MOTIONS` once, from rest to rest.

    Pace and size differ by up to a fifth. Arguments as for `scenes.static_scene`.
    """
    cast = Cast.drawn(rng_of(seed, gesture, number), max_tilt)
    way = np.array(NOVEL_MOTIONS[gesture])
    pace, size = cast.rng.uniform(0.8, 1.2, 2)
    keys = _RESTS + way[:, 0] * pace
    times = np.arange(0.0, keys[-1] + _RESTS, 1 / (fps or RATES[number % len(RATES)]))
    offsets = np.column_stack([way[:, 1:], np.zeros(len(way))]) * size
    places = cast.place(nearest=600.0) + offsets - offsets.mean(axis=0)
    shape = SHAPES["pointing_up"][0]
    performance = cast.perform(
        times,
        angles=still(cast.held(shape.pose.to_array())),
        places=(keys, places),
        turns=still(cast.turn("pointing_up", shape)),
    )
    return Scene(gesture, times, (performance,), (keys[0], keys[-1]), cast.most_tilt)

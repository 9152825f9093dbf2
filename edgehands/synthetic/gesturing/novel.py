"""Gestures that the vocabulary has not, for learning by example: how users might make up theirs."""

from __future__ import annotations

import numpy as np

from edgehands.synthetic.gesturing.performance import Scene
from edgehands.synthetic.gesturing.scenes import HOLD
from edgehands.synthetic.gesturing.shapes import RELAXED, Shape
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

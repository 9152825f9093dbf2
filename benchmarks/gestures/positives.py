"""Scenes that show something, as landmarks: every gesture, by many people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.benchmarks.gestures.trial import Trial, judge, starts
from edgehands.gestures.motions import MOTIONS
from edgehands.gestures.vocabulary import shipped_vocabulary
from edgehands.synthetic.gesturing.moves import dynamic_scene
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.scenes import static_scene
from edgehands.synthetic.gesturing.shapes import SHAPES
from edgehands.synthetic.gesturing.stage import rng_of

if TYPE_CHECKING:
    from edgehands.synthetic.gesturing.performance import Scene

STATIC: tuple[str, ...] = tuple(name for name in shipped_vocabulary() if name in SHAPES)
"""Static gestures that can be shown."""
GESTURES: tuple[str, ...] = (*STATIC, *MOTIONS)
"""Everything that is evaluated."""


MODERATE, FAR = 25.0, 35.0
"""Degrees of tilt about each axis: the bar is set for the first, the second is reported beside."""


def scene_of(gesture: str, seed: int, number: int) -> Scene:
    """Return a scene of a static or dynamic gesture, two of five with the larger tilts."""
    make = static_scene if gesture in SHAPES else dynamic_scene
    tilt = FAR if number % 5 in {1, 3} else MODERATE
    return make(gesture, seed, number, max_tilt=tilt)


def trials(gesture: str, seed: int, count: int) -> list[Trial]:
    """Return what came of the first `count` scenes of a gesture."""
    found = []
    for number in range(count):
        scene = scene_of(gesture, seed, number)
        rng = rng_of(seed, f"noise {gesture}", number)
        found.append(judge(scene, starts(observe(scene, rng), gesture)))
    return found

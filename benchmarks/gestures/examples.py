"""Hands to weigh measures on: what shows a shape, what nothing, and what is often mistaken.

All of the tuning seed: scenes as the model would measure them, true hands whose depth is flattened
and stretched, and films through the whole pipeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgehands.benchmarks.gestures.negatives import idle_minute
from edgehands.benchmarks.gestures.positives import FAR, MODERATE
from edgehands.benchmarks.gestures.rendered import filmed, watched
from edgehands.gestures.measures import UNITS, measure
from edgehands.gestures.steadiness import Steadiness
from edgehands.gestures.vocabulary import shipped_vocabulary
from edgehands.hand import Hand, Roi
from edgehands.settings import GestureRules
from edgehands.synthetic.dataset import TUNING_SEED
from edgehands.synthetic.gesturing.film import SKINS
from edgehands.synthetic.gesturing.moves import dynamic_scene
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.scenes import static_scene
from edgehands.synthetic.gesturing.shapes import SHAPES
from edgehands.synthetic.gesturing.stage import HABIT, rng_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from edgehands.gestures.measures import Array
    from edgehands.synthetic.gesturing.performance import Scene

    Mask = npt.NDArray[np.bool_]


class Examples(NamedTuple):
    """Hands to fit on."""

    measures: Array
    """Of shape, [N, M]."""
    names: npt.NDArray[np.str_]
    """[N] what each shows; "" for nothing."""
    usual: Mask
    """[N] whether it is tilted and held no more oddly than the bar is set for."""


SHAPE_MEASURES = next(number for number, name in enumerate(UNITS) if " off " in name)
"""How many measures come before directions."""

FILMED = ("clap", "fist", "crossed_fingers", "four", "pinch", "hook", "pointing_up")
"""What the model sees otherwise on films than the imitation of it has it, and what that is taken
for: the hands of a clap are turned farther aside than any that the imitation was fitted to."""

_MOMENTS = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Seconds after a pose is held at which it is looked at."""
_SETTLING = 0.1
"""Seconds into a pose on film until it is looked at."""
_EVERY = 6
"""Frames from one look at an idle hand to the next."""
_DEPTHS = (0.5, 0.75, 1.0, 1.3)
_TRUE_SCENES = 24
_ODD_HABIT = 8.0
"""Degrees, as `stage.HABIT`."""


def shown(gesture: str, numbers: range) -> Examples:
    """Return held moments of a gesture's scenes, as the model would measure them, and true ones.

    Every second scene has people who hold it more as they please: real ones do.
    """
    rows: list[Array] = []
    usual: list[bool] = []
    for number in numbers:
        is_odd = number % 2 == 1
        scene = _scene(gesture, number // 2, _ODD_HABIT if is_odd else HABIT)
        moments = observe(scene, rng_of(TUNING_SEED, f"noise {gesture}", number))
        hands = [(time, hand) for time, found in moments for hand in found]
        times = np.array([time for time, _ in hands]) - scene.shown[0]
        rows += [_shape(hands[int(np.abs(times - later).argmin())][1]) for later in _MOMENTS]
        if number < _TRUE_SCENES:
            rows += [_shape(_true(scene, depth)) for depth in _DEPTHS]
        usual += [scene.tilt <= MODERATE and not is_odd] * (len(rows) - len(usual))
    return Examples(np.array(rows), np.array([shape_of(gesture)] * len(rows)), np.array(usual))


def _scene(gesture: str, number: int, habit: float) -> Scene:
    """Return a scene as `positives.scene_of` does, of people with such habits."""
    tilt = FAR if number % 5 in {1, 3} else MODERATE
    return static_scene(gesture, TUNING_SEED, number, max_tilt=tilt, habit=habit)


def idle(number: int) -> Examples:
    """Return still moments of a minute in which nothing is meant."""
    _, scene, moments = idle_minute(TUNING_SEED, number)
    still, rows = Steadiness(), []
    for index, (time, hands) in enumerate(() if scene.also else moments):
        for hand in hands:
            speed = still.update(hand, time)
            if speed <= GestureRules().max_speed and index % _EVERY == 0:
                rows.append(_shape(hand))
    measures = np.array(rows).reshape(-1, SHAPE_MEASURES)
    return Examples(measures, np.full(len(rows), ""), np.ones(len(rows), bool))


def about_to_pinch(number: int) -> Examples:
    """Return a hand that will pinch and shows nothing yet."""
    gestures = ("twist", "pinch_drag", "double_tap")
    gesture = gestures[number % len(gestures)]
    scene = dynamic_scene(gesture, TUNING_SEED, number // len(gestures), max_tilt=MODERATE)
    moments = observe(scene, rng_of(TUNING_SEED, f"noise {gesture}", number))
    rows = [_shape(hand) for time, hands in moments if 0.1 <= time <= 0.4 for hand in hands]
    measures = np.array(rows).reshape(-1, SHAPE_MEASURES)
    return Examples(measures, np.full(len(rows), ""), np.ones(len(rows), bool))


def on_film(gesture: str, number: int) -> Examples:
    """Return what the whole pipeline sees of a film: a held pose, or a motion, which shows none."""
    scene = filmed(gesture, TUNING_SEED, number)
    begin, over = scene.shown
    rows = [
        _shape(hand)
        for time, hands in watched(scene, TUNING_SEED, skin=SKINS[number % len(SKINS)])
        for hand in hands
        if gesture not in SHAPES or begin + _SETTLING <= time <= over
    ]
    shape = shape_of(gesture) if gesture in SHAPES else ""
    measures = np.array(rows).reshape(-1, SHAPE_MEASURES)
    return Examples(measures, np.full(len(rows), shape), np.ones(len(rows), bool))


def shape_of(gesture: str) -> str:
    """Return the shape that a gesture is held in: all that point have one."""
    return shipped_vocabulary()[gesture].like or gesture


def _shape(hand: Hand) -> Array:
    return measure(hand)[:SHAPE_MEASURES]


def _true(scene: Scene, depth: float) -> Hand:
    (part,) = scene.performances
    index = int(np.abs(scene.times - scene.shown[0] - _MOMENTS[2]).argmin())
    landmarks, world = (points[index] * (1, 1, depth) for points in part.truth())
    points = landmarks.astype(np.float32), world.astype(np.float32)
    return Hand(1, *points, 1.0, part.side, 0.98, Roi(0.0, 0.0, 1.0, 0.0))


def gathered(parts: Sequence[Examples]) -> Examples:
    """Return all of them together."""
    return Examples(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

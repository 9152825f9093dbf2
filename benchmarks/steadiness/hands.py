"""Drawn hands that hold still or move at a known speed, and what the model says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands.smoothing import OneEuroSmoother
from edgehands.synthetic.background import BACKGROUNDS, background
from edgehands.synthetic.cutout import Stand, cut_out
from edgehands.synthetic.sensor import Sensor, develop, to_linear
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edgehands.hand import FloatArray, ImageArray

    Frames = Iterator[tuple[float, ImageArray]]
    Setting = tuple[float, float]

FPS = 30.0
SPEED = 1.0
"""Palm sizes a second of the moving hand: a hand's width, a little more."""
START, STOP = 1.0, 3.0
"""Seconds between which it moves."""
SETTLED = 1.0
"""Seconds after which a still hand's place counts."""

_SIZE = (640, 480)
_STILL, _END = 3.0, 3.2  # seconds of the clips
_RAMP = 0.1  # seconds from rest to its speed


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What the model said of one hand, frame by frame, without smoothing."""

    times: FloatArray
    """[T] seconds."""
    points: FloatArray
    """[T, 21, 3] pixels."""
    world: FloatArray
    """[T, 21, 3] metres."""
    palm: float
    """Palm size, pixels."""

    def smoothed(self, setting: Setting) -> FloatArray:
        """Return the points [T, 21, 3] as the filter with this setting gives them."""
        smoother = OneEuroSmoother(*setting)
        rows = zip(self.times.tolist(), self.points, self.world, strict=True)
        return np.stack([smoother.smooth(1, time, *hand)[0] for time, *hand in rows])


def still(seed: int, number: int, noise: float) -> Frames:
    """Yield time and picture of a hand that does not move, before a noisy sensor."""
    return _pictures(seed, number, noise, [0.0] * round(_STILL * FPS))


def moving(seed: int, number: int, noise: float) -> Frames:
    """Yield time and picture of a hand that starts, moves at `SPEED` and stops."""
    return _pictures(seed, number, noise, way().tolist())


def way() -> FloatArray:
    """Return where the moving hand is in each frame, palm sizes from its start."""
    times = np.arange(round(_END * FPS)) / FPS
    speeds = np.minimum((times - START) / _RAMP, (STOP - times) / _RAMP).clip(0, 1) * SPEED
    return np.asarray(np.cumsum(speeds) / FPS, np.float32)


def _pictures(seed: int, number: int, noise: float, way: Sequence[float]) -> Frames:
    rng = np.random.default_rng([seed, number])
    hand = cut_out(seed, number, left=bool(number % 2))
    kind = list(BACKGROUNDS)[number % len(BACKGROUNDS)]
    backdrop = to_linear(background(kind, *_SIZE, rng))
    palm, roll = float(rng.uniform(65, 115)), float(rng.uniform(-25, 25))
    course = float(rng.uniform(-0.4, 0.4)) + (np.pi if number % 4 > 1 else 0.0)
    for index, place in enumerate(way):
        along = (place - max(way) / 2) * palm
        x = _SIZE[0] / 2 + along * float(np.cos(course))
        y = _SIZE[1] / 2 + along * float(np.sin(course))
        picture = backdrop.copy()
        hand.lay(picture, Stand(x, y, palm, roll))
        yield index / FPS, develop(picture, Sensor(noise=noise), rng)


def record(frames: Iterable[tuple[float, ImageArray]]) -> Recording:
    """Follow one hand without smoothing; frames without it are left out."""
    times, points, world = [], [], []
    with HandTracker(backend="tflite", max_hands=1, smoothing=False) as tracker:
        for time, image in frames:
            for hand in tracker.update(image, time):
                times.append(time)
                points.append(hand.landmarks.copy())
                world.append(hand.world_landmarks.copy())
    stacked = np.stack(points)
    palms = np.linalg.norm(stacked[:, 9, :2] - stacked[:, 0, :2], axis=1)
    return Recording(np.array(times, np.float32), stacked, np.stack(world), float(np.median(palms)))

"""Pictures for what the random set does not ask: far and near hands, hands in front of hands, four.

Each is known by its kind and number and drawn from the reporting seed; the same number is the same
hand at every size and every gap, so that rows differ in nothing else.
"""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edgehands.benchmarks.bench.accuracy_kept import kept
from edgehands.benchmarks.metrics import Labelled, Picture
from edgehands.synthetic import anatomy, pose
from edgehands.synthetic.background import BACKGROUNDS, background
from edgehands.synthetic.camera import Camera, Placement
from edgehands.synthetic.dataset import REPORTING_SEED
from edgehands.synthetic.pose import GESTURES, UPRIGHT
from edgehands.synthetic.render import Light
from edgehands.synthetic.scene import Actor, draw
from edgehands.synthetic.sensor import Sensor, develop, from_png, to_linear, to_png
from edgehands.synthetic.skin import TONES, Look

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgehands.hand import ImageArray

    Scene = tuple[list[Actor], str, Light]
    """The hands, the background's kind, the light."""

CAMERA = Camera(width=960, height=540, focal=930.0)
SIZES = (12.0, 18.4, 28.2, 43.3, 66.4, 102.0, 156.0, 240.0)
"""Palm sizes in pixels of a picture 960 wide: a span of 20×, each 1.53 times the one before."""
GAPS = (2.0, 1.5, 1.0, 0.5)
"""Palm sizes between the middles of two hands of which one is in front of the other."""

_PALM_LENGTH = 92.0  # millimetres from the wrist to the middle finger's MCP, about
_PALM = 120.0  # pixels, where the size is not what is asked: the detector finds it with ease
_IN_FRONT = 70.0  # millimetres: two hands that do not touch
_HELD_UP = [gesture for gesture in GESTURES if gesture not in UPRIGHT]
"""Gestures whose forearm does not lie across the picture, and over its neighbours."""
_CLEAN = Sensor(blur=0.5, noise=0.0)
_NOISE = Sensor(blur=0.0, noise=0.012)


def sized(palm: float, number: int) -> Picture:
    """Return a picture of one hand whose palm size is about `palm` pixels."""
    return _noisy(f"size-{palm:g}", number, lambda rng: _one(rng, number, palm))


def overlapping(gap: float, number: int) -> Picture:
    """Return a picture of two hands, one partly behind the other."""
    return _noisy(f"gap-{gap:g}", number, lambda rng: _two(rng, number, gap))


def four(number: int) -> Picture:
    """Return a picture of the four hands of two people, side by side."""
    return _noisy("four", number, lambda rng: _four(rng, number))


def still(number: int, frames: int) -> list[Picture]:
    """Return a still hand as a camera sees it: in each frame only the noise is another."""
    clean = _clean(f"size-{_PALM:g}", number, lambda rng: _one(rng, number, _PALM))
    rng = np.random.default_rng([REPORTING_SEED, number])
    return [_developed(clean, rng) for _ in range(frames)]


def _noisy(kind: str, number: int, compose: Callable[[np.random.Generator], Scene]) -> Picture:
    clean = _clean(kind, number, compose)
    return _developed(clean, np.random.default_rng([REPORTING_SEED, number]))


def _developed(clean: Picture, rng: np.random.Generator) -> Picture:
    light = to_linear(clean.image.astype(np.float32) / np.float32(255))
    return Picture(develop(light, _NOISE, rng), clean.hands)


def _clean(kind: str, number: int, compose: Callable[[np.random.Generator], Scene]) -> Picture:
    """Return a picture without noise, drawn if it is not in the cache."""
    # One generator for all kinds: the same number is the same hand.
    rng = np.random.default_rng([REPORTING_SEED, number])
    name = f"{kind}-{number:03d}.npz"
    return _unpack(kept(__file__, name, partial(_draw, compose, rng)))


def _draw(compose: Callable[[np.random.Generator], Scene], rng: np.random.Generator) -> bytes:
    actors, kind, light = compose(rng)
    backdrop = background(kind, CAMERA.width, CAMERA.height, rng)
    image = draw(actors, CAMERA, backdrop, light=light, sensor=_CLEAN, rng=rng)
    truths = [actor.truth(CAMERA) for actor in actors]
    return _pack(image, [Labelled(truth.landmarks, truth.handedness) for truth in truths])


def _one(rng: np.random.Generator, number: int, palm: float) -> Scene:
    look, person = _person(rng)
    actor = _hand(rng, list(GESTURES), number, person, look, left=number % 2 == 1)
    return [_placed(actor, (0.0, 0.0), palm)], *_surroundings(rng, number)


def _two(rng: np.random.Generator, number: int, gap: float) -> Scene:
    look, person = _person(rng)
    behind = _hand(rng, _HELD_UP, number, person, look, left=number % 2 == 1)
    front = _hand(rng, _HELD_UP, number + 3, person, look, left=number % 2 == 0)
    direction = rng.uniform(-0.3, 0.3) + (np.pi if number % 4 < 2 else 0.0)
    x, y = (float(each) for each in gap * _PALM * np.array([np.cos(direction), np.sin(direction)]))
    actors = [
        _placed(behind, (-x / 2, -y / 2), _PALM),
        _placed(front, (x / 2, y / 2), _PALM, nearer=_IN_FRONT),
    ]
    return actors, *_surroundings(rng, number)


def _four(rng: np.random.Generator, number: int) -> Scene:
    actors = []
    for person_number in range(2):
        look, person = _person(rng)
        for side in range(2):
            place = 2 * person_number + side
            actor = _hand(rng, _HELD_UP, number + place, person, look, left=side == 0)
            x = (place - 1.5) * CAMERA.width / 4
            actors.append(_placed(actor, (x, float(rng.uniform(-60, 60))), 0.9 * _PALM))
    return actors, *_surroundings(rng, number)


def _person(rng: np.random.Generator) -> tuple[Look, anatomy.Anatomy]:
    grey = float(rng.uniform(0.05, 0.5))
    sleeve = None if rng.random() < 0.5 else (grey, grey, 1.2 * grey)
    tone = TONES[int(rng.integers(len(TONES)))]
    return Look(tone, sleeve), anatomy.varied(anatomy.ADULT, rng)


def _hand(
    rng: np.random.Generator,
    gestures: list[str],
    number: int,
    person: anatomy.Anatomy,
    look: Look,
    *,
    left: bool,
) -> Actor:
    """Return a hand with the fingers up that shows its palm or its back, at no place yet."""
    gesture = gestures[number % len(gestures)]
    back = bool(rng.random() < 0.4)
    upright = UPRIGHT.get(gesture, 0.0) * (-1 if back else 1) * (-1 if left else 1)
    yaw = (180.0 if back else 0.0) + float(rng.uniform(-25, 25))
    pitch, roll = (float(rng.uniform(-limit, limit)) for limit in (15, 20))
    turn = Placement((0.0, 0.0, 1.0), -yaw if left else yaw, pitch, upright + roll, left)
    return Actor(turn, pose.varied(GESTURES[gesture], rng), gesture, person, look)


def _placed(
    actor: Actor, middle: tuple[float, float], palm: float, *, nearer: float = 0.0
) -> Actor:
    """Return the hand with the middle of its landmarks so many pixels from the picture's centre.

    Args:
        actor: at any place.
        middle: x right, y down.
        palm: its palm size in pixels, before it is brought nearer.
        nearer: millimetres towards the camera.
    """
    depth = CAMERA.focal * _PALM_LENGTH / palm - nearer
    centred = _moved(actor, 0.0, 0.0, depth)
    points = centred.truth(CAMERA).landmarks[:, :2]
    box = (points.min(axis=0) + points.max(axis=0)) / 2
    off = box - (CAMERA.width / 2 + middle[0], CAMERA.height / 2 + middle[1])
    x, y = (-off * depth / CAMERA.focal).tolist()
    return _moved(actor, x, y, depth)


def _moved(actor: Actor, x: float, y: float, z: float) -> Actor:
    turn = actor.placement
    place = Placement((x, y, z), turn.yaw, turn.pitch, turn.roll, turn.left)
    return Actor(place, actor.pose, actor.gesture, actor.anatomy, actor.look)


def _surroundings(rng: np.random.Generator, number: int) -> tuple[str, Light]:
    direction = (float(rng.uniform(-1, 1)), float(rng.uniform(-1.2, 0.0)), -1.0)
    kinds = list(BACKGROUNDS)
    return kinds[number % len(kinds)], Light(direction, strength=0.8, ambient=0.45)


def _pack(image: ImageArray, hands: Sequence[Labelled]) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        png=to_png(image),
        landmarks=np.stack([hand.landmarks for hand in hands]),
        left=np.array([hand.handedness == "left" for hand in hands]),
    )
    return buffer.getvalue()


def _unpack(blob: bytes) -> Picture:
    with np.load(io.BytesIO(blob)) as stored:
        hands = [
            Labelled(landmarks, "left" if is_left else "right")
            for landmarks, is_left in zip(stored["landmarks"], stored["left"], strict=True)
        ]
        return Picture(from_png(stored["png"]), hands)

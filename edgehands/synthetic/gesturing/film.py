"""Scenes as pictures, for the whole pipeline; what was drawn once is kept."""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from edgehands.synthetic.background import BACKGROUNDS, background
from edgehands.synthetic.cache import cached
from edgehands.synthetic.camera import Placement
from edgehands.synthetic.gesturing.performance import CAMERA
from edgehands.synthetic.pose import Pose
from edgehands.synthetic.render import Light
from edgehands.synthetic.scene import Actor, draw
from edgehands.synthetic.sensor import Sensor
from edgehands.synthetic.skin import TONES, Look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.hand import ImageArray
    from edgehands.synthetic.gesturing.performance import Scene
    from edgehands.synthetic.sensor import Picture

SKINS = (0, 1, 3, 5)
"""Of `skin.TONES`: the four that films are shot with, from very light to very dark."""

_QUALITY = 92


def film(scene: Scene, seed: int, *, skin: int) -> Iterator[tuple[float, ImageArray]]:
    """Yield time and picture, uint8 [360, 480, 3] RGB, of each moment of a scene.

    Args:
        scene: what happens.
        seed: draws background, light and noise.
        skin: index of `TONES`.
    """
    take = _take(scene, seed, skin)
    folder = f"films/{_recipe()}/{take}"
    for number, time in enumerate(scene.times):
        blob = cached(f"{folder}/{number:05d}.jpg", partial(_draw, scene, number, take, skin))
        picture = np.asarray(cv2.imdecode(np.frombuffer(blob, np.uint8), cv2.IMREAD_COLOR))
        yield float(time), np.ascontiguousarray(picture[..., ::-1])


class _Set(NamedTuple):
    """What stays the same for a whole film, and is drawn anew for each."""

    look: Look
    backdrop: Picture
    light: Light
    sensor: Sensor


@lru_cache(maxsize=1)
def _set(take: str, skin: int) -> _Set:
    rng = np.random.default_rng(int(take, 16))
    kind = str(rng.choice(list(BACKGROUNDS)))
    look = Look(TONES[skin], (0.1, 0.12, 0.2) if rng.random() < 0.5 else None)
    backdrop = background(kind, CAMERA.width, CAMERA.height, rng)
    x, y, z = (float(value) for value in rng.uniform((-0.8, -1.1, -1.1), (0.8, -0.2, -0.4)))
    light = Light((x, y, z), strength=float(rng.uniform(0.7, 1.0)), ambient=0.45)
    return _Set(look, backdrop, light, Sensor(blur=0.5, noise=float(rng.uniform(0.002, 0.012))))


def _draw(scene: Scene, number: int, take: str, skin: int) -> bytes:
    look, backdrop, light, sensor = _set(take, skin)
    actors = []
    for part in scene.performances:
        px, py, pz = (float(value) for value in part.places[number])
        yaw, pitch, roll = (float(value) for value in part.turns[number])
        placement = Placement((px, py, pz), yaw, pitch, roll, part.left)
        pose = Pose.from_array(part.angles[number])
        actors.append(Actor(placement, pose, scene.gesture, part.anatomy, look))
    rng = np.random.default_rng([int(take, 16), number])
    picture = draw(actors, CAMERA, backdrop, light=light, sensor=sensor, rng=rng)
    parameters = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    return cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), parameters)[1].tobytes()


@cache
def _recipe() -> str:
    """Return a name for this source: it, too, makes the pictures what they are."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]


def _take(scene: Scene, seed: int, skin: int) -> str:
    """Return a name, hexadecimal digits, made of all that makes one film different from another."""
    digest = hashlib.sha256(f"{seed} {skin} {scene.gesture} {CAMERA}".encode())
    for part in scene.performances:
        digest.update(f"{part.left} {part.anatomy}".encode())
        for numbers in (part.angles, part.places, part.turns):
            digest.update(numbers.astype(np.float32).tobytes())
    return digest.hexdigest()[:16]

"""Hands drawn beforehand and cut out, so that a live picture is only put together.

A sprite is a right hand with the fingers up and its palm to the camera. Between the gestures that
follow each other on `PATH` there are some on the way. They are drawn once and kept in the cache.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from edgehands.synthetic.cache import cached
from edgehands.synthetic.camera import Camera, Placement
from edgehands.synthetic.pose import GESTURES, interpolate
from edgehands.synthetic.render import Light
from edgehands.synthetic.scene import Actor
from edgehands.synthetic.sensor import from_png, to_png, to_srgb
from edgehands.synthetic.skin import TONES, Look

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.hand import FloatArray, ImageArray

    Progress: TypeAlias = Callable[[float], None]

PATH: tuple[str, ...] = (
    *("open_palm", "fist", "victory", "pointing_up", "thumb_up", "ok", "i_love_you", "open_palm"),
)
"""The order in which a hand shows its gestures; it may also go back."""
STEPS = 6
"""Sprites from one gesture to the next, less the last."""

_CAMERA = Camera(width=400, height=840, focal=500.0)
_PLACE = Placement((0.0, 75.0, 600.0))
_LIGHT = Light((-0.4, -0.9, -0.8), strength=0.95, ambient=0.5)
_LOOK = Look(TONES[1], sleeve=(0.24, 0.05, 0.06))


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A hand cut out."""

    image: ImageArray
    """uint8 [H, W, 4]: red, green and blue, already multiplied with the fourth, the coverage."""
    landmarks: FloatArray
    """[21, 3] pixels of the sprite; z as in `truth.Truth`."""
    world_landmarks: FloatArray
    """[21, 3] metres, as in `truth.Truth`."""


class Atlas:
    """All sprites along `PATH`.

    Args:
        sprites: one for each place on the path, `STEPS` for each gesture.
    """

    def __init__(self, sprites: list[Sprite]) -> None:
        self._sprites = sprites

    def at(self, place: float) -> Sprite:
        """Return the sprite at a place on the path: 2.0 is its third gesture, 2.5 on the way on."""
        return self._sprites[round(place * STEPS) % len(self._sprites)]


def load_atlas(progress: Progress | None = None) -> Atlas:
    """Return the atlas, drawn now if it is not in the cache.

    Args:
        progress: called with the finished share, 0 to 1, while it is drawn.
    """
    count = (len(PATH) - 1) * STEPS
    sprites = []
    for number in range(count):
        blob = cached(f"atlas/{number:03d}.npz", partial(_draw_packed, number))
        sprites.append(_unpack(blob))
        if progress is not None:
            progress((number + 1) / count)
    return Atlas(sprites)


def draw_sprite(number: int) -> Sprite:
    """Draw one sprite of the path."""
    gesture, step = divmod(number, STEPS)
    start, end = GESTURES[PATH[gesture]], GESTURES[PATH[gesture + 1]]
    actor = Actor(_PLACE, interpolate(start, end, step / STEPS), look=_LOOK)
    layer = actor.render(_CAMERA, _LIGHT)
    coverage = layer.coverage[..., None]
    # Multiplied in sRGB, not in linear light, for that is where the sprite will be laid over.
    image = np.concatenate([to_srgb(layer.colour) * coverage, coverage], axis=2)
    truth = actor.truth(_CAMERA)
    landmarks = truth.landmarks - np.array([layer.x, layer.y, 0], np.float32)
    return Sprite((image * 255 + 0.5).astype(np.uint8), landmarks, truth.world_landmarks)


def _draw_packed(number: int) -> bytes:
    return _pack(draw_sprite(number))


def _pack(sprite: Sprite) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer, png=to_png(sprite.image), landmarks=sprite.landmarks, world=sprite.world_landmarks
    )
    return buffer.getvalue()


def _unpack(blob: bytes) -> Sprite:
    with np.load(io.BytesIO(blob)) as stored:
        return Sprite(from_png(stored["png"]), stored["landmarks"], stored["world"])

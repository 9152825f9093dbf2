"""One hand drawn once and laid over many pictures: clips of moving hands at little cost."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgehands.hand import palm_size
from edgehands.synthetic.cache import cached
from edgehands.synthetic.camera import Camera, Placement
from edgehands.synthetic.pose import GESTURES, UPRIGHT, varied
from edgehands.synthetic.render import Light
from edgehands.synthetic.scene import Actor
from edgehands.synthetic.sensor import to_srgb
from edgehands.synthetic.skin import TONES, Look

if TYPE_CHECKING:
    from edgehands.hand import FloatArray, Handedness, ImageArray
    from edgehands.synthetic.sensor import Picture

_CAMERA = Camera(width=640, height=1100, focal=900.0)
_PLACE = (0.0, 0.0, 600.0)
"""Of the wrist: a palm of some 140 pixels, larger than it will be shown."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a hand goes in a picture."""

    x: float
    y: float
    """Of the middle finger's MCP, pixels."""
    palm: float
    """Palm size, pixels, of the hand as it was drawn: seen upright and flat."""
    roll: float = 0.0
    """Degrees clockwise, on top of the hand's own."""


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """A hand cut out, with its arm."""

    pixels: FloatArray
    """[H, W, 4]: linear red, green and blue, multiplied with the fourth, the coverage."""
    landmarks: FloatArray
    """[21, 3] pixels of the cut-out; z as in `truth.Truth`."""
    handedness: Handedness

    def landmarks_at(self, stand: Stand) -> FloatArray:
        """Return the landmarks [21, 2] in the picture, pixels."""
        matrix = self.matrix(stand)
        return np.asarray(self.landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2], np.float32)

    def lay(self, picture: Picture, stand: Stand) -> None:
        """Lay the hand over a picture of linear light [H, W, 3], in place."""
        matrix = self.matrix(stand)
        # Pixel centres lie at halves in our coordinates and at whole numbers in OpenCV's.
        matrix[:, 2] += (matrix[:, :2].sum(axis=1) - 1) / 2
        height, width = picture.shape[:2]
        over = cv2.warpAffine(self.pixels, matrix, (width, height))
        picture *= 1 - over[..., 3:]
        picture += over[..., :3]

    def sprite(self) -> ImageArray:
        """Return the hand as `stream.lay` wants it, uint8 [H, W, 4]: for quick pictures."""
        coverage = self.pixels[..., 3:]
        colour = to_srgb(self.pixels[..., :3] / coverage.clip(np.float32(1e-6)))
        return np.asarray(np.concatenate([colour * coverage, coverage], axis=2) * 255 + 0.5).astype(
            np.uint8
        )

    def matrix(self, stand: Stand) -> FloatArray:
        """Return [2, 3]: from the cut-out's pixels to the picture's."""
        angle = np.radians(stand.roll)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turn *= stand.palm / palm_size(self.landmarks)
        shift = np.array([stand.x, stand.y]) - turn @ self.landmarks[9, :2]
        return np.column_stack([turn, shift]).astype(np.float32)


def cut_out(seed: int, number: int, *, left: bool) -> Cutout:
    """Return hand `number` of a seed: another gesture, skin, light and view for each; cached."""
    name = f"cutouts/{seed}/{number:05d}-{'left' if left else 'right'}.npz"
    return _unpack(cached(name, lambda: _pack(_draw(seed, number, left=left))))


def _draw(seed: int, number: int, *, left: bool) -> Cutout:
    rng = np.random.default_rng([seed, number])
    gesture = str(rng.choice([name for name in GESTURES if name not in UPRIGHT]))
    yaw = float(rng.choice([0.0, 180.0])) + float(rng.uniform(-25, 25))
    placement = Placement(
        _PLACE, -yaw if left else yaw, float(rng.uniform(-15, 15)), float(rng.uniform(-8, 8)), left
    )
    look = Look(TONES[int(rng.integers(len(TONES)))], tuple(rng.uniform(0.03, 0.4, 3).tolist()))
    light = Light(
        (float(rng.uniform(-1, 1)), -0.8, -0.8), strength=float(rng.uniform(0.7, 1.0)), ambient=0.5
    )
    actor = Actor(placement, varied(GESTURES[gesture], rng, 3.0), gesture, look=look)
    layer = actor.render(_CAMERA, light)
    coverage = layer.coverage[..., None]
    truth = actor.truth(_CAMERA)
    return Cutout(
        np.concatenate([layer.colour * coverage, coverage], axis=2),
        truth.landmarks - np.array([layer.x, layer.y, 0], np.float32),
        truth.handedness,
    )


def _pack(cutout: Cutout) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        pixels=cutout.pixels.astype(np.float16),
        landmarks=cutout.landmarks,
        label=np.array(json.dumps(cutout.handedness)),
    )
    return buffer.getvalue()


def _unpack(blob: bytes) -> Cutout:
    with np.load(io.BytesIO(blob)) as stored:
        return Cutout(
            stored["pixels"].astype(np.float32),
            stored["landmarks"],
            json.loads(str(stored["label"])),
        )

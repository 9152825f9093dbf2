"""The demo clip that comes with the package, and its ground truth.

`python -m edgehands.synthetic.clip [FOLDER]` draws both again.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgehands.errors import InputError
from edgehands.synthetic import DEMO_CLIP, DEMO_TRUTH
from edgehands.synthetic.background import background
from edgehands.synthetic.camera import Camera
from edgehands.synthetic.motion import Key, Track
from edgehands.synthetic.render import Light
from edgehands.synthetic.scene import draw
from edgehands.synthetic.sensor import Sensor
from edgehands.synthetic.skin import TONES, Look
from edgehands.synthetic.truth import pack_clip_truth

if TYPE_CHECKING:
    from edgehands.hand import ImageArray
    from edgehands.synthetic.sensor import Picture
    from edgehands.synthetic.truth import Truth

FPS = 25
DURATION = 15.6
CAMERA = Camera()

_SEED = 10
_BOTTOM = 480.0
"""How far below the picture's middle a hand is out of view, millimetres."""
_LIGHT = Light((-0.5, -0.8, -0.7), strength=0.95, ambient=0.5)
_SENSOR = Sensor(blur=0.5, noise=0.004)
_LOOK = Look(TONES[1], sleeve=(0.05, 0.10, 0.22))

_FIRST = (-60.0, 75.0, 560.0)
_FIRST_OUT = (-90.0, _BOTTOM, 560.0)
_SIDE = (-125.0, 70.0, 580.0)
_SIDE_OUT = (-150.0, _BOTTOM, 580.0)
_SECOND = (125.0, 75.0, 570.0)
_SECOND_OUT = (150.0, _BOTTOM, 570.0)

TRACKS: tuple[Track, ...] = (
    Track(
        (
            Key(0.4, "open_palm", _FIRST_OUT),
            Key(1.1, "open_palm", _FIRST),
            Key(2.2, "open_palm", _FIRST, (8, 4, 0)),
            Key(2.6, "fist", _FIRST),
            Key(3.7, "fist", _FIRST, (-6, 0, 0)),
            Key(4.1, "victory", _FIRST),
            Key(5.2, "victory", _FIRST, (6, 0, 5)),
            Key(5.6, "pointing_up", _FIRST),
            Key(6.7, "pointing_up", _FIRST, (-5, 4, 0)),
            Key(7.2, "thumb_up", (0.0, 10.0, 560.0), (0, 0, 8)),
            Key(8.3, "thumb_up", (0.0, 10.0, 560.0), (6, 0, 4)),
            Key(8.8, "open_palm", _FIRST),
            Key(9.0, "open_palm", _FIRST),
            Key(9.6, "open_palm", _FIRST_OUT),
        ),
        look=_LOOK,
    ),
    Track(
        (
            Key(10.4, "open_palm", _SIDE_OUT),
            Key(11.1, "open_palm", _SIDE),
            Key(12.6, "open_palm", _SIDE, (0, 0, -5)),
            Key(13.0, "victory", _SIDE),
            Key(14.2, "victory", _SIDE, (5, 0, 0)),
            Key(14.5, "open_palm", _SIDE),
            Key(15.2, "open_palm", _SIDE_OUT),
        ),
        look=_LOOK,
    ),
    Track(
        (
            Key(11.6, "open_palm", _SECOND_OUT),
            Key(12.3, "open_palm", _SECOND),
            Key(12.7, "open_palm", _SECOND),
            Key(13.1, "pointing_up", _SECOND),
            Key(14.2, "pointing_up", _SECOND, (-5, 0, 0)),
            Key(14.5, "open_palm", _SECOND),
            Key(15.2, "open_palm", _SECOND_OUT),
        ),
        left=True,
        look=_LOOK,
    ),
)
"""The script: five gestures, a hand that leaves and comes back, and a second one."""


@lru_cache(maxsize=1)
def _backdrop() -> Picture:
    return background("room", CAMERA.width, CAMERA.height, np.random.default_rng(_SEED))


def draw_frame(number: int) -> tuple[ImageArray, list[Truth]]:
    """Draw one frame of the clip: uint8 [480, 640, 3] RGB, and the hands in it."""
    actors = [actor for track in TRACKS if (actor := track.at(number / FPS)) is not None]
    rng = np.random.default_rng([_SEED, number])
    image = draw(actors, CAMERA, _backdrop(), light=_LIGHT, sensor=_SENSOR, rng=rng)
    truths = [actor.truth(CAMERA) for actor in actors]
    return image, [truth for truth in truths if truth.inside(CAMERA.width, CAMERA.height) > 0]


def make_clip(folder: Path, processes: int = 2) -> None:
    """Draw the whole clip and its truth into `folder`, several frames at a time."""
    size = (CAMERA.width, CAMERA.height)
    path = folder / DEMO_CLIP.name
    # MPEG-4 part 2: every OpenCV's FFmpeg reads it, and pip's can write it.
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), float(FPS), size)
    if not writer.isOpened():
        raise InputError(f"{path}: this OpenCV cannot write MPEG-4 there")
    truths = []
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for image, hands in pool.map(draw_frame, range(round(DURATION * FPS)), chunksize=8):
            writer.write(np.ascontiguousarray(image[..., ::-1]))
            truths.append(hands)
    writer.release()
    (folder / DEMO_TRUTH.name).write_bytes(pack_clip_truth(truths, FPS, *size))


if __name__ == "__main__":
    make_clip(Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO_CLIP.parent)

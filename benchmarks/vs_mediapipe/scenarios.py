"""What everybody is shown: real clips where there are some, drawn ones anywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands.benchmarks.clips import FPS, kept_clip
from edgehands.errors import InputError
from edgehands.synthetic import DEMO_CLIP
from edgehands.synthetic.cache import recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edgehands.hand import ImageArray

SEED = 40_417
"""Of the path that the camera takes over a photograph."""

_SIZE = (1280, 720)
_PATH_FRAMES = 300


@dataclass(frozen=True, slots=True)
class Scenario:
    """A clip, and how many hands to look for."""

    name: str
    title: str
    max_hands: int
    clip: Callable[[Path | None], Path]
    """Finds or makes it, from the folder of real media."""
    real: bool = False
    """Needs that folder."""


def _real(name: str) -> Callable[[Path | None], Path]:
    def find(media: Path | None) -> Path:
        path = _in(media, name)
        if not path.is_file():
            raise InputError(f"no clip {path}: EDGEHANDS_MEDIA must name a folder that has it")
        return path

    return find


def _in(media: Path | None, name: str) -> Path:
    if media is None:
        raise InputError(f"no real media for {name}: set EDGEHANDS_MEDIA to their folder")
    return media / name


def _photo_path(media: Path | None) -> Path:
    photograph = _in(media, "tfjs-models/hands.jpg")
    return kept_clip(f"photo-{SEED}", _SIZE, lambda: pan_and_zoom(photograph, SEED))


def _stream(name: str, moments: Callable[[int], float], count: int) -> Callable[..., Path]:
    def make(_media: Path | None) -> Path:
        return kept_clip(f"{name}-{recipe()}", _SIZE, lambda: _drawn(moments, count))

    return make


_ASL = _real("tfjs-models/asl_hand.25fps.mp4")
_DEX = _real("dexsuite+dex-retargeting/human_hand_video.mp4")
_CARS = _real("intel-iot-devkit+sample-videos/car-detection.mp4")

# Moments of `edgehands.synthetic.stream.VISITS`.
_DRAWN_ONE = _stream("drawn-one", lambda index: 2.0 + index / FPS, 300)
_DRAWN_TWO = _stream("drawn-two", lambda index: 21.4 + index / FPS, 200)
_DRAWN_NONE = _stream("drawn-none", lambda index: 17.0 + index / FPS % 1.4, 300)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("asl-1", "one hand, max 1: finger-spelling", 1, _ASL, real=True),
    Scenario("asl-2", "one hand, max 2: finger-spelling", 2, _ASL, real=True),
    Scenario("dex-1", "one hand, max 1: 720p finger moves", 1, _DEX, real=True),
    Scenario("dex-2", "one hand, max 2: 720p finger moves", 2, _DEX, real=True),
    Scenario("photo-2", "two hands: photograph, moving view", 2, _photo_path, real=True),
    Scenario("drawn-2", "two hands: drawn, 720p", 2, _DRAWN_TWO),
    Scenario("cars", "nothing in view, max 2: moving cars", 2, _CARS, real=True),
    Scenario("drawn-1", "one hand, max 1: drawn, 720p", 1, _DRAWN_ONE),
    Scenario("drawn-1-of-2", "one hand, max 2: drawn, 720p", 2, _DRAWN_ONE),
    Scenario("drawn-none", "nothing in view, max 2: drawn room", 2, _DRAWN_NONE),
    Scenario("demo", "the demo clip, max 2: hands come and go", 2, lambda _media: DEMO_CLIP),
)


def default_scenarios(media: Path | None) -> list[Scenario]:
    """Return what is run when nothing is named: the real ones where there are some.

    The drawn pair is in both lists: no real clip of two moving hands is at hand.
    """
    if media is None:
        return [scenario for scenario in SCENARIOS if not scenario.real]
    return [each for each in SCENARIOS if each.real or each.name == "drawn-2"]


def pan_and_zoom(photograph: Path, seed: int) -> Iterator[ImageArray]:
    """Yield what a camera sees that wanders over a photograph: a sum of slow sines, by seed."""
    import cv2

    bgr = cv2.imread(str(photograph))
    if bgr is None:
        raise InputError(f"{photograph} cannot be read as a picture")
    picture = np.ascontiguousarray(bgr[..., ::-1])
    width, height = _SIZE
    paths = [_wander(np.random.default_rng([seed, axis])) for axis in range(3)]
    for index in range(_PATH_FRAMES):
        x, y, zoom = (path(index / FPS) for path in paths)
        scale = width / picture.shape[1] * (0.78 + 0.1 * zoom)
        left = (width - picture.shape[1] * scale) / 2 + 60 * x
        top = (height - picture.shape[0] * scale) / 2 + 40 * y
        matrix = np.array([[scale, 0, left], [0, scale, top]], np.float32)
        yield cv2.warpAffine(  # type: ignore[misc]
            picture, matrix, _SIZE, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )


def _wander(rng: np.random.Generator) -> Callable[[float], float]:
    """Return a smooth function of seconds within ±1."""
    waves = [(rate, float(rng.uniform(0, math.tau))) for rate in (0.11, 0.27, 0.43)]
    return lambda time: sum(math.sin(math.tau * rate * time + phase) for rate, phase in waves) / 3


def _drawn(moments: Callable[[int], float], count: int) -> Iterator[ImageArray]:
    from edgehands.synthetic.stream import SyntheticStream

    stream = SyntheticStream(*_SIZE)
    for index in range(count):
        yield stream.frame_at(moments(index))[0]

"""What happens in the films: hands before a room or a street, boards that hide them, cuts."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgehands.benchmarks.clips import FPS
from edgehands.benchmarks.films.film import SIZE, Seen, Shot
from edgehands.synthetic.background import BACKGROUNDS, background
from edgehands.synthetic.cutout import Cutout, Stand, cut_out
from edgehands.synthetic.stream import lay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgehands.hand import FloatArray, ImageArray

    Place = tuple["Player", Stand]

CARS = "intel-iot-devkit+sample-videos/car-detection.mp4"
REAL_HANDS = (
    "tfjs-models/asl_hand.25fps.mp4",
    "dexsuite+dex-retargeting/human_hand_video.mp4",
    "mediapipe-samples/*.mp4",
)

_GRAIN = 1.6  # grey levels of 255, the standard deviation of the sensor's noise
_GRAINS = 7


@dataclass(frozen=True, slots=True, eq=False)
class Player:
    """A hand that can be laid over pictures."""

    who: int
    cutout: Cutout
    sprite: ImageArray

    @classmethod
    def cast(cls, seed: int, number: int, *, left: bool, who: int = 0) -> Player:
        """Return hand `number` of a seed."""
        cutout = cut_out(seed, number, left=left)
        return cls(who, cutout, cutout.sprite())

    def faint(self, backdrop: ImageArray, contrast: float) -> Player:
        """Return the hand in the colours of a backdrop, with only this share of its contrast."""
        coverage = self.sprite[..., 3:] / 255.0
        flat = backdrop.reshape(-1, 3).mean(axis=0) * coverage
        mixed = flat + contrast * (self.sprite[..., :3] - flat)
        sprite = np.concatenate([mixed.clip(0, 255).astype(np.uint8), self.sprite[..., 3:]], axis=2)
        return replace(self, sprite=sprite)

    def seen(self, stand: Stand) -> Seen:
        """Return the truth."""
        return Seen(self.who, self.cutout.landmarks_at(stand))


class Room:
    """A place without hands, drawn, before a noisy sensor."""

    def __init__(self, rng: np.random.Generator) -> None:
        kind = str(rng.choice(list(BACKGROUNDS)))
        self.backdrop = (background(kind, *SIZE, rng) * 255).astype(np.uint8)
        self._grains = cycle(_grains())

    def picture(self, places: Sequence[Place] = (), board: Board | None = None) -> ImageArray:
        """Return the next picture; later places lie over earlier ones, the board over all."""
        image = self._empty()
        for player, stand in places:
            lay(image, player.sprite, player.cutout.matrix(stand))
        if board is not None:
            board.lie_over(image)
        more, less = next(self._grains)
        return np.asarray(cv2.subtract(cv2.add(image, more), less), np.uint8)

    def _empty(self) -> ImageArray:
        return self.backdrop.copy()


class Street(Room):
    """The clip of moving cars, from a random moment on."""

    def __init__(self, rng: np.random.Generator, clip: Path) -> None:
        super().__init__(rng)
        self._cars = _frames(clip, rng)
        self.backdrop = next(self._cars)

    def _empty(self) -> ImageArray:
        return next(self._cars)


@dataclass(frozen=True, slots=True)
class Board:
    """A grey board in front of everything."""

    x: float
    y: float
    """Its middle, pixels."""
    side: float

    def lie_over(self, image: ImageArray) -> None:
        """Draw it, with a grain of wood."""
        left, right = (int(self.x + sign * self.side / 2) for sign in (-1, 1))
        top, bottom = (int(self.y + sign * self.side / 2) for sign in (-1, 1))
        cv2.rectangle(image, (left, top), (right, bottom), (96, 84, 70), -1)
        for y in range(top, bottom, 9):
            cv2.line(image, (left, y), (right, y), (88, 77, 64), 2)


def media() -> Path | None:
    """Return the folder of real clips, if there is one."""
    folder = os.environ.get("EDGEHANDS_MEDIA")
    return Path(folder) if folder else None


def cars() -> Path | None:
    """Return the clip of moving cars, if it is there."""
    folder = media()
    return folder / CARS if folder and (folder / CARS).is_file() else None


def real_hand(rng: np.random.Generator, count: int) -> list[ImageArray]:
    """Return so many frames of a real clip that shows hands all the time; none without any."""
    folder = media()
    clips = [path for name in REAL_HANDS for path in sorted(folder.glob(name))] if folder else []
    return list(islice(_frames(clips[int(rng.integers(len(clips)))], rng), count)) if clips else []


def place_at_random(rng: np.random.Generator) -> Stand:
    """Return a stand from which the whole hand is in the picture."""
    palm = float(rng.uniform(60, 105))
    room = 1.6 * palm
    x = float(rng.uniform(room, SIZE[0] - room))
    y = float(rng.uniform(room, SIZE[1] - room))
    return Stand(x, y, palm, float(rng.uniform(-25, 25)))


def still_shots(
    room: Room, count: int, places: Sequence[Place] = (), board: Board | None = None
) -> Iterator[Shot]:
    """Yield `count` pictures of hands that hold still."""
    for _ in range(count):
        hands = [] if board else [player.seen(stand) for player, stand in places]
        yield Shot(room.picture(places, board), hands)


def frames_of(seconds: float) -> int:
    """Return how many frames that is."""
    return round(seconds * FPS)


def _frames(clip: Path, rng: np.random.Generator) -> Iterator[ImageArray]:
    """Yield frames from a random moment on, over and over, fitted into the film's size."""
    capture = cv2.VideoCapture(str(clip))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.set(cv2.CAP_PROP_POS_FRAMES, int(rng.integers(max(count - 60, 1))))
    while True:
        there, image = capture.read()
        if there:
            yield _fitted(np.ascontiguousarray(image[..., ::-1]))
        else:
            capture.set(cv2.CAP_PROP_POS_FRAMES, 0)


@lru_cache(maxsize=1)
def _grains() -> list[tuple[ImageArray, ImageArray]]:
    """Return what a sensor's noise adds and takes away, in a few pictures that take turns."""
    noise = np.random.default_rng(0).normal(0, _GRAIN, (_GRAINS, SIZE[1], SIZE[0], 3))
    return [(_bytes(grain), _bytes(-grain)) for grain in noise]


def _fitted(image: ImageArray) -> ImageArray:
    height, width = image.shape[:2]
    scale = min(SIZE[0] / width, SIZE[1] / height)
    size = round(width * scale), round(height * scale)
    page = np.full((SIZE[1], SIZE[0], 3), 96, np.uint8)
    x, y = (SIZE[0] - size[0]) // 2, (SIZE[1] - size[1]) // 2
    page[y : y + size[1], x : x + size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return page


def _bytes(noise: FloatArray) -> ImageArray:
    """Return the positive part, rounded."""
    return np.asarray((noise + 0.5).clip(0), np.uint8)

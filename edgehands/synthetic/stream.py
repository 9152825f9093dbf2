"""An endless live picture: hands that come, show gestures and go, put together from sprites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgehands.synthetic.atlas import PATH, load_atlas
from edgehands.synthetic.background import background
from edgehands.synthetic.motion import ease
from edgehands.synthetic.pose import UPRIGHT
from edgehands.synthetic.sensor import Sensor, develop, to_linear
from edgehands.synthetic.truth import Truth

if TYPE_CHECKING:
    from edgehands.hand import FloatArray, Handedness, ImageArray
    from edgehands.synthetic.atlas import Progress, Sprite

PERIOD = 36.0
"""Seconds after which the show begins again."""

_HOLD, _CHANGE = 1.4, 0.45
"""Seconds that a gesture is held, and that a hand takes to the next."""
_ENTER = 0.8
"""Seconds from below the picture to the hand's place."""
_GRAINS = 5
_SENSOR = Sensor(blur=0.0, noise=0.006)


@dataclass(frozen=True, slots=True)
class Visit:
    """One hand's stay in the picture."""

    start: float
    """Seconds into the period."""
    places: tuple[int, ...]
    """The gestures that it shows: indices of `atlas.PATH`, each a neighbour of the one before."""
    x: float
    """Of the wrist's place, a share of the picture's width."""
    left: bool = False
    scale: float = 1.0

    @property
    def end(self) -> float:
        """Seconds into the period at which the hand is gone."""
        shown = len(self.places) * _HOLD + (len(self.places) - 1) * _CHANGE
        return self.start + shown + 2 * _ENTER


VISITS: tuple[Visit, ...] = (
    Visit(1.0, (0, 1, 2, 3, 4, 5, 6, 7), 0.42),
    Visit(18.5, (0, 1, 2, 1, 0), 0.28, scale=0.95),
    Visit(20.5, (7, 6, 5, 6, 7), 0.72, left=True, scale=1.05),
    Visit(31.0, (0, 1), 0.6, left=True, scale=0.85),
)
"""One hand with every gesture, then two, then one farther away."""


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where a sprite goes at one moment."""

    place: float
    gesture: str
    x: float
    y: float
    roll: float
    scale: float


class SyntheticStream:
    """A camera's view of hands, for any moment.

    It depends on the time alone: the same time gives the same picture. Making it loads the sprites
    and, for the first time on a machine, draws them.

    Args:
        width: of the picture, pixels.
        height: of the picture, pixels.
        seed: chooses the background.
        progress: called with the finished share, 0 to 1, while sprites are loaded or drawn.
    """

    def __init__(
        self, width: int = 640, height: int = 480, seed: int = 0, progress: Progress | None = None
    ) -> None:
        self.width, self.height = width, height
        rng = np.random.default_rng(seed)
        linear = to_linear(background("room", width, height, rng))
        # Noise that never changes would look like a broken camera: a few pictures take turns.
        self._empty = [develop(linear, _SENSOR, rng) for _ in range(_GRAINS)]
        self._atlas = load_atlas(progress)

    def frame_at(self, time: float) -> tuple[ImageArray, list[Truth]]:
        """Return the picture at a time in seconds, uint8 [H, W, 3] RGB, and the hands in it."""
        moment = time % PERIOD
        image = self._empty[int(time * 30) % _GRAINS].copy()
        truths = []
        for visit in VISITS:
            if not visit.start <= moment <= visit.end:
                continue
            stand = _stand(visit, moment, self.width, self.height)
            sprite = self._atlas.at(stand.place)
            matrix = _matrix(sprite, stand, left=visit.left)
            lay(image, sprite.image, matrix)
            truth = _truth(sprite, matrix, stand, left=visit.left)
            if truth.inside(self.width, self.height) > 0:
                truths.append(truth)
        return image, truths


def _stand(visit: Visit, moment: float, width: int, height: int) -> _Stand:
    """Return where a hand is and what it shows."""
    since, until = moment - visit.start, visit.end - moment
    index, passed = divmod(max(since - _ENTER, 0.0), _HOLD + _CHANGE)
    first = min(int(index), len(visit.places) - 1)
    second = min(first + 1, len(visit.places) - 1)
    share = ease(max(passed - _HOLD, 0.0) / _CHANGE) if second > first else 0.0
    start, end = visit.places[first], visit.places[second]
    gesture = PATH[start] if share < 0.1 else PATH[end] if share > 0.9 else ""
    roll = (1 - share) * UPRIGHT.get(PATH[start], 0.0) + share * UPRIGHT.get(PATH[end], 0.0)
    out = 1 - ease(min(since / _ENTER, 1.0)) * ease(min(until / _ENTER, 1.0))
    unit = height / 480
    x = visit.x * width + unit * 14 * np.sin(moment * 0.9 + visit.start)
    # A hand that lies on its side is held higher, so that its arm does not cover the picture.
    y = unit * (330 - 0.6 * abs(roll) + 9 * np.sin(moment * 1.3) + 330 * out)
    return _Stand(
        start + share * (end - start),
        gesture,
        float(x),
        float(y),
        float(roll + 4 * np.sin(moment * 0.7)),
        float(unit * visit.scale * (1.1 + 0.06 * np.sin(moment * 0.5))),
    )


def _matrix(sprite: Sprite, stand: _Stand, *, left: bool) -> FloatArray:
    """Return [2, 3]: from the sprite's pixels to the picture's, turned about the wrist."""
    side = -1.0 if left else 1.0
    angle = np.radians(side * stand.roll)
    turn = stand.scale * np.array(
        [[side * np.cos(angle), -np.sin(angle)], [side * np.sin(angle), np.cos(angle)]]
    )
    shift = np.array([stand.x, stand.y]) - turn @ sprite.landmarks[0, :2]
    return np.column_stack([turn, shift]).astype(np.float32)


def lay(picture: ImageArray, sprite: ImageArray, matrix: FloatArray) -> None:
    """Lay a sprite, uint8 [H, W, 4] as in the atlas, over a picture, in place.

    `matrix` is [2, 3], from the sprite's pixels to the picture's.
    """
    height, width = sprite.shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
    size = picture.shape[1::-1]
    low = np.floor(corners.min(axis=0)).clip(0, size).astype(int)
    high = np.ceil(corners.max(axis=0)).clip(0, size).astype(int)
    if (high <= low).any():
        return
    # Pixel centres lie at halves in our coordinates and at whole numbers in OpenCV's.
    half = np.float32(0.5)
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ np.array([half, half]) - half - low
    warped = cv2.warpAffine(sprite, shifted, tuple(int(side) for side in high - low))
    under = picture[low[1] : high[1], low[0] : high[0]]
    rest = cv2.merge([255 - warped[..., 3]] * 3)
    cv2.add(cv2.multiply(under, rest, scale=1 / 255), warped[..., :3], dst=under)


def _truth(sprite: Sprite, matrix: FloatArray, stand: _Stand, *, left: bool) -> Truth:
    """Carry a sprite's truth along with its pixels."""
    landmarks = sprite.landmarks * np.float32(stand.scale)
    landmarks[:, :2] = sprite.landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    world = sprite.world_landmarks.copy()
    world[:, :2] = world[:, :2] @ matrix[:, :2].T / np.float32(stand.scale)
    handedness: Handedness = "left" if left else "right"
    return Truth(landmarks, world, handedness, stand.gesture)

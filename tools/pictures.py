"""The pictures of the README and the docs, from the clip that ships with the package.

python -m tools.pictures     # docs/hands.gif, docs/styles.png; needs Pillow (the extra `plots`)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from PIL import Image

from edgehands import HandTracker, draw_hands, open_camera
from edgehands.drawing import STYLES, checked_style
from edgehands.interpreter import Interpreter
from edgehands.synthetic import DEMO_CLIP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.drawing import Style
    from edgehands.hand import Hand, ImageArray

DOCS = Path(__file__).parent.parent / "docs"

_FROM, _SECONDS, _RATE = 0.8, 4.0, 12.5
_WIDTH = 400
_LIGHT = 160
_GLOW = 40  # pixels
_TILE = 400
_STYLES_AT = 2.0


class Moment(NamedTuple):
    """A frame of the clip and what is in it."""

    time: float
    image: ImageArray
    hands: list[Hand]
    gestures: dict[int, str]


def followed() -> Iterator[Moment]:
    """Yield the frames of the clip."""
    interpreter = Interpreter("demo", "pictures", {})
    with open_camera(str(DEMO_CLIP)) as camera, HandTracker() as tracker:
        for frame in camera:
            hands = tracker.update(frame.image, frame.time)
            interpreter.update(hands, frame.time, frame.time)
            yield Moment(frame.time, frame.image, hands, interpreter.gestures(hands))


def around(image: ImageArray, hand: Hand) -> ImageArray:
    """Return the part of the picture in which a hand is, with what shines around it."""
    x0, y0, x1, y1 = (int(edge) for edge in hand.box)
    return image[max(0, y0 - _GLOW) : y1 + _GLOW, max(0, x0 - _GLOW) : x1 + _GLOW]


def animation(path: Path, style: Style = "neon") -> None:
    """Write a GIF of hands in one style."""
    frames, lights = [], []
    due = _FROM
    for moment in followed():
        if moment.time < due:
            continue
        if moment.time > _FROM + _SECONDS:
            break
        due += 1 / _RATE
        drawn = draw_hands(moment.image, moment.hands, moment.gestures, style)
        frames.append(Image.fromarray(small(drawn, _WIDTH)))
        lights += [around(drawn, hand) for hand in moment.hands]
    # One palette for all frames, or colours flicker; from the hands, for there the colours are.
    few = [small(light, _LIGHT)[:_LIGHT] for light in lights[:: max(1, len(lights) // 8)]]
    tallest = max(light.shape[0] for light in few)
    sheet = [np.pad(light, ((0, tallest - light.shape[0]), (0, 0), (0, 0))) for light in few]
    palette = Image.fromarray(np.hstack(sheet)).quantize(256)
    shown = [frame.quantize(palette=palette) for frame in frames]
    pause = round(1000 / _RATE)
    shown[0].save(path, save_all=True, append_images=shown[1:], duration=pause, loop=0)


def all_styles(path: Path) -> None:
    """Write one frame in every style, two by two."""
    moment = next(moment for moment in followed() if moment.time >= _STYLES_AT)
    drawn = (
        draw_hands(moment.image, moment.hands, moment.gestures, checked_style(style))
        for style in STYLES
    )
    tiles = [small(picture, _TILE) for picture in drawn]
    sheet = np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])
    Image.fromarray(sheet).save(path, optimize=True)


def small(image: ImageArray, width: int) -> ImageArray:
    """Return the picture with that width."""
    size = width, round(image.shape[0] * width / image.shape[1])
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    animation(DOCS / "hands.gif")
    all_styles(DOCS / "styles.png")

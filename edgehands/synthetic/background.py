"""What stands behind a hand: walls, rooms, patterns and clutter, drawn and blurred."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.synthetic.sensor import Picture

    Painter: TypeAlias = Callable[[int, int, np.random.Generator], Picture]


def background(kind: str, width: int, height: int, rng: np.random.Generator) -> Picture:
    """Draw one of `BACKGROUNDS`: [H, W, 3] sRGB, 0 to 1."""
    return BACKGROUNDS[kind](width, height, rng).clip(0.0, 1.0)


def _colour(
    rng: np.random.Generator, low: float = 0.05, high: float = 0.9
) -> tuple[float, float, float]:
    """Return a muted colour, as walls and furniture have them."""
    grey = rng.uniform(low, high)
    r, g, b = (float(np.clip(grey + rng.normal(0.0, 0.06), 0.0, 1.0)) for _ in range(3))
    return r, g, b


def _gradient(width: int, height: int, rng: np.random.Generator) -> Picture:
    """Return a wall that is lit from one side."""
    angle = rng.uniform(0.0, 2 * np.pi)
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    share = (0.5 + 0.7 * (x * np.cos(angle) + y * np.sin(angle)))[..., None]
    start = np.array(_colour(rng), np.float32)
    end = (start * rng.uniform(0.5, 1.0)).astype(np.float32)
    return np.asarray(start + (end - start) * share, np.float32)


def _soft(picture: Picture, sigma: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _shapes(width: int, height: int, rng: np.random.Generator) -> Picture:
    """Return large things far out of focus."""
    picture = _gradient(width, height, rng)
    for _ in range(int(rng.integers(4, 12))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.integers(20, width // 4)), int(rng.integers(20, height // 3)))
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(picture, centre, axes, angle, 0, 360, _colour(rng), -1)
    return _soft(picture, float(rng.uniform(8, 25)))


def _room(width: int, height: int, rng: np.random.Generator) -> Picture:
    """Return a wall with a floor, a window, a door and shelves."""
    picture = _gradient(width, height, rng)
    floor = int(height * rng.uniform(0.65, 0.9))
    picture[floor:] = _colour(rng, 0.1, 0.6)
    for _ in range(int(rng.integers(2, 5))):
        x, y = int(rng.integers(-50, width - 40)), int(rng.integers(0, floor - 40))
        w, h = int(rng.integers(50, 220)), int(rng.integers(60, 260))
        cv2.rectangle(picture, (x, y), (x + w, min(y + h, floor)), _colour(rng), -1)
        cv2.rectangle(picture, (x, y), (x + w, min(y + h, floor)), _colour(rng), 5)
    for _ in range(int(rng.integers(0, 3))):
        y = int(rng.integers(40, floor))
        cv2.line(picture, (0, y), (width, y + int(rng.integers(-20, 20))), _colour(rng), 6)
        for x in range(int(rng.integers(30)), width, int(rng.integers(14, 60))):
            top = y - int(rng.integers(20, 60))
            cv2.rectangle(picture, (x, top), (x + int(rng.integers(5, 22)), y), _colour(rng), -1)
    return _soft(picture, float(rng.uniform(0.8, 4.0)))


def _pattern(width: int, height: int, rng: np.random.Generator) -> Picture:
    """Return tiles or striped cloth, at any angle."""
    angle = rng.uniform(0, np.pi)
    period = rng.uniform(24, 90)
    x = np.arange(width, dtype=np.float32)
    y = np.arange(height, dtype=np.float32)[:, None]
    u = np.sin((x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / period))
    v = np.sin((y * np.cos(angle) - x * np.sin(angle)) * (2 * np.pi / period))
    wave = u if rng.random() < 0.5 else u * v
    share = (0.5 + wave * rng.uniform(1, 6)).clip(0, 1)[..., None]
    first = np.array(_colour(rng), np.float32)
    second = (0.75 * first + 0.25 * np.array(_colour(rng))).astype(np.float32)
    return _soft(
        np.asarray(first + (second - first) * share, np.float32), float(rng.uniform(1.0, 3.0))
    )


def _clutter(width: int, height: int, rng: np.random.Generator) -> Picture:
    """Return a bench full of small things."""
    picture = _gradient(width, height, rng)
    for _ in range(int(rng.integers(40, 120))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        size = int(rng.integers(6, 60))
        other = (x + int(rng.integers(-60, 60)), y + int(rng.integers(-60, 60)))
        what = rng.integers(3)
        if what == 0:
            cv2.rectangle(picture, (x, y), other, _colour(rng), -1)
        elif what == 1:
            axes = (size, int(rng.integers(4, 40)))
            cv2.ellipse(picture, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, _colour(rng), -1)
        else:
            cv2.line(picture, (x, y), other, _colour(rng), int(rng.integers(1, 6)))
    return _soft(picture, float(rng.uniform(0.8, 3.0)))


def _foliage(width: int, height: int, rng: np.random.Generator) -> Picture:
    """Return noise of several sizes, as leaves, stone or carpet look."""
    total = np.zeros((height, width), np.float32)
    for octave in range(2, 8):
        grid = rng.normal(0, 1, (2**octave * 3 // 4 + 1, 2**octave + 1)).astype(np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * 0.62 ** (
            octave - 2
        )
    share = (0.5 + 0.22 * total).clip(0, 1)[..., None]
    first, second = (np.array(_colour(rng), np.float32) for _ in range(2))
    return np.asarray(first + (second - first) * share, np.float32)


BACKGROUNDS: dict[str, Painter] = {
    "wall": _gradient,
    "shapes": _shapes,
    "room": _room,
    "pattern": _pattern,
    "clutter": _clutter,
    "foliage": _foliage,
}
"""Every kind of background by name."""

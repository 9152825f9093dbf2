"""Colours, and OpenCV's fixed point: what all styles draw with."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from edgehands.hand import FloatArray

Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue."""

LEFT: Colour = (120, 235, 255)
RIGHT: Colour = (255, 214, 120)
OUTLINE: Colour = (16, 18, 22)
PAPER: Colour = (245, 246, 248)

SHIFT = 4
"""Places are given in 1/16 pixel."""


def fixed(point: FloatArray) -> tuple[int, int]:
    """Return x and y of a point in OpenCV's fixed point."""
    return fixed_length(float(point[0])), fixed_length(float(point[1]))


def fixed_length(length: float) -> int:
    """Return a number of pixels in OpenCV's fixed point."""
    return round(length * (1 << SHIFT))


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Return what lies between two colours: 0 is `a`, 1 is `b`."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue

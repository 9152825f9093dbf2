"""Where the palm detector looks: the whole picture, and magnified tiles for far hands. Pure."""

from __future__ import annotations

from itertools import product
from typing import TypeAlias

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in shares of the picture's width and height."""

_OVERLAP = 0.25
"""Share of a tile that its neighbour has too: a hand on a seam is whole in one of them."""


def looks(tiles: int) -> list[Box]:
    """Return the whole picture, and if `tiles` is more than 1, so many along each side."""
    whole = (0.0, 0.0, 1.0, 1.0)
    if tiles == 1:
        return [whole]
    side = 1 / (tiles - (tiles - 1) * _OVERLAP)
    starts = [index * side * (1 - _OVERLAP) for index in range(tiles)]
    return [whole, *((x, y, x + side, y + side) for y, x in product(starts, starts))]

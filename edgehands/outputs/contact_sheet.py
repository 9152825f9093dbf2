"""A contact sheet: one picture that shows what happened, a tile for each gesture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgehands.drawing import Style, draw_hands
from edgehands.outputs import Output
from edgehands.outputs.files import PICTURES, check_suffix, make_folder_for
from edgehands.outputs.video import write_picture

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.hand import ImageArray
    from edgehands.outputs import Result

_TILE_WIDTH = 320
_CAPTION_HEIGHT = 26
_GAP = 6
_KEPT_PER_SHOWN = 4
_PAPER = (250, 250, 250)
_INK = (40, 36, 32)


class ContactSheetOutput(Output):
    """Keeps the frames on which a gesture started, thinned out evenly when there are too many."""

    def __init__(self, path: Path, columns: int, count: int, style: Style = "depth") -> None:
        check_suffix(path, PICTURES)
        make_folder_for(path)
        self._path = path
        self._columns = columns
        self._count = count
        self._style = style
        self._tiles: list[ImageArray] = []
        self._stride = 1
        self._starts = 0

    def result(self, result: Result) -> None:
        """Keep the frame if a gesture started in it."""
        started = [event.event_type for event in result.events if event.phase == "start"]
        if not started:
            return
        if self._starts % self._stride == 0:
            self._tiles.append(_tile(result, ", ".join(dict.fromkeys(started)), self._style))
        self._starts += 1
        if len(self._tiles) > _KEPT_PER_SHOWN * self._count:  # a run may last for days
            self._tiles = self._tiles[::2]
            self._stride *= 2

    def close(self) -> None:
        """Write the sheet, if there is anything on it."""
        if self._tiles:
            shown = np.linspace(0, len(self._tiles) - 1, min(self._count, len(self._tiles)))
            tiles = [self._tiles[round(index)] for index in shown]
            self._tiles = []
            write_picture(self._path, _sheet(tiles, self._columns))


def _tile(result: Result, caption: str, style: Style) -> ImageArray:
    drawn = draw_hands(result.frame.image, result.hands, result.gestures, style)
    height = max(1, round(_TILE_WIDTH * drawn.shape[0] / drawn.shape[1]))
    small = cv2.resize(drawn, (_TILE_WIDTH, height), interpolation=cv2.INTER_AREA)
    strip = np.full((_CAPTION_HEIGHT, _TILE_WIDTH, 3), _PAPER, np.uint8)
    text = f"{result.frame.time:.2f} s  {caption}"
    cv2.putText(strip, text, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
    return np.vstack([cv2.cvtColor(small, cv2.COLOR_RGB2BGR), strip])


def _sheet(tiles: list[ImageArray], columns: int) -> ImageArray:
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    height = max(tile.shape[0] for tile in tiles)
    sheet = np.full(
        (rows * (height + _GAP) + _GAP, columns * (_TILE_WIDTH + _GAP) + _GAP, 3), _PAPER, np.uint8
    )
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        top, left = _GAP + row * (height + _GAP), _GAP + column * (_TILE_WIDTH + _GAP)
        sheet[top : top + tile.shape[0], left : left + _TILE_WIDTH] = tile
    return sheet

"""The annotated video, or for a single image the annotated picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgehands.drawing import Style, draw_hands
from edgehands.errors import InputError
from edgehands.outputs import Output
from edgehands.outputs.files import (
    CODECS,
    DRAWINGS,
    PICTURES,
    check_suffix,
    check_writable,
    check_written,
    make_folder_for,
    write_bytes,
)

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.hand import ImageArray
    from edgehands.outputs import Result


class VideoOutput(Output):
    """Draws every frame; the file's ending says what it becomes.

    A picture's name gets the last frame, so it fits a source of one image.
    """

    def __init__(self, path: Path, fps: float, style: Style = "depth") -> None:
        check_suffix(path, DRAWINGS)
        make_folder_for(path)
        self._path = path
        self._fps = fps
        self._style = style
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._last: Result | None = None
        """What a picture will show."""

    def result(self, result: Result) -> None:
        """Draw and write one frame."""
        if self._path.suffix.lower() in PICTURES:
            self._last = result
            return
        bgr = _draw(result, self._style)
        if self._writer is None:
            self._size = (bgr.shape[1], bgr.shape[0])
            self._writer = self._open()
        if (bgr.shape[1], bgr.shape[0]) != self._size:  # a video has one size
            self._writer.write(cv2.resize(bgr, self._size))
        else:
            self._writer.write(bgr)

    def close(self) -> None:
        """Finish the file."""
        if self._last is not None:
            last, self._last = self._last, None
            write_picture(self._path, _draw(last, self._style))
        if self._writer is not None:
            self._writer.release()
            self._writer = None
            check_written(self._path)

    def _open(self) -> cv2.VideoWriter:
        check_writable(self._path)
        codec = cv2.VideoWriter.fourcc(*CODECS[self._path.suffix.lower()])
        writer = cv2.VideoWriter(str(self._path), codec, self._fps, self._size)
        if not writer.isOpened():
            raise InputError(
                f"cannot write {self._path}: this OpenCV cannot encode "
                f"{self._path.suffix}, try another of {', '.join(CODECS)}"
            )
        return writer


def write_picture(path: Path, bgr: ImageArray) -> None:
    """Write one picture.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        encoded, content = cv2.imencode(path.suffix.lower(), bgr)
    except cv2.error:
        encoded = False
    if not encoded:
        raise InputError(f"cannot write {path}: this OpenCV has no encoder for {path.suffix}")
    write_bytes(path, content.tobytes())


def _draw(result: Result, style: Style) -> ImageArray:
    """Return the frame with its hands, as OpenCV writes it."""
    drawn = draw_hands(result.frame.image, result.hands, result.gestures, style)
    return np.ascontiguousarray(drawn[..., ::-1])

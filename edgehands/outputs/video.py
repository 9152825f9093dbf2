"""The annotated video, or for a single image the annotated picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgehands.errors import InputError, UsageError
from edgehands.outputs import Output
from edgehands.outputs.drawing import draw_hands
from edgehands.outputs.files import make_folder_for

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.hand import ImageArray
    from edgehands.outputs import View

# pip's OpenCV has no H.264 encoder; these two it has everywhere.
_CODECS = {".mp4": "mp4v", ".m4v": "mp4v", ".mkv": "mp4v", ".avi": "MJPG", ".webm": "VP90"}
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
SUFFIXES = (*_CODECS, *PICTURES)


class VideoOutput(Output):
    """Draws every frame; the file's ending says what it becomes.

    A picture's name keeps the last frame, so it fits a source of one image.
    """

    def __init__(self, path: Path, fps: float) -> None:
        if path.suffix.lower() not in SUFFIXES:
            raise UsageError(
                f"cannot draw into {path}: its name must end with {', '.join(SUFFIXES)}"
            )
        make_folder_for(path)
        self._path = path
        self._fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def view(self, view: View) -> None:
        """Draw and write one frame."""
        drawn = draw_hands(view.frame.image, view.hands, view.gestures)
        bgr = np.ascontiguousarray(drawn[..., ::-1])
        if self._path.suffix.lower() in PICTURES:
            write_picture(self._path, bgr)
            return
        if self._writer is None:
            self._size = (bgr.shape[1], bgr.shape[0])
            self._writer = self._open()
        if (bgr.shape[1], bgr.shape[0]) != self._size:  # a video has one size
            self._writer.write(cv2.resize(bgr, self._size))
        else:
            self._writer.write(bgr)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None

    def _open(self) -> cv2.VideoWriter:
        codec = cv2.VideoWriter.fourcc(*_CODECS[self._path.suffix.lower()])
        writer = cv2.VideoWriter(str(self._path), codec, self._fps, self._size)
        if not writer.isOpened():
            raise InputError(
                f"cannot write the video {self._path}: is the folder writable and the ending one "
                f"that this OpenCV can encode? try another of {', '.join(_CODECS)}"
            )
        return writer


def write_picture(path: Path, bgr: ImageArray) -> None:
    """Write one picture.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        written = cv2.imwrite(str(path), bgr)
    except cv2.error:
        written = False
    if not written:
        raise InputError(f"cannot write the picture {path}: is its folder writable?")

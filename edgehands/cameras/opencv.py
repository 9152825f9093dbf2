"""OpenCV for the cameras: imported in this one place, and kept from writing to the terminal."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from edgehands.errors import RuntimeMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

try:
    import cv2
except ImportError as error:
    raise RuntimeMissingError(
        f"this camera needs OpenCV, which cannot be imported ({error}): pip install "
        "opencv-python-headless (or, with the system's Python: sudo apt install python3-opencv)"
    ) from error

__all__ = ["cv2", "quiet"]

# FFmpeg's own lines about a damaged file would stand beside our one error line. OpenCV looks this
# up when it first opens a video, so that setting it here is early enough; a user's value stays.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

_SILENT = 0


@contextmanager
def quiet() -> Iterator[None]:
    """Silence OpenCV's log inside the block, unless the user chose a level in the environment.

    The level is the process's, so keep the block to the call that is expected to complain.
    """
    if "OPENCV_LOG_LEVEL" in os.environ:
        yield
        return
    before = _set_log_level()(_SILENT)
    try:
        yield
    finally:
        _set_log_level()(before)


def _set_log_level() -> Callable[[int], int]:
    """Return OpenCV's setter, which answers with the level before; it moved after 4.6."""
    moved = hasattr(cv2, "utils") and hasattr(cv2.utils, "logging")
    return cast("Callable[[int], int]", (cv2.utils.logging if moved else cv2).setLogLevel)

"""Clips made for benchmarks, kept in the cache so that they are made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgehands import folders
from edgehands.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edgehands.hand import ImageArray

FPS = 30.0
_QUALITY = 92  # of the JPEGs: noise must survive, for it decides what counts as a change
_VERSION = 1  # of the clips made here


def cache_folder() -> Path:
    """Return this user's cache folder, which holds environments and clips.

    Raises:
        UsageError: this user has none.
    """
    folder = folders.cache()
    if folder is None:
        raise UsageError("this user has no home folder: name one with XDG_CACHE_HOME")
    return folder


def kept_clip(
    name: str, size: tuple[int, int], pictures: Callable[[], Iterator[ImageArray]]
) -> Path:
    """Return the clip of RGB pictures kept under `name`, or make and keep it.

    Each picture is a JPEG of its own: a video codec would freeze what does not change.
    """
    import cv2

    path = cache_folder() / "clips" / f"{name}-v{_VERSION}.avi"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.avi")
    writer = cv2.VideoWriter(
        str(part),
        cv2.CAP_OPENCV_MJPEG,
        cv2.VideoWriter.fourcc(*"MJPG"),
        FPS,
        size,
        [cv2.VIDEOWRITER_PROP_QUALITY, _QUALITY],
    )
    if not writer.isOpened():
        raise InputError(f"OpenCV cannot write the clip {part}")
    for picture in pictures():
        writer.write(np.ascontiguousarray(picture[..., ::-1]))
    writer.release()
    part.replace(path)
    return path

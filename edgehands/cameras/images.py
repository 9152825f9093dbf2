"""A folder, a glob or one file of images, in natural order."""

from __future__ import annotations

import glob
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from edgehands.cameras import IMAGE_SUFFIXES, exists
from edgehands.cameras.base import Camera
from edgehands.cameras.file import check_readable, forbidden
from edgehands.cameras.opencv import cv2
from edgehands.errors import InputError
from edgehands.frame import Frame

if TYPE_CHECKING:
    from edgehands.hand import ImageArray

DEFAULT_FPS = 1.0
"""Photographs have no rate of their own: one a second, so that frame k is at k seconds."""


def open_camera(
    address: str,
    *,
    width: int | None = None,  # noqa: ARG001 (an image has its own size)
    height: int | None = None,  # noqa: ARG001
    fps: float | None = None,
) -> Images:
    """Open the images of a folder, those that match a glob, or one image file.

    Raises:
        InputError: no such file or folder, or no image in it.
    """
    return Images(find_images(address), fps=fps or DEFAULT_FPS)


class Images(Camera):
    """Image files as RGB frames at a fixed rate; frame k is at k / fps seconds."""

    def __init__(self, paths: list[Path], *, fps: float = DEFAULT_FPS) -> None:
        self.source = str(paths[0].parent) if len(paths) > 1 else str(paths[0])
        self.fps = fps
        self.length = len(paths)
        self._paths = paths
        self._next = 0
        self._closed = False

    def __next__(self) -> Frame:
        index = self._next
        if self._closed or index >= len(self._paths):
            raise StopIteration
        self._next += 1
        image = read_image(self._paths[index])
        return Frame(image=image, time=index / self.fps, captured=time.monotonic())

    def close(self) -> None:
        """End the iteration; no file stays open between two frames."""
        self._closed = True


def find_images(address: str) -> list[Path]:
    """Return the image files of a folder, of a glob or at a path, in natural order.

    Raises:
        InputError: there is none.
    """
    path = Path(address).expanduser()
    try:
        listed = list(path.iterdir()) if path.is_dir() else None
    except OSError as error:
        raise forbidden(path, error) from error
    if listed is None and (exists(path) or not glob.has_magic(address)):
        check_readable(path)
        return [path]
    if listed is None:
        # Path.glob takes no absolute pattern.
        listed = [Path(each) for each in glob.glob(str(path), recursive=True)]  # noqa: PTH207
    found = [each for each in listed if each.suffix.lower() in IMAGE_SUFFIXES]
    if not found:
        raise InputError(
            f"no image in {address!r}: images end in {', '.join(sorted(IMAGE_SUFFIXES))}"
        )
    return sorted(found, key=_natural)


def read_image(path: Path) -> ImageArray:
    """Return an image file as uint8 [H, W, 3] RGB, upright by its EXIF orientation.

    Grey becomes three equal channels, 16 bits become 8, and an alpha channel is left out.

    Raises:
        InputError: the file is missing, unreadable or no image.
    """
    check_readable(path)
    # Read here and decoded from memory: OpenCV would not say why a file cannot be read.
    content = np.frombuffer(path.read_bytes(), np.uint8)
    reason = ""
    try:
        image = cv2.imdecode(content, cv2.IMREAD_COLOR)
    except cv2.error as error:  # a size that OpenCV refuses
        image, reason = None, f" ({error.err})"
    if image is None:
        raise InputError(f"{str(path)!r} is not an image that OpenCV can read{reason}; remove it")
    return cast("ImageArray", cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that puts frame2 before frame10."""
    return [
        (0, int(part), "") if part.isdigit() and part.isascii() else (1, 0, part)
        for part in re.split(r"(\d+)", str(path), flags=re.ASCII)
    ]

"""From camera pixels to model input: letterbox and rotated crop.

The one place of the pipeline that imports cv2. Each class draws into an 8-bit picture that it keeps
and from there into the model's input: no frame costs a new picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands.errors import InputError, RuntimeMissingError
from edgehands.geometry import crop_to_image_matrix

try:
    import cv2
except ImportError as error:
    raise RuntimeMissingError(
        f"OpenCV does not load ({error}): run `pip install opencv-python-headless`, "
        "or `apt install python3-opencv` where the venv sees system packages"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from edgehands.hand import FloatArray, ImageArray, Roi


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How an image was fitted into a square."""

    scale: float
    """Square pixels per image pixel."""
    left: int
    top: int
    """Width of the black bars, square pixels."""

    def to_image(self, points: FloatArray) -> FloatArray:
        """Take [..., 2] square pixels to image pixels."""
        offset = np.array([self.left, self.top], np.float32)
        return (points - offset) / np.float32(self.scale)


class Letterboxer:
    """Fits whole images into the palm detector's square, black bars on the short side."""

    def __init__(self, side: int) -> None:
        self._side = side
        self._square = np.zeros((side, side, 3), np.uint8)
        self._filled: tuple[int, int] | None = None

    def __call__(self, image: ImageArray, out: FloatArray) -> Letterbox:
        """Write `image` (uint8 [H, W, 3]) into `out` (float32 [side, side, 3], 0..1)."""
        height, width = image.shape[:2]
        scale = self._side / max(height, width)
        inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
        bars = Letterbox(scale, (self._side - inner_width) // 2, (self._side - inner_height) // 2)
        if (inner_width, inner_height) != self._filled:
            self._square[:] = 0  # another camera: the old picture must not stay in the bars
            self._filled = (inner_width, inner_height)
        inner = self._square[
            bars.top : bars.top + inner_height, bars.left : bars.left + inner_width
        ]
        size = inner_width, inner_height
        cv2.resize(image, size, dst=inner, interpolation=cv2.INTER_LINEAR)
        _to_unit_floats(self._square, out)
        return bars


class Cropper:
    """Cuts rotated regions for the landmark model; outside the image the border repeats."""

    def __init__(self, side: int) -> None:
        self._crop = np.empty((side, side, 3), np.uint8)

    def __call__(self, image: ImageArray, roi: Roi, out: FloatArray) -> None:
        """Write the region of `image` (uint8 [H, W, 3]) into `out` (float32, 0..1)."""
        _warp(image, roi, self._crop)
        _to_unit_floats(self._crop, out)


class Sampler:
    """Takes coarse looks at regions, to see whether anything in them has moved."""

    def __init__(self, side: int = 32) -> None:
        self._crop = np.empty((side, side, 3), np.uint8)

    def __call__(self, image: ImageArray, roi: Roi) -> FloatArray:
        """Return [side, side] single pixels of a region's green channel, as floats of 0..255."""
        _warp(image, roi, self._crop)
        return self._crop[..., 1].astype(np.float32)


def read_frames(clip: Path, numbers: Iterable[int]) -> Iterator[ImageArray]:
    """Yield a few frames of a clip by their numbers; a camera would go through all of them.

    Raises:
        InputError: there is no such frame.
    """
    capture = cv2.VideoCapture(str(clip))
    try:
        for number in numbers:
            capture.set(cv2.CAP_PROP_POS_FRAMES, number)
            there, image = capture.read()
            if not there:
                raise InputError(f"{clip} has no frame {number} that OpenCV can read")
            yield np.ascontiguousarray(image[..., ::-1])
    finally:
        capture.release()


def _warp(image: ImageArray, roi: Roi, out: ImageArray) -> None:
    side = len(out)
    cv2.warpAffine(
        image,
        crop_to_image_matrix(roi, side),
        (side, side),
        dst=out,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _to_unit_floats(pixels: ImageArray, out: FloatArray) -> None:
    np.copyto(out, pixels)
    np.multiply(out, np.float32(1 / 255), out=out)  # in two steps, without the buffer of a cast

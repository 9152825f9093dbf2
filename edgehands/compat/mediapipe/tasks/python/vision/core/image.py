"""`mp.Image`: a picture and its format."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, cast

import numpy as np

from edgehands.errors import InputError, UsageError

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Self

    from edgehands.hand import ImageArray


class ImageFormat(enum.IntEnum):
    """How pixels are laid out; EdgeHands reads SRGB and SRGBA."""

    UNKNOWN = 0
    SRGB = 1
    SRGBA = 2
    GRAY8 = 3
    GRAY16 = 4
    SRGB48 = 7
    SRGBA64 = 8
    VEC32F1 = 9
    VEC32F2 = 12
    VEC32F4 = 13


_CHANNELS = {ImageFormat.SRGB: 3, ImageFormat.SRGBA: 4, ImageFormat.GRAY8: 1}


class Image:
    """A copy of a picture.

    Args:
        image_format: SRGB, SRGBA or GRAY8.
        data: uint8 [H, W, 3 or 4], or [H, W] for grey.

    Raises:
        ValueError: the format and the data do not fit, or EdgeHands cannot read that format.
    """

    def __init__(self, image_format: ImageFormat, data: npt.NDArray[np.generic]) -> None:
        channels = _CHANNELS.get(image_format)
        if channels is None:
            raise UsageError(f"EdgeHands cannot read {image_format!r}: convert it to SRGB")
        given = data.shape[2] if data.ndim == 3 else 1
        if data.dtype != np.uint8 or data.ndim not in {2, 3} or given != channels:
            raise UsageError(
                f"{ImageFormat(image_format).name} is uint8 with {channels} channels, not "
                f"{data.dtype} of shape {data.shape}"
            )
        self.image_format = ImageFormat(image_format)
        self._data = cast("ImageArray", data.copy())
        self._data.flags.writeable = False

    @classmethod
    def create_from_file(cls, file_name: str) -> Self:
        """Read a picture; one with an alpha channel becomes SRGBA.

        Raises:
            RuntimeError: it cannot be read.
        """
        import cv2

        data = cv2.imread(str(file_name), cv2.IMREAD_UNCHANGED)
        if data is None:
            raise _UnreadableImageError(f"cannot read the picture {file_name}")
        if data.ndim == 2:
            return cls(ImageFormat.GRAY8, data)
        if data.shape[2] == 4:
            return cls(ImageFormat.SRGBA, cv2.cvtColor(data, cv2.COLOR_BGRA2RGBA))
        return cls(ImageFormat.SRGB, cv2.cvtColor(data, cv2.COLOR_BGR2RGB))

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self._data.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self._data.shape[0])

    @property
    def channels(self) -> int:
        """Numbers for each pixel."""
        return self._data.shape[2] if self._data.ndim == 3 else 1

    @property
    def step(self) -> int:
        """Bytes of a row."""
        return self._data.strides[0]

    def numpy_view(self) -> ImageArray:
        """Return the pixels; they cannot be written to."""
        return self._data

    def is_contiguous(self) -> bool:
        """Whether there are no gaps between rows."""
        return True

    def is_empty(self) -> bool:
        """Whether there are no pixels."""
        return self._data.size == 0

    def __getitem__(self, place: tuple[int, ...]) -> int:
        return int(self._data[place])

    def rgb(self) -> ImageArray:
        """Return uint8 [H, W, 3] RGB (EdgeHands' own).

        Raises:
            ValueError: a grey picture.
        """
        if self.image_format == ImageFormat.GRAY8:
            raise UsageError("hands are looked for in colour: convert GRAY8 to SRGB")
        return self._data if self.channels == 3 else np.ascontiguousarray(self._data[:, :, :3])


class _UnreadableImageError(InputError, RuntimeError):
    """What MediaPipe raises is a RuntimeError."""

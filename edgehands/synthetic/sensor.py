"""From light to the bytes of a cheap camera, and into PNG and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from edgehands.hand import ImageArray

Picture: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sensor:
    """What a cheap camera does to a picture."""

    blur: float = 0.5
    """Standard deviation of its lens, pixels."""
    noise: float = 0.01
    """Standard deviation at half of full scale; darker pixels have less."""
    exposure: float = 1.0


def develop(picture: Picture, sensor: Sensor, rng: np.random.Generator) -> ImageArray:
    """Turn linear light [H, W, 3] into the uint8 picture that a camera would give."""
    picture = picture * np.float32(sensor.exposure)
    if sensor.blur > 0:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sensor.blur), np.float32)
    if sensor.noise > 0:
        grain = rng.standard_normal(picture.shape, dtype=np.float32)
        # Shot noise grows with the square root of the light; a little is there in the dark too.
        picture = picture + grain * np.sqrt(picture.clip(0.01) * 2) * np.float32(sensor.noise)
    return np.asarray(to_srgb(picture) * 255 + 0.5).astype(np.uint8)


def to_linear(picture: Picture) -> Picture:
    """From sRGB (as a power of 2.2) to linear light."""
    return np.asarray(picture**2.2, np.float32)


def to_srgb(picture: Picture) -> Picture:
    """From linear light to sRGB, 0 to 1; what is too bright is clipped."""
    return np.asarray(picture.clip(0, 1) ** (1 / 2.2), np.float32)


def to_png(image: ImageArray) -> ImageArray:
    """Return the bytes of a PNG; the channels' order is kept as it is."""
    done, png = cv2.imencode(".png", image)
    if not done:
        raise RuntimeError("OpenCV cannot write PNG")
    return np.asarray(png, np.uint8)


def from_png(png: ImageArray) -> ImageArray:
    """Read what `to_png` wrote."""
    image = cv2.imdecode(png, cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError("not a PNG")
    return np.asarray(image, np.uint8)

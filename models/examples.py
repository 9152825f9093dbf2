"""Pictures to try a model on: real-looking, and the same every time.

They are cut from the shipped demo clip as the tracker would cut them. Where OpenCV is missing, or
cannot read the clip, smooth noise takes their place.
"""

from __future__ import annotations

import logging
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgehands.landmarks import next_roi

if TYPE_CHECKING:
    from edgehands.hand import FloatArray
    from edgehands.inference import ModelFile

logger = logging.getLogger(__name__)

COUNT = 4
"""How many pictures."""

# ImportError: no OpenCV; the others: no clip, or one that it cannot decode.
_UNREADABLE = (ImportError, OSError, ValueError, KeyError, zipfile.BadZipFile)

_SUBPIXELS = 16
"""The clip's truth counts landmarks in this part of a pixel."""
_GRID = 8
"""Side of the random grid that becomes smooth noise."""


def example_inputs(model: ModelFile) -> FloatArray:
    """Return inputs for `model`, float32 [COUNT, side, side, 3], RGB in 0..1."""
    pictures = np.zeros((COUNT, model.input_size, model.input_size, 3), np.float32)
    try:
        _cut(model, pictures)
    except _UNREADABLE as error:
        # No lost hope: the comparison is a little less telling, and as strict.
        logger.debug("smooth noise instead of the demo clip: %s", error)
        _fill_with_noise(pictures)
    return pictures


def _cut(model: ModelFile, pictures: FloatArray) -> None:
    """Fill `pictures` from the demo clip: whole frames, or the regions of hands."""
    from edgehands.imaging import Cropper, Letterboxer, read_frames  # OpenCV may be missing

    folder = Path(str(files("edgehands"))) / "synthetic"
    with np.load(folder / "demo.npz") as truth:
        hands = np.linspace(0, len(truth["frame"]) - 1, COUNT + 2).astype(int)[1:-1]
        numbers = truth["frame"][hands].tolist()
        landmarks = truth["landmarks"][hands].astype(np.float32) / _SUBPIXELS
    for place, image in enumerate(read_frames(folder / "demo.mp4", numbers)):
        if model.role == "palm":
            Letterboxer(model.input_size)(image, pictures[place])
        else:
            roi = next_roi(landmarks[place])
            Cropper(model.input_size)(image, roi, pictures[place])


def _fill_with_noise(pictures: FloatArray) -> None:
    """Fill `pictures` [n, side, side, 3] with noise that changes over an eighth of the side."""
    side = pictures.shape[1]
    grid = np.random.default_rng(0).random((len(pictures), _GRID, _GRID, 3))
    weights = _stretch(side)
    pictures[:] = np.einsum("yi,nijc,xj->nyxc", weights, grid, weights)


def _stretch(side: int) -> FloatArray:
    """Return [side, _GRID]: how much of each grid value is in each pixel of a line."""
    places = np.linspace(0, _GRID - 1, side)
    distance = np.abs(places[:, None] - np.arange(_GRID))
    shares: FloatArray = np.clip(1 - distance, 0, 1).astype(np.float32)
    return shares

"""Pictures to quantise a model with: what the runtime itself would show to it.

They are whole frames in the palm detector's square, and the regions of hands that the tracker cuts,
of the synthetic set and of the user's own clips.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands import landmarks as landmark_maths
from edgehands import palm as palm_maths
from edgehands.cameras import open_camera
from edgehands.errors import InputError
from edgehands.imaging import Cropper, Letterboxer
from edgehands.settings import TrackerSettings
from edgehands.synthetic.dataset import accuracy_set
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edgehands.hand import FloatArray, ImageArray
    from edgehands.inference import ModelFile
    from edgehands.models.store import Folder

CALIBRATION_SEED = 52_361
"""Of the synthetic pictures that ranges are taken from; the gate's are others."""
PICTURES = 64
"""Of the synthetic set; they give about twice as many crops."""

_EVERY = 8
"""Of a clip's frames, one in so many: neighbours show the same."""
_CLIP_FRAMES = 48


@dataclass(frozen=True, slots=True)
class Calibration:
    """Pictures in the form in which the models get them, RGB in 0..1."""

    crops: list[FloatArray]
    """float32 [224, 224, 3]: regions of hands, as detected and as tracked."""
    squares: list[FloatArray]
    """float32 [192, 192, 3]: whole pictures, letterboxed."""

    def of(self, model: ModelFile) -> list[FloatArray]:
        """Return those that `model` is for."""
        return self.squares if model.role == "palm" else self.crops


def calibration(
    clips: Sequence[str] = (), *, pictures: int = PICTURES, folder: Folder | None = None
) -> Calibration:
    """Collect calibration pictures from the synthetic set and from the user's clips.

    Args:
        clips: video files or folders of images, as `open_camera` takes them.
        pictures: how many of the synthetic set.
        folder: model folder; None searches the usual places.

    Raises:
        InputError: a clip cannot be read, or shows no hand.
        ModelError: the models that find the hands are missing.
    """
    found = Calibration([], [])
    settings = TrackerSettings(second_pass=True, models=str(folder) if folder else None)
    with HandTracker("full", "tflite", max_hands=4, static=True, settings=settings) as tracker:
        synthetic = accuracy_set(CALIBRATION_SEED, pictures)
        _collect((sample.image for sample in synthetic), tracker, found)
        for clip in clips:
            before = len(found.crops)
            _collect(_frames(clip), tracker, found)
            if len(found.crops) == before:
                raise InputError(f"{clip} shows no hand to calibrate with: leave it out")
    return found


def _frames(clip: str) -> Iterator[ImageArray]:
    """Yield frames from the beginning of a clip."""
    with open_camera(clip) as camera:
        for number, frame in enumerate(camera):
            if number >= _EVERY * _CLIP_FRAMES:
                return
            if number % _EVERY == 0:
                yield frame.image


def _collect(images: Iterable[ImageArray], tracker: HandTracker, into: Calibration) -> None:
    letterbox, crop = Letterboxer(palm_maths.INPUT_SIDE), Cropper(landmark_maths.INPUT_SIDE)
    for image in images:
        tracker.update(image)
        square = _blank(palm_maths.INPUT_SIDE)
        letterbox(image, square)
        into.squares.append(square)
        for roi in tracker.last.rois:
            region = _blank(landmark_maths.INPUT_SIDE)
            crop(image, roi, region)
            into.crops.append(region)


def _blank(side: int) -> FloatArray:
    return np.zeros((side, side, 3), np.float32)

"""Which cameras could be the source, and what one of them sees."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgehands.cameras import open_camera
from edgehands.cameras.v4l2 import find_devices
from edgehands.drawing import draw_hands
from edgehands.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT = "synthetic:"
"""The source of who has no camera: drawn hands."""

_SECONDS = 2.0  # that a camera has to get used to the light
_WARM_FRAMES = 15


@dataclass(frozen=True, slots=True)
class Candidate:
    """A camera that may be meant."""

    source: str
    what: str
    """In words."""


def candidates() -> list[Candidate]:
    """List the cameras of this machine; the last one is none at all."""
    found = [
        # The name stays, whatever order cameras are plugged in.
        Candidate(f"usb:{device.ids[0]}" if device.ids else device.path, str(device))
        for device in find_devices()
    ]
    if importlib.util.find_spec("picamera2") is not None:
        found.append(Candidate("csi:", "the camera at the ribbon cable (picamera2)"))
    return [*found, Candidate(WITHOUT, "no camera: drawn hands, to try everything else")]


@dataclass(frozen=True, slots=True)
class Look:
    """What a camera sees."""

    width: int
    height: int
    hands: int
    trouble: str = ""
    """Why there is no picture, if it could not be written."""


def look(source: str, picture: Path) -> Look:
    """Open a camera, and draw the hands of one of its first pictures into a file.

    Raises:
        EdgeHandsError: the camera or a model cannot be opened.
    """
    from edgehands.outputs.video import write_picture
    from edgehands.tracker import HandTracker

    with open_camera(source) as camera, HandTracker() as tracker:
        end = time.monotonic() + _SECONDS
        for count, frame in enumerate(camera, 1):
            hands = tracker.update(frame.image, frame.time)
            if hands or count >= _WARM_FRAMES or time.monotonic() > end:
                break
        trouble = ""
        try:
            write_picture(picture, draw_hands(frame.image, hands)[:, :, ::-1].copy())
        except InputError as error:
            trouble = str(error)
        height, width = frame.image.shape[:2]
        return Look(width, height, len(hands), trouble)

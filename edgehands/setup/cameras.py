"""Which cameras could be the source, and what one of them sees."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.cameras import open_camera
from edgehands.cameras.v4l2 import find_devices
from edgehands.drawing import draw_hands
from edgehands.errors import InputError

if TYPE_CHECKING:
    from edgehands.cameras.v4l2 import Device

WITHOUT = "synthetic:"
"""The source of who has no camera: drawn hands."""

_NAMES = Path("/sys/class/video4linux")
_PARTS = ("unicam", "rp1-cfe", "bcm2835-isp", "bcm2835-codec", "pispbe")
"""What a Raspberry Pi's receivers, converters and codecs are called: they capture, and give no
picture without libcamera, which picamera2 has."""

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
    named, others = [], []
    for device in find_devices():
        if device.ids:  # the name stays, whatever order cameras are plugged in
            named.append(Candidate(f"usb:{device.ids[0]}", str(device)))
        elif not _name(device).startswith(_PARTS):
            others.append(Candidate(device.path, str(device)))
    if importlib.util.find_spec("picamera2") is not None:
        named.append(Candidate("csi:", "the camera at the ribbon cable (picamera2)"))
    without = Candidate(WITHOUT, "no camera: drawn hands, to try everything else")
    return [*named, *others, without]


def _name(device: Device) -> str:
    """Return what the driver calls a device, "" if that is not to be had."""
    try:
        return (_NAMES / Path(device.path).name / "name").read_text(encoding="utf-8")
    except OSError:
        return ""


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

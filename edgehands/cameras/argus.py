"""A Jetson's ribbon camera: a GStreamer pipeline. Not tried on hardware yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.cameras import gstreamer
from edgehands.errors import UsageError

if TYPE_CHECKING:
    from edgehands.cameras.gstreamer import PipelineCamera

DEFAULT_WIDTH, DEFAULT_HEIGHT, DEFAULT_FPS = 1280, 720, 30.0


def open_camera(
    address: str,
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
) -> PipelineCamera:
    """Open the camera with a number; "" is the first.

    Raises:
        UsageError: `address` is no number.
        RuntimeMissingError: PyGObject, GStreamer or NVIDIA's plug-ins are not installed.
        DeviceError: there is no such camera, or another program has it.
    """
    number, rate = _number(address), fps or DEFAULT_FPS
    size = width or DEFAULT_WIDTH, height or DEFAULT_HEIGHT
    return gstreamer.open_camera(pipeline(number, *size, rate), fps=rate)


def find(address: str) -> str:
    """Say whether there is what it is opened with, without opening it, in words.

    Raises:
        UsageError: as `open_camera`.
        RuntimeMissingError: as `open_camera`.
    """
    number = _number(address)
    gstreamer.find(pipeline(number, DEFAULT_WIDTH, DEFAULT_HEIGHT, DEFAULT_FPS))
    return f"argus:{number} by NVIDIA's plug-ins"


def _number(address: str) -> int:
    if address and not (address.isascii() and address.isdigit()):
        raise UsageError(f"camera 'argus:{address}': write argus: or argus:1")
    return int(address or 0)


def pipeline(number: int, width: int, height: int, fps: float) -> str:
    """Return the part up to pictures that the CPU can read."""
    return (
        f"nvarguscamerasrc sensor-id={number} ! video/x-raw(memory:NVMM),width={width},"
        f"height={height},framerate={round(fps)}/1 ! nvvidconv ! video/x-raw,format=BGRx"
    )

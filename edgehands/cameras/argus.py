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
    if address and not (address.isascii() and address.isdigit()):
        raise UsageError(f"camera 'argus:{address}': write argus: or argus:1")
    return gstreamer.open_camera(
        pipeline(
            int(address or 0),
            width or DEFAULT_WIDTH,
            height or DEFAULT_HEIGHT,
            fps or DEFAULT_FPS,
        ),
        fps=fps or DEFAULT_FPS,
    )


def pipeline(number: int, width: int, height: int, fps: float) -> str:
    """Return the part up to pictures that the CPU can read."""
    return (
        f"nvarguscamerasrc sensor-id={number} ! video/x-raw(memory:NVMM),width={width},"
        f"height={height},framerate={round(fps)}/1 ! nvvidconv ! video/x-raw,format=BGRx"
    )

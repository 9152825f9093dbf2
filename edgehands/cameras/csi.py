"""A Raspberry Pi's ribbon camera through picamera2. Not tried on hardware yet."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from edgehands.cameras.live import LiveCamera, nominal_fps
from edgehands.errors import DeviceError, RuntimeMissingError, UsageError
from edgehands.frame import Frame

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    from edgehands.hand import ImageArray

DEFAULT_WIDTH, DEFAULT_HEIGHT = 1280, 720
MAX_STAMP_AGE = 1.0
"""Seconds; a sensor's time stamp that is older, or in the future, is on another clock."""


def open_camera(
    address: str,
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
) -> CsiCamera:
    """Open the camera with a number, as `rpicam-hello --list-cameras` counts them; "" is the first.

    Raises:
        UsageError: `address` is no number.
        RuntimeMissingError: picamera2 is not installed.
        DeviceError: there is no such camera, or another program has it.
    """
    size = (width or DEFAULT_WIDTH, height or DEFAULT_HEIGHT)
    return CsiCamera(_number(address), size, fps)


def find(address: str) -> str:
    """Say which camera that is, without opening it, in words.

    Raises:
        UsageError: as `open_camera`.
        RuntimeMissingError: as `open_camera`.
        DeviceError: there is no such camera.
    """
    number = _number(address)
    cameras = _picamera2().global_camera_info()
    known = {each.get("Num", place): each for place, each in enumerate(cameras)}
    if number not in known:
        count = f"{len(cameras)} of them" if cameras else "no camera at all"
        raise DeviceError(
            f"csi:{number}: libcamera sees {count}; look at: rpicam-hello --list-cameras"
        )
    return f"csi:{number} {known[number].get('Model', '')}".rstrip()


def _number(address: str) -> int:
    if address and not (address.isascii() and address.isdigit()):
        raise UsageError(f"camera 'csi:{address}': write csi: or csi:1")
    return int(address or 0)


class CsiCamera(LiveCamera):
    """Frames of the main stream: lores is YUV420 only before the Pi 5."""

    def __init__(self, number: int, size: tuple[int, int], fps: float | None) -> None:
        self.source = f"csi:{number}"
        self._last = 0.0
        self._device = _device(number)
        try:
            self._device.configure(_configuration(self._device, size, fps))
            self._device.start()
        except Exception as error:
            self._device.close()
            raise DeviceError(
                f"{self.source} cannot be started ({error}); does this work: rpicam-hello"
            ) from error
        self.fps = nominal_fps(0.0, fps)
        self._start()

    def _frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        try:
            while not stop.is_set():
                (image,), metadata = self._device.capture_arrays(["main"])
                captured = self._stamp(metadata)
                yield Frame(image=_tidy(image), time=captured, captured=captured)
        except RuntimeError as error:
            raise DeviceError(
                f"{self.source} stopped giving frames ({error}); look at: dmesg | tail"
            ) from error
        finally:
            self._device.close()

    def _stamp(self, metadata: dict[str, Any]) -> float:
        """Return when the sensor took the frame, by time.monotonic(), which rises."""
        now = time.monotonic()
        # Its clock goes on while the machine sleeps; ours does not.
        asleep = time.clock_gettime(time.CLOCK_BOOTTIME) - now
        stamp = metadata.get("SensorTimestamp", 0) / 1e9 - asleep
        sane = max(self._last, now - MAX_STAMP_AGE) < stamp <= now
        self._last = stamp if sane else now
        return self._last


def _picamera2() -> Any:
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise RuntimeMissingError(
            f"csi: needs picamera2, which cannot be imported ({error}): sudo apt install "
            "python3-picamera2, and make the virtual environment with --system-site-packages"
        ) from error
    return Picamera2


def _device(number: int) -> Any:
    library = _picamera2()
    try:
        return library(number)
    except (IndexError, RuntimeError) as error:
        raise DeviceError(
            f"csi:{number}: no such camera, or another program has it ({error}); look at: "
            "rpicam-hello --list-cameras"
        ) from error


def _configuration(device: Any, size: tuple[int, int], fps: float | None) -> object:
    return device.create_video_configuration(
        # libcamera names bytes from the last to the first: these are R, G, B in memory.
        main={"size": size, "format": "BGR888"},
        controls={"FrameRate": fps} if fps else {},
        buffer_count=3,
        queue=False,
    )


def _tidy(image: ImageArray) -> ImageArray:
    """Return three channels in row order, without a copy where they are."""
    return cast("ImageArray", np.ascontiguousarray(image[:, :, :3]))

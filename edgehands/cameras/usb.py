"""USB cameras, and whatever else speaks V4L2, through OpenCV: always the newest frame."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, cast

from edgehands.cameras.base import Camera
from edgehands.cameras.newest import Newest
from edgehands.cameras.opencv import cv2, quiet
from edgehands.cameras.v4l2 import check_device, find_device
from edgehands.errors import DeviceError
from edgehands.frame import Frame

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    from edgehands.hand import ImageArray

logger = logging.getLogger(__name__)

FALLBACK_FPS = 30.0
"""For a driver that does not say."""
MAX_FPS = 1000.0
PATIENCE = 5.0
"""Seconds without a frame after which the camera counts as lost; the first may take 2."""
MAX_STAMP_AGE = 1.0
"""Seconds; a driver's time stamp that is older, or in the future, is on another clock."""


def open_camera(
    address: str,
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
) -> UsbCamera:
    """Open a device by node (/dev/video0) or by its name in /dev/v4l/by-id or a part of it.

    Raises:
        DeviceError: it is absent, forbidden, busy or no camera.
    """
    device = address if address.startswith("/dev/") else find_device(address).path
    return UsbCamera(device, width=width, height=height, fps=fps)


class UsbCamera(Camera):
    """A V4L2 camera read by a thread of its own; times are the driver's monotonic stamps."""

    live = True

    def __init__(
        self,
        device: str,
        *,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.source = device
        self._device = device
        self._patience = patience
        self._last = 0.0
        check_device(device)
        self._capture = _open_capture(device, width, height, fps)
        given = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = given if 0 < given <= MAX_FPS else fps or FALLBACK_FPS
        self._newest = Newest(self._frames, name=f"camera {device}")

    def __next__(self) -> Frame:
        try:
            frame = self._newest.take(self._patience)
        except TimeoutError as error:
            raise DeviceError(
                f"{self._device} gave no frame for {self._patience:g} s; look at: dmesg | tail"
            ) from error
        self.dropped = self._newest.dropped
        if frame is None:
            raise StopIteration
        return frame

    def close(self) -> None:
        """Stop the thread, which frees the device; a driver that hangs is left behind."""
        if not self._newest.close():
            logger.warning(
                "%s: the driver hangs; its thread is left behind",
                self._device,
                extra={"code": "EH1101"},
            )

    def _frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        try:
            while not stop.is_set():
                ok, image = self._capture.read()
                if not ok:
                    raise DeviceError(
                        f"{self._device} stopped giving frames: unplugged? look at: dmesg | tail"
                    )
                captured = self._stamp()
                rgb = cast("ImageArray", cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
                yield Frame(image=rgb, time=captured, captured=captured)
        finally:
            self._capture.release()

    def _stamp(self) -> float:
        """Return when the frame just read was taken: the driver's stamp, or now without one.

        Later than the frame before in any case: a driver's first stamps may stand still.
        """
        now = time.monotonic()
        stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        sane = max(self._last, now - MAX_STAMP_AGE) < stamp <= now
        self._last = stamp if sane else now
        return self._last


def _open_capture(
    device: str, width: int | None, height: int | None, fps: float | None
) -> cv2.VideoCapture:
    wanted = [
        # Raw pictures of 720p do not fit through USB 2 at 30 fps. The format goes first: sizes
        # and rates are chosen from those it has.
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG")),  # type: ignore[attr-defined,unused-ignore]
        (cv2.CAP_PROP_FRAME_WIDTH, width),
        (cv2.CAP_PROP_FRAME_HEIGHT, height),
        (cv2.CAP_PROP_FPS, fps),
        # The driver's own queue would hand over old frames.
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    ]
    with quiet():
        capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise DeviceError(
                f"{device} cannot be opened: another program may use it; see which: "
                f"fuser -v {device}"
            )
        for name, value in wanted:
            if value is not None:
                capture.set(name, value)
    _report_size(device, capture, width, height)
    return capture


def _report_size(
    device: str, capture: cv2.VideoCapture, width: int | None, height: int | None
) -> None:
    given = (
        int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
    )
    if (width or given[0], height or given[1]) != given:
        logger.warning(
            "%s gives %d×%d, not %s×%s; what it can do: v4l2-ctl -d %s --list-formats-ext",
            device,
            *given,
            width or "any",
            height or "any",
            device,
            extra={"code": "EH1102"},
        )

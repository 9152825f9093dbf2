"""USB cameras, and whatever else speaks V4L2, through OpenCV: always the newest frame."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, cast

from edgehands.cameras.live import PATIENCE, LiveCamera, nominal_fps
from edgehands.cameras.opencv import cv2, quiet
from edgehands.cameras.v4l2 import check_device, find_device, is_absent
from edgehands.errors import DeviceError
from edgehands.frame import Frame

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    from edgehands.hand import ImageArray

logger = logging.getLogger(__name__)

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


class UsbCamera(LiveCamera):
    """A V4L2 camera read by a thread of its own; times are the driver's monotonic stamps."""

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
        self.fps = nominal_fps(self._capture.get(cv2.CAP_PROP_FPS), fps)
        self._start()

    def _frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        try:
            while not stop.is_set():
                if not self._capture.grab():
                    raise DeviceError(self._ending())
                captured = self._stamp()
                ok, image = self._capture.retrieve()
                if not ok or image is None:  # half a JPEG, from a bad cable
                    self.rejected += 1
                    continue
                rgb = cast("ImageArray", cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
                yield Frame(image=rgb, time=captured, captured=captured)
        finally:
            self._capture.release()

    def _ending(self) -> str:
        if is_absent(self._device):
            return f"{self._device} was unplugged: plug it in again"
        return f"{self._device} stopped giving frames; look at: dmesg | tail"

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

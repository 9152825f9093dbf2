"""What cameras with a pace of their own share: a thread that reads, and its newest frame."""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import TYPE_CHECKING

from edgehands.cameras.base import Camera
from edgehands.cameras.newest import Newest
from edgehands.errors import DeviceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    from edgehands.frame import Frame

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds without a frame after which `next` gives up; the first may take 2."""
FALLBACK_FPS = 30.0
"""For a device that does not say."""
MAX_FPS = 1000.0
"""A device that claims more does not know."""


class LiveCamera(Camera):
    """A camera that a thread reads; the subclass calls `_start` when it is open."""

    live = True
    _patience: float = PATIENCE
    _newest: Newest[Frame]

    def __next__(self) -> Frame:
        frame = self.take(self._patience)
        if frame is None:
            raise DeviceError(
                f"{self.source} gave no frame for {self._patience:g} s; look at: dmesg | tail"
            )
        return frame

    def take(self, timeout: float) -> Frame | None:
        """Return the newest frame, or None if there was no new one in so many seconds.

        Raises:
            StopIteration: the camera is closed, or at its end.
            EdgeHandsError: what ended the reading.
        """
        try:
            frame = self._newest.take(timeout)
        except TimeoutError:
            return None
        self.dropped = self._newest.dropped
        if frame is None:
            raise StopIteration
        return frame

    def close(self) -> None:
        """Stop the thread, which frees the device; one that hangs in a driver is left behind."""
        if not self._newest.close():
            logger.warning(
                "%s: the driver hangs; its thread is left behind",
                self.source,
                extra={"code": "EH1101"},
            )

    def _start(self) -> None:
        self._newest = Newest(self._frames, name=f"camera {self.source}")

    @abstractmethod
    def _frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        """Read until `stop`, and free the device in a `finally`."""


def nominal_fps(given: float, asked: float | None) -> float:
    """Return the rate that a device gave, if it can be one; else the one asked for, else 30."""
    return given if 0 < given <= MAX_FPS else asked or FALLBACK_FPS

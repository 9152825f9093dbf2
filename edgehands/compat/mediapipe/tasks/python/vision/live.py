"""A live stream: one frame under way, one that waits, and a callback for each that was done."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from edgehands.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.compat.mediapipe.tasks.python.vision.core.image import Image
    from edgehands.compat.mediapipe.tasks.python.vision.options import (
        HandLandmarkerResult,
        ResultCallback,
    )
    from edgehands.compat.mediapipe.tasks.python.vision.upright import Upright

    Find = Callable[[Image, int, Upright], HandLandmarkerResult]
    Item = tuple[Image, int, Upright]


class Live:
    """A thread that looks at the newest frame it was given.

    Args:
        find: looks at a frame.
        callback: told of it, in this thread; what it raises is raised by the next `give`, or by
            `close`.
    """

    def __init__(self, find: Find, callback: ResultCallback) -> None:
        self._find = find
        self._callback = callback
        self._changed = threading.Condition()
        self._waiting: Item | None = None
        self._closing = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="hand landmarker", daemon=True)
        self._thread.start()

    def give(self, image: Image, timestamp_ms: int, upright: Upright) -> None:
        """Let a frame be the next, instead of one that still waits.

        Raises:
            ValueError: this was closed.
        """
        with self._changed:
            self._raise()
            if self._closing:
                raise UsageError("this hand landmarker is closed: make another one")
            self._waiting = (image, timestamp_ms, upright)
            self._changed.notify()

    def close(self) -> None:
        """Finish what waits, and end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()
            self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self) -> None:
        while (item := self._next()) is not None:
            image, timestamp_ms, upright = item
            try:
                self._callback(self._find(image, timestamp_ms, upright), image, timestamp_ms)
            except Exception as error:  # noqa: BLE001 (the thread that gives frames gets it)
                with self._changed:
                    self._error = error

    def _next(self) -> Item | None:
        with self._changed:
            while self._waiting is None and not self._closing:
                self._changed.wait()
            item, self._waiting = self._waiting, None
            return item

"""`test:`, a camera for trying what happens when a camera fails: it does so when it is told to."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from edgehands.cameras.faults import Script, parse
from edgehands.cameras.file import VideoFile
from edgehands.cameras.live import LiveCamera
from edgehands.cameras.opencv import cv2
from edgehands.errors import DeviceError
from edgehands.frame import Frame
from edgehands.synthetic import DEMO_CLIP

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Iterator

    from edgehands.hand import ImageArray

DEFAULT_FPS = 30.0
DEFAULT_WIDTH, DEFAULT_HEIGHT = 640, 480
_SLOW = 10
"""One frame of so many is given by a slow camera."""
_NOISE = 4


def open_camera(
    address: str,
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
) -> FaultyCamera:
    """Open it; `edgehands.cameras.faults` has the words of its address.

    Raises:
        UsageError: a word or number that means nothing.
        DeviceError: it is "unplugged".
        InputError: its clip cannot be read.
    """
    return FaultyCamera(
        parse(address),
        width=width or DEFAULT_WIDTH,
        height=height or DEFAULT_HEIGHT,
        fps=fps or DEFAULT_FPS,
    )


class FaultyCamera(LiveCamera):
    """A moving pattern or a clip at the pace of a live camera, with faults by a script."""

    def __init__(self, script: Script, *, width: int, height: int, fps: float) -> None:
        self.source = "test:"
        self.fps = fps
        self._script = script
        self._began = time.monotonic() if script.start is None else script.start
        self._random = np.random.default_rng(script.seed)
        self._noise = self._random.integers(0, _NOISE, (height + 64, width + 64, 1), np.uint8)
        self._check_plug()
        self._images = (
            _pattern(width, height) if script.clip is None else _clip(script.clip, width, height)
        )
        self._image = next(self._images)
        self._start()

    def _frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        before = self._now()
        for index in itertools.count(int(before * self.fps) + 1):
            due = index / self.fps
            if stop.wait(max(0.0, due - self._now())):
                return
            now = self._now()
            if now - due > 1 / self.fps:
                continue
            self._break_down(before, now)
            before = now
            if self._is_silent(index, now):
                continue
            image = self._shown(now)
            if image is None:
                self.rejected += 1
            else:
                yield Frame(image=image, time=due, captured=self._began + due)

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _check_plug(self) -> None:
        if self._script.has("unplug", self._now()):
            raise DeviceError("test: is unplugged, as it was told; wait until that is over")

    def _break_down(self, before: float, now: float) -> None:
        self._check_plug()
        if self._script.passed("crash", before, now):
            os.abort()
        if self._script.passed("hang", before, now):
            os.kill(os.getpid(), signal.SIGSTOP)

    def _is_silent(self, index: int, now: float) -> bool:
        is_slow = self._script.has("slow", now) and index % _SLOW
        return bool(is_slow or self._script.has("stall", now))

    def _shown(self, now: float) -> ImageArray | None:
        """Return the next picture, as spoilt as it has to be now; None if nothing is left of it."""
        if self._script.has("freeze", now):
            return self._image
        self._image = self._with_noise(next(self._images))
        if self._script.has("dark", now):
            return self._with_noise(np.zeros_like(self._image))
        if self._script.has("resize", now):
            return np.ascontiguousarray(self._image[::2, ::2])
        if self._script.has("garbage", now):
            return self._spoilt(self._image)
        return self._image

    def _with_noise(self, image: ImageArray) -> ImageArray:
        """Add a sensor's noise: a piece of the one there is, from another place each time."""
        height, width = image.shape[:2]
        top, left = self._random.integers(0, 64, 2)
        noise = self._noise[top : top + height, left : left + width]
        return cast("ImageArray", cv2.add(image, np.repeat(noise, 3, axis=2)))

    def _spoilt(self, image: ImageArray) -> ImageArray | None:
        """Send it as a JPEG through a bad cable."""
        _, content = cv2.imencode(".jpg", image)
        content = content[: int(self._random.integers(0, len(content)))]
        if len(content):
            content[self._random.integers(0, len(content), 40)] = 0
        return cast("ImageArray | None", cv2.imdecode(content, cv2.IMREAD_COLOR))


def _pattern(width: int, height: int) -> Iterator[ImageArray]:
    """Draw coloured bars that wander to the left, for ever."""
    columns = np.arange(width)
    colours = np.array([[40, 60, 160], [200, 200, 190], [40, 140, 60], [190, 60, 50]], np.uint8)
    for step in itertools.count():
        row = colours[(columns + 3 * step) // max(1, width // 8) % len(colours)]
        yield np.ascontiguousarray(np.broadcast_to(row, (height, width, 3)))


def _clip(path: str, width: int, height: int) -> Iterator[ImageArray]:
    """Show a video again and again, in this size."""
    name = str(DEMO_CLIP) if path == "demo" else path
    while True:
        with VideoFile(Path(name).expanduser()) as clip:
            for frame in clip:
                yield cast("ImageArray", cv2.resize(frame.image, (width, height)))

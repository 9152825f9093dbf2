"""Pictures and clips to read, and decoders and drivers that answer as told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    import pytest

    from edgehands.hand import ImageArray

WIDTH, HEIGHT, FRAMES, FPS = 160, 120, 30, 25.0


def picture(red: int, width: int = WIDTH, height: int = HEIGHT) -> ImageArray:
    """Plain RGB colour whose red tells the frame."""
    return np.full((height, width, 3), (red, 30, 10), np.uint8)


def write_video(path: Path, codec: str = "mp4v", frames: int = FRAMES) -> Path:
    code = cv2.VideoWriter_fourcc(*codec)  # type: ignore[attr-defined,unused-ignore]
    writer = cv2.VideoWriter(str(path), code, FPS, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for index in range(frames):
        writer.write(cv2.cvtColor(picture(40 + 6 * index), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


class FakeCapture:
    """A decoder or driver with the answers that are hard to make a real one give."""

    def __init__(
        self,
        times: list[float],
        properties: dict[int, float] | None = None,
        *,
        pause: float = 0.0,
        opened: bool = True,
        blocked: threading.Event | None = None,
    ) -> None:
        self.times = times
        self.properties = dict(properties or {})
        self.asked: list[tuple[int, float]] = []
        self.released = False
        self.spoilt: set[int] = set()
        self._pause = pause
        self._opened = opened
        self._blocked = blocked
        self._count = 0

    def isOpened(self) -> bool:  # noqa: N802
        return self._opened

    def grab(self) -> bool:
        time.sleep(self._pause)
        if self._blocked:
            self._blocked.wait(20)
        self._count += 1
        return self._count <= len(self.times)

    def retrieve(self) -> tuple[bool, ImageArray | None]:
        if self._count in self.spoilt:
            return False, None
        return True, picture(self._count)[:, :, ::-1].copy()

    def read(self) -> tuple[bool, ImageArray | None]:
        return self.retrieve() if self.grab() else (False, None)

    def get(self, name: int) -> float:
        if name == cv2.CAP_PROP_POS_MSEC:
            return self.times[self._count - 1] * 1000
        return self.properties.get(name, 0.0)

    def set(self, name: int, value: float) -> bool:
        self.asked.append((name, value))
        return True

    def release(self) -> None:
        self.released = True


def fake_capture(monkeypatch: pytest.MonkeyPatch, capture: FakeCapture) -> FakeCapture:
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: capture)
    return capture

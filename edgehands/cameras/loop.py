"""A video over and over at its own pace, as if it came from a live camera."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edgehands.cameras import file
from edgehands.cameras.live import LiveCamera
from edgehands.frame import Frame

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator


def open_camera(
    address: str,
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
) -> LoopCamera:
    """Open the video at path `address`; `fps` counts only where the file names none.

    Raises:
        InputError: no such file, or nothing in it that FFmpeg can decode.
    """
    return LoopCamera(address, file.open_camera(address, width=width, height=height, fps=fps))


class LoopCamera(LiveCamera):
    """Plays a video in real time: one that is taken too slowly loses frames, as a camera does.

    Times go on rising from one round to the next.
    """

    def __init__(self, address: str, video: file.VideoFile) -> None:
        self.source = f"loop:{address}"
        self.fps = video.fps
        self._address = address
        self._video = video
        self._start()

    def close(self) -> None:
        """Stop playing."""
        super().close()
        self._video.close()

    def _frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        start = time.monotonic()
        begin = 0.0  # of this round, in the camera's time
        while True:
            last = begin
            with self._video as video:
                for frame in video:
                    last = begin + frame.time
                    if stop.wait(max(0.0, start + last - time.monotonic())):
                        return
                    yield Frame(frame.image, last, start + last)
            begin = last + 1 / self.fps
            self._video = file.open_camera(self._address, fps=self.fps)

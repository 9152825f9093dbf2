"""Network cameras, RTSP and HTTP, through OpenCV's FFmpeg: always the newest frame."""

from __future__ import annotations

import os
import re
import socket
import time
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from edgehands.cameras.live import LiveCamera, nominal_fps
from edgehands.cameras.opencv import cv2, quiet
from edgehands.errors import DeviceError, UsageError
from edgehands.frame import Frame
from edgehands.redaction import redacted

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Iterator

    from edgehands.hand import ImageArray

SILENCE = 3.0
"""Seconds that the network may be silent."""
OPENING = 12.0
"""Seconds until the first frame: a camera may take some to send a whole picture."""
_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def open_camera(
    address: str,
    *,
    width: int | None = None,  # noqa: ARG001 (a stream has its own size)
    height: int | None = None,  # noqa: ARG001
    fps: float | None = None,
) -> StreamCamera:
    """Open the stream at a URL, which may hold a password; `fps` counts where it names none.

    Raises:
        DeviceError: nobody answers, or it is no video.
    """
    return StreamCamera(address, fps=fps)


def find(address: str) -> str:
    """Say who answers at a URL's host and port, without asking for the stream.

    Raises:
        UsageError: the URL names no host, or a port that is none.
        DeviceError: nobody answers.
    """
    shown = redacted(address)
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or _PORTS[parts.scheme.lower()]
    except ValueError as error:
        raise UsageError(f"camera {shown!r}: {error}") from error
    if not host:
        raise UsageError(f"camera {shown!r} names no host: write rtsp://host/path")
    try:
        socket.create_connection((host, port), SILENCE).close()
    except OSError as error:
        why = error.strerror or f"no answer in {SILENCE:g} s"
        raise DeviceError(
            f"{host} port {port}: {why}; is the camera on, and this its address? "
            f"try: ffplay {shown}"
        ) from error
    return f"{host} answers on port {port}"


class StreamCamera(LiveCamera):
    """A stream, read as fast as it comes, so that nothing old waits in between.

    A frame's times are those of its arrival: when it was taken, nobody says.
    """

    def __init__(self, url: str, *, fps: float | None = None) -> None:
        self.source = redacted(url)
        self._capture = _open_capture(url)
        if not self._capture.isOpened():
            self._capture.release()
            raise DeviceError(
                f"{self.source} cannot be opened: wrong address or password, or nobody there; "
                f"try: ffplay {self.source}"
            )
        self.fps = nominal_fps(self._capture.get(cv2.CAP_PROP_FPS), fps)
        self._start()

    def _frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        try:
            while not stop.is_set():
                if not self._capture.grab():
                    raise DeviceError(
                        f"{self.source} ended or fell silent; try: ffplay {self.source}"
                    )
                captured = time.monotonic()
                ok, image = self._capture.retrieve()
                if not ok or image is None:
                    self.rejected += 1
                    continue
                rgb = cast("ImageArray", cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
                yield Frame(image=rgb, time=captured, captured=captured)
        finally:
            self._capture.release()


def _open_capture(url: str) -> cv2.VideoCapture:
    wanted = {
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: int(1000 * OPENING),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC: int(1000 * SILENCE),
    }
    if hasattr(cv2, "CAP_PROP_N_THREADS"):
        # Several would each hold a frame back: 30 fps come 0.1 s later with four than with one.
        wanted[cv2.CAP_PROP_N_THREADS] = 1
    with quiet(), _options():
        return cv2.VideoCapture(url, cv2.CAP_FFMPEG, [*chain.from_iterable(wanted.items())])


@contextmanager
def _options() -> Iterator[None]:
    """Set FFmpeg's options inside the block, unless the user has: files want none of them."""
    if _OPTIONS in os.environ:
        yield
        return
    os.environ[_OPTIONS] = _ffmpeg_options()
    try:
        yield
    finally:
        del os.environ[_OPTIONS]


def _ffmpeg_options() -> str:
    """Return what FFmpeg is told besides the URL; what a protocol does not know it ignores."""
    silence = int(1e6 * SILENCE)
    # The socket's own limit had another name before FFmpeg 5, where `timeout` meant a server's.
    version = re.search(r"avformat:\s+YES \((\d+)", cv2.getBuildInformation())
    is_old = version is not None and int(version[1]) < 59
    limit = f"stimeout;{silence}" if is_old else f"timeout;{silence}"
    return f"rtsp_transport;tcp|{limit}|rw_timeout;{silence}|fflags;nobuffer"

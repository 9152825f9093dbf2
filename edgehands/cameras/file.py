"""Video files, read as fast as the consumer takes them."""

from __future__ import annotations

import logging
import math
import shlex
import stat
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from edgehands.cameras.base import Camera
from edgehands.cameras.opencv import cv2, quiet
from edgehands.errors import InputError, RuntimeMissingError
from edgehands.frame import Frame

if TYPE_CHECKING:
    from edgehands.hand import ImageArray

logger = logging.getLogger(__name__)

FALLBACK_FPS = 30.0
"""For a video that does not say, when the caller does not either."""
MAX_FPS = 1000.0
"""A container that claims more means the ticks of its clock."""
MAX_LENGTH = 10**9
"""A container that claims more does not know."""
SHORT = 0.95
"""A video that ends before this share of the frames it claims is reported: it is damaged."""


def open_camera(
    address: str,
    *,
    width: int | None = None,  # noqa: ARG001 (a file has its own size)
    height: int | None = None,  # noqa: ARG001
    fps: float | None = None,
) -> VideoFile:
    """Open the video at path `address`; `fps` counts only where the file names none.

    Raises:
        InputError: no such file, or nothing in it that FFmpeg can decode.
    """
    return VideoFile(Path(address).expanduser(), fps=fps)


class VideoFile(Camera):
    """The frames of a video file, upright, with the file's own times."""

    def __init__(self, path: Path, *, fps: float | None = None) -> None:
        self.source = str(path)
        self._lock = threading.Lock()
        self._count = 0
        self._time = 0.0
        check_readable(path)
        with quiet():
            # An absolute path, because FFmpeg takes what stands before a colon for a protocol.
            self._capture: cv2.VideoCapture | None = cv2.VideoCapture(
                str(path.absolute()), cv2.CAP_FFMPEG
            )
            # A phone's clip says which side is up; OpenCV 4.11 asks to be told to listen.
            self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        # The first frame is decoded here: a file without one must fail when it is opened.
        self._first: ImageArray | None = self._read()
        if self._first is None:
            opened = self._capture.isOpened()
            self.close()
            raise _unreadable(path, opened=opened)
        claimed_fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = claimed_fps if 0 < claimed_fps <= MAX_FPS else fps or FALLBACK_FPS
        claimed_length = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.length = int(claimed_length) if 0 < claimed_length <= MAX_LENGTH else None

    def __next__(self) -> Frame:
        with self._lock:
            if self._capture is None:
                raise StopIteration
            image, self._first = self._first, None
            if image is None:
                image = self._read()
            if image is None:
                self._finish()
                raise StopIteration
            self._time = self._frame_time()
            self._count += 1
            return Frame(image=image, time=self._time, captured=time.monotonic())

    def close(self) -> None:
        """Free the decoder."""
        with self._lock:
            if self._capture is not None:
                self._capture.release()
                self._capture = None

    def _read(self) -> ImageArray | None:
        assert self._capture is not None  # noqa: S101 (for the type checker)
        try:
            ok, image = self._capture.read()
        except cv2.error as error:
            raise InputError(
                f"{self.source}: frame {self._count} cannot be decoded: {error.err}"
            ) from error
        return cast("ImageArray", cv2.cvtColor(image, cv2.COLOR_BGR2RGB)) if ok else None

    def _frame_time(self) -> float:
        """Seconds of the frame just read, always later than the one before.

        OpenCV 4.6 gives 0 for the last frames of a stream with B-frames, some containers give 0
        for all: such frames follow at the nominal rate.
        """
        assert self._capture is not None  # noqa: S101
        seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if self._count == 0:
            return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
        if math.isfinite(seconds) and seconds > self._time:
            return seconds
        return self._time + 1 / self.fps

    def _finish(self) -> None:
        """Say so when the decoder gave up well before the end."""
        if self.length is not None and self._count < SHORT * self.length:
            logger.warning(
                "%s: only %d of its %d frames could be decoded; the file is damaged after %.2f s",
                self.source,
                self._count,
                self.length,
                self._time,
                extra={"code": "EH1103"},
            )
        self.length = self._count


def check_readable(path: Path) -> None:
    """Raise the InputError that says why `path` is no file to read, if it is not."""
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
        # Opening a pipe would wait for its writer.
        has_content = is_file and _has_content(path)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        where = "" if path.is_absolute() else f" in {Path.cwd()}"
        raise InputError(
            f"no file {str(path)!r}{where}: give a video, a folder of images, or a camera such as "
            "/dev/video0"
        ) from error
    except OSError as error:
        raise forbidden(path, error) from error
    if not is_file:
        raise InputError(f"{str(path)!r} is not a file: give a video, or a folder of images")
    if not has_content:
        raise InputError(f"{str(path)!r} is empty: copy or record it again")


def _has_content(path: Path) -> bool:
    with path.open("rb") as file:
        return bool(file.read(1))


def forbidden(path: Path, error: OSError) -> InputError:
    """Say what the system answered when it was asked for `path`."""
    return InputError(
        f"{str(path)!r} cannot be read: {error.strerror}; look at: ls -l {shlex.quote(str(path))}"
    )


def _unreadable(path: Path, *, opened: bool) -> InputError | RuntimeMissingError:
    if cv2.CAP_FFMPEG not in cv2.videoio_registry.getStreamBackends():
        return RuntimeMissingError(
            f"this OpenCV ({cv2.__version__}) was built without FFmpeg and reads no video files: "
            "pip install opencv-python-headless"
        )
    what = "holds no frame that can be decoded" if opened else "is not a video that FFmpeg can read"
    return InputError(f"{str(path)!r} {what}; to see why: ffprobe {shlex.quote(str(path))}")

"""Any GStreamer pipeline, through PyGObject: OpenCV's wheels are built without it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.cameras.live import LiveCamera, nominal_fps
from edgehands.cameras.passwords import PLACE
from edgehands.errors import DeviceError, RuntimeMissingError, UsageError
from edgehands.frame import Frame
from edgehands.redaction import redacted

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    from edgehands.errors import EdgeHandsError
    from edgehands.hand import ImageArray

MAX_STAMP_AGE = 1.0
"""Seconds; a time stamp that is older, or in the future, is on another clock."""
_OPENING_SECONDS = 10
_TURN = 0.25
_SINK = "edgehands"
_INSTALL = (
    "sudo apt install python3-gi gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-base, and make "
    "the virtual environment with --system-site-packages"
)


def open_camera(
    address: str,
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
) -> PipelineCamera:
    """Open a pipeline given without its sink, such as `v4l2src device=/dev/video0 ! decodebin`.

    Its pictures are scaled to `width` and `height`, and frames above `fps` are left out.

    Raises:
        UsageError: no pipeline, or one that GStreamer does not understand.
        RuntimeMissingError: PyGObject, GStreamer or one of its elements is not installed.
        DeviceError: it does not start.
    """
    _check_named(address)
    return PipelineCamera(f"{address} ! {_ending(width, height, fps)}", fps)


def find(address: str) -> str:
    """Say whether GStreamer understands a pipeline and has its elements, without starting it.

    Raises:
        UsageError: as `open_camera`.
        RuntimeMissingError: as `open_camera`.
    """
    _check_named(address)
    gst = _gst()
    _parsed(gst, f"{address.replace(PLACE, 'password')} ! {_ending(None, None, None)}")
    return f"a pipeline that {gst.version_string()} understands"


def _check_named(address: str) -> None:
    if not address.strip():
        raise UsageError("camera 'gstreamer:' names no pipeline: try gstreamer:videotestsrc")


def _ending(width: int | None, height: int | None, fps: float | None) -> str:
    """Return the part that makes RGB pictures of whatever comes and keeps the newest."""
    size = [f"{name}={value}" for name, value in (("width", width), ("height", height)) if value]
    parts = [
        "videoconvert",
        *(["videoscale"] if size else []),
        *([f"videorate drop-only=true max-rate={max(1, round(fps))}"] if fps else []),
        ",".join(["video/x-raw,format=RGB", *size]),
        f"appsink name={_SINK} drop=true max-buffers=1 sync=false",
    ]
    return " ! ".join(parts)


class PipelineCamera(LiveCamera):
    """What comes out of a pipeline; times are its own where its clock is the monotonic one."""

    def __init__(self, description: str, fps: float | None) -> None:
        self.source = "gstreamer:"
        self._last = 0.0
        self._gst = gst = _gst()
        self._pipeline = _parsed(gst, description)
        self._sink = self._pipeline.get_by_name(_SINK)
        self._pipeline.set_state(gst.State.PLAYING)
        change, *_ = self._pipeline.get_state(_OPENING_SECONDS * gst.SECOND)
        if change == gst.StateChangeReturn.FAILURE:
            reason = self._complaint() or "no reason given"
            self._pipeline.set_state(gst.State.NULL)
            raise DeviceError(f"the pipeline does not start: {reason}; try it in: gst-launch-1.0")
        self.fps = nominal_fps(self._rate(), fps)
        self._start()

    def _frames(self, stop: threading.Event) -> Generator[Frame, None, None]:
        try:
            while not stop.is_set():
                sample = self._sink.emit("try-pull-sample", int(_TURN * self._gst.SECOND))
                if sample is None:
                    if reason := self._complaint():
                        raise DeviceError(f"the pipeline broke: {reason}; look at: dmesg | tail")
                    continue
                image = self._image(sample)
                if image is None:
                    self.rejected += 1
                    continue
                captured = self._stamp(sample)
                yield Frame(image=image, time=captured, captured=captured)
        finally:
            self._pipeline.set_state(self._gst.State.NULL)

    def _image(self, sample: Any) -> ImageArray | None:
        """Return the picture of a sample, None if its bytes are none."""
        caps = sample.get_caps().get_structure(0)
        width, height = caps.get_value("width"), caps.get_value("height")
        buffer = sample.get_buffer()
        row = (3 * width + 3) // 4 * 4  # rows begin at multiples of four bytes
        ok, content = buffer.map(self._gst.MapFlags.READ)
        if not ok:
            return None
        try:
            if content.size < row * (height - 1) + 3 * width:
                return None
            pixels = np.frombuffer(content.data, np.uint8)
            # The last row may end early.
            rows = np.lib.stride_tricks.as_strided(pixels, (height, 3 * width), (row, 1))
            return rows.reshape(height, width, 3).copy()
        finally:
            buffer.unmap(content)

    def _stamp(self, sample: Any) -> float:
        """Return when a sample was taken by time.monotonic(), which rises."""
        now = time.monotonic()
        stamp = (self._pipeline.get_base_time() + sample.get_buffer().pts) / self._gst.SECOND
        sane = max(self._last, now - MAX_STAMP_AGE) < stamp <= now
        self._last = stamp if sane else now
        return self._last

    def _rate(self) -> float:
        caps = self._sink.get_static_pad("sink").get_current_caps()
        known, above, below = caps.get_structure(0).get_fraction("framerate") if caps else (0, 0, 1)
        return above / below if known and below else 0.0

    def _complaint(self) -> str | None:
        """Return why the pipeline gives no more, if it said so."""
        kinds = self._gst.MessageType.ERROR | self._gst.MessageType.EOS
        message = self._pipeline.get_bus().pop_filtered(kinds)
        if message is None:
            return None
        if message.type == self._gst.MessageType.EOS:
            return "it is at its end"
        error, _ = message.parse_error()
        return redacted(str(error.message))


def _gst() -> Any:
    try:
        import gi

        gi.require_version("Gst", "1.0")
        from gi.repository import Gst
    except (ImportError, ValueError) as error:
        raise RuntimeMissingError(
            f"gstreamer: needs PyGObject and GStreamer ({error}): {_INSTALL}"
        ) from error
    Gst.init(None)
    return Gst


def _parsed(gst: Any, description: str) -> Any:
    try:
        return gst.parse_launch(description)
    except Exception as error:  # GLib's own, which has no other base
        raise _mistake(gst, error) from error


def _mistake(gst: Any, error: Exception) -> EdgeHandsError:
    said = redacted(getattr(error, "message", str(error)))
    if getattr(error, "code", None) == int(gst.ParseError.NO_SUCH_ELEMENT):
        return RuntimeMissingError(f"{said}: look for its package with: apt search gstreamer1.0")
    return UsageError(f"GStreamer does not understand the pipeline: {said}")

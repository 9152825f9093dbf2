"""A camera that mends itself: captured in a process of its own, and opened again when it fails."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from edgehands.cameras import messages
from edgehands.cameras.base import Camera
from edgehands.cameras.condition import Condition
from edgehands.cameras.live import FALLBACK_FPS
from edgehands.cameras.opening import Opening
from edgehands.cameras.plan import Plan
from edgehands.cameras.process import GRACE, CaptureProcess
from edgehands.cameras.v4l2 import is_absent
from edgehands.errors import UsageError
from edgehands.frame import Frame
from edgehands.redaction import redacted

if TYPE_CHECKING:
    from edgehands.hand import ImageArray

logger = logging.getLogger(__name__)

_TURN = 0.1
"""Seconds at most between two looks at the clock."""
_LOOK = 0.1
"""Seconds between two looks for a device node, while frames are missing."""
_LATE = 0.5
"""Seconds after which they are."""
_OLD = 0.1
"""Seconds that a frame may have waited for somebody to take it."""
_HASTE = 0.4
"""Seconds that a process which hangs is given to end by itself."""
_NOTICE = 3.0
"""Seconds in which a process must notice, too, that its device has gone."""
_STUCK = 3
"""Processes left behind in a driver's call, after which no more are started."""
_AGAIN = frozenset({"usb", "rtsp", "rtsps", "http", "https", "test"})
"""Kinds that could not be opened and can be tried again by the same process. libcamera and
GStreamer are better left to a new one."""
_REOPENED = frozenset({"usb"})
"""Kinds that were open and can be opened again by the same process, which takes a small board
seconds to start: their coming back is seen. A network stream is better left to a new one."""


class SteadyCamera(Camera):
    """A live camera that is waited for while it is away; `state` and `reason` say how it is doing.

    `take` does all the work, so keep calling it, and from the thread that made the camera.

    Args:
        order: which camera, and how.
        kind: of camera, a key of SCHEMES.
        address: what the kind's module opens.
    """

    live = True

    def __init__(self, order: messages.Open, kind: str, address: str) -> None:
        now = time.monotonic()
        self.source = order.source
        self.fps = order.fps or FALLBACK_FPS
        self._order = order
        self._kind = kind
        self._address = address
        self._looked = (now, False)
        self._condition = Condition(now)
        self._plan = Plan(now)
        self._process: CaptureProcess | None = None
        self._leaving: list[CaptureProcess] = []
        self._doubted: float | None = None  # since when the process does not know what we know
        self._prepare = True  # start a process before it can open anything
        self._opening = Opening(now)
        self._last: tuple[float, float] | None = None  # times of the last frame
        self._left = now
        self._closed = False
        self._lock = threading.Lock()
        self._advance(now)

    def __next__(self) -> Frame:
        while (frame := self.take(_TURN)) is None:
            pass
        return frame

    def take(self, timeout: float) -> Frame | None:
        """Return the newest frame, or None if none came in so many seconds.

        Raises:
            StopIteration: the camera is closed, or at its end.
            UsageError: a mistake in the source that only opening it shows.
        """
        now, before = time.monotonic(), self.state
        limit = now + timeout
        is_late = now - self._left > _OLD
        if now - self._left > _LATE:  # nobody was there to hear of a frame
            self._condition.rested(now - self._left)
            self._plan.rested(now - self._left)
        try:
            while True:
                with self._lock:
                    if self._closed:
                        raise StopIteration
                    self._advance(now)
                    # A frame that was handed over while nobody waited is not the newest any more.
                    frame = self._receive(0.0 if is_late else min(limit - now, _TURN))
                if frame is not None and not is_late:
                    return frame
                self.dropped += frame is not None
                is_late = False
                now = time.monotonic()
                if now >= limit or self.state != before:  # for whoever tells of it
                    return None
        finally:
            self._left = time.monotonic()

    def close(self) -> None:
        """End the capture process."""
        self._closed = True
        with self._lock:
            self._dismiss(time.monotonic())
            for process in self._leaving:
                process.end()
            self._leaving = []

    def _advance(self, now: float) -> None:
        """Do what is due: give up what hangs, start a process, open, ask for a frame."""
        self._leaving = [process for process in self._leaving if not process.is_gone(now)]
        absent = self._is_absent(now)
        if self._plan.hangs(now):
            self._dismiss(now, _HASTE)
            self._plan.failed(now)
            self._condition.reopening(now)
        elif absent and self._plan.phase == "open":
            # Its process will notice, too, and is then as good as a new one.
            self._doubted = now
            reason = f"{redacted(self.source)} was unplugged: plug it in again"
            self._lose(now, reason, keeps=True)
        elif self._doubted is not None and now - self._doubted >= _NOTICE:
            self._dismiss(now, _HASTE)
        may_open = (
            self._doubted is None
            and len(self._leaving) < _STUCK
            and all(process.is_stuck(now) for process in self._leaving)
            and self._plan.may_open(now, absent=absent)
        )
        if self._process is None and (self._prepare or may_open):
            self._start(now)
        if self._process is not None and may_open:
            self._plan.opening(now, ready=self._process.ready)
            self._opening = Opening(now)
            self._process.order(self._order)
        if self._process is not None and self._plan.phase == "open":
            self._process.ask()
        self._condition.tick(now)
        self._show()

    def _is_absent(self, now: float) -> bool:
        """Whether there is no device node; looked up only while frames are missing."""
        waits = self._plan.phase == "waiting"
        if self._kind != "usb" or not (waits or now - self._opening.last >= _LATE):
            return False
        looked, absent = self._looked
        if now - looked >= _LOOK:
            absent = is_absent(self._address)
            self._looked = now, absent
        return absent

    def _start(self, now: float) -> None:
        self._prepare = False
        try:
            self._process = CaptureProcess(self._kind)
        except OSError as error:
            self._lose(now, f"no process can be started to capture it: {error.strerror}")

    def _receive(self, timeout: float) -> Frame | None:
        """Hear what the process has to say; return the frame if it brings one."""
        process = self._process
        if process is None:
            time.sleep(max(0.0, timeout))
            return None
        frame = None
        try:
            for report in process.reports(timeout):
                now = time.monotonic()
                if isinstance(report, messages.Picture):
                    if self._doubted is None:
                        frame = self._frame(report, process.image_of(report), now)
                else:
                    self._hear(report, now)
                if self._process is not process:
                    break
        except EOFError:
            self._lose(time.monotonic(), f"the process that captures it {process.story()}")
            self._prepare = False  # not before its time
            logger.warning(
                "camera %s: %s",
                redacted(self.source),
                self._condition.reason,
                extra={"code": "EH1105"},
            )
        self._show()
        return frame

    def _frame(self, picture: messages.Picture, image: ImageArray, now: float) -> Frame:
        self._count(picture.dropped, picture.rejected)
        self._condition.frame(now, picture.look)
        self._plan.frame(now, frozen=self._condition.state == "frozen")
        self.reopened += self._opening.frames == 0 and self._last is not None
        self._opening.last = now
        # Not the frame itself: its place in memory would never be free.
        self._last = self._opening.time_of(picture, self._last), picture.captured
        return Frame(image=image, time=self._last[0], captured=picture.captured)

    def _hear(self, report: messages.Report, now: float) -> None:
        if isinstance(report, messages.Opened):
            self.fps = report.fps
            self._plan.opened(now, report.fps)
            self._condition.opened(now, report.fps)
        elif isinstance(report, messages.Unusable):
            self._count(None, report.rejected)
            self._condition.unusable(now)
        elif isinstance(report, messages.Failed):
            self._hear_failure(report, now)
        elif isinstance(report, messages.Ready):
            self._plan.ready(now)
        elif isinstance(report, messages.Note):
            self._plan.sign(now)
            _log(report)
        elif isinstance(report, messages.Ended):
            self._closed = True

    def _hear_failure(self, failure: messages.Failed, now: float) -> None:
        if failure.kind == UsageError.__name__:
            raise UsageError(failure.message)
        if failure.trace:
            logger.error(
                "camera %s: %s",
                redacted(self.source),
                failure.trace,
                extra={"code": "EH1106"},
            )
        kinds = _AGAIN if self._plan.phase == "opening" else _REOPENED
        keeps = failure.intact and self._kind in kinds
        if self._doubted is None:
            self._lose(now, failure.message, keeps=keeps)
        elif not keeps:
            self._dismiss(now)
        self._doubted = None

    def _lose(self, now: float, reason: str, *, keeps: bool = False) -> None:
        if not keeps:
            self._dismiss(now)
        self._plan.failed(now)
        self._condition.lost(now, reason)

    def _dismiss(self, now: float, grace: float = GRACE) -> None:
        """Let the process go; another one gets ready while the device is waited for."""
        self._doubted = None
        if self._process is not None:
            self._process.leave(now, grace)
            self._leaving.append(self._process)
            self._process = None
            self._prepare = True

    def _count(self, dropped: int | None, rejected: int) -> None:
        more_dropped, more_rejected = self._opening.counted(dropped, rejected)
        self.dropped += more_dropped
        self.rejected += more_rejected

    def _show(self) -> None:
        self.state, self.reason = self._condition.state, self._condition.reason


def _log(note: messages.Note) -> None:
    """Say here what the capture process had to say there."""
    target = logging.getLogger(note.logger)
    if target.isEnabledFor(note.level):
        values = {
            "name": note.logger,
            "levelno": note.level,
            "levelname": logging.getLevelName(note.level),
            "msg": note.text,
            **({"code": note.code} if note.code else {}),
        }
        target.handle(logging.makeLogRecord(values))

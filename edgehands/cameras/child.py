"""The process that captures: it opens one camera and hands over the newest frame when asked.

It can be killed whenever a driver hangs, ends when its parent does, and is told everything over a
socket: no password is in its arguments or its environment.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import select
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from edgehands.cameras import SCHEMES, messages, open_camera
from edgehands.cameras.look import look_at
from edgehands.cameras.slots import Slots, fits
from edgehands.errors import EdgeHandsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.cameras.base import Camera
    from edgehands.frame import Frame

_NAME = b"edgehands-cam"  # of the process, for ps and top
_SET_PDEATHSIG, _SET_NAME = 1, 15  # of linux/prctl.h
_TURN = 0.25  # seconds after which a wait for a frame looks for other orders


def main(descriptor: str, memory: str, kind: str) -> None:
    """Serve the parent on the other end of a socket until it has had enough."""
    _end_with_the_parent()
    parent = _Parent(socket.socket(fileno=int(descriptor)))
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[_Notes(parent)])
    with suppress(EdgeHandsError):  # what is missing is said when it is opened
        importlib.import_module(SCHEMES[kind])
    if opencv := sys.modules.get("cv2"):
        opencv.setNumThreads(1)  # the cores are for the models
    slots = Slots(int(memory))
    parent.tell(messages.Ready())
    while True:
        order = parent.order()
        if isinstance(order, messages.Open):
            _capture(order, parent, slots)


def _end_with_the_parent() -> None:
    prctl = ctypes.CDLL(None).prctl
    prctl(_SET_NAME, _NAME, 0, 0, 0)
    # A service manager that tells all its processes to end means the one that will end this one.
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    # Even while a driver's call holds the interpreter.
    prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)  # nothing is ever written there: it ends with the parent
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


class _Parent:
    """Who gives the orders."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link

    def order(self) -> messages.Open | messages.Take:
        """Wait for the next order.

        Raises:
            SystemExit: it is to end, or there is nobody any more.
        """
        content = messages.receive(self._link)
        order: messages.Order = messages.decode_order(content) if content else messages.Close()
        if isinstance(order, messages.Close):
            raise SystemExit
        return order

    def calls(self) -> bool:
        """Whether there is an order, or nobody to give one."""
        return bool(select.select([self._link], [], [], 0)[0])

    def tell(self, report: messages.Report) -> None:
        """Send a report; without anybody to hear it, this process has no purpose."""
        try:
            messages.send(self._link, report)
        except OSError:
            raise SystemExit from None

    def note(self, note: messages.Note) -> None:
        """Send a line for the log, unless the parent is too busy to read it."""
        with suppress(OSError):
            messages.send(self._link, note, wait=False)


class _Notes(logging.Handler):
    """The log of this process, which the parent writes."""

    def __init__(self, parent: _Parent) -> None:
        super().__init__()
        self._parent = parent

    def emit(self, record: logging.LogRecord) -> None:
        text = messages.shortened(self.format(record))
        code = getattr(record, "code", None)
        self._parent.note(messages.Note(record.name, record.levelno, text, code))


def _capture(order: messages.Open, parent: _Parent, slots: Slots) -> None:
    """Open a camera and hand over its frames until it fails, or is to be closed."""
    threads = threading.active_count()
    try:
        with open_camera(
            order.source,
            width=order.width,
            height=order.height,
            fps=order.fps,
            password=order.password,
        ) as camera:
            parent.tell(messages.Opened(camera.fps))
            _Handover(camera, parent, slots).run()
    except EdgeHandsError as error:
        intact = threading.active_count() == threads  # one that hangs in a driver holds the device
        parent.tell(messages.Failed(type(error).__name__, str(error), intact=intact))
    except Exception as error:  # noqa: BLE001 (the parent tells of it)
        message = f"{type(error).__name__}: {error}"
        trace = messages.shortened(traceback.format_exc())
        parent.tell(messages.Failed("", messages.shortened(message), trace))


class _Handover:
    """Gives the frames of one open camera to the parent, each when it is asked for."""

    def __init__(self, camera: Camera, parent: _Parent, slots: Slots) -> None:
        self._camera = camera
        self._parent = parent
        self._slots = slots
        self._refused = 0
        self._told = 0

    def run(self) -> None:
        """Obey until the camera ends."""
        while isinstance(order := self._parent.order(), messages.Take):
            try:
                frame = self._next()
            except StopIteration:
                self._parent.tell(messages.Ended())
                return
            if frame is not None:
                self._hand_over(frame, order.free)

    def _next(self) -> Frame | None:
        """Return the newest frame that is one; None if there is something else to do."""
        while True:
            frame = self._camera.take(_TURN)
            if frame is not None and fits(frame.image):
                return frame
            self._refused += frame is not None
            if self._told != self._rejected():
                self._told = self._rejected()
                self._parent.tell(messages.Unusable(self._told))
            if self._parent.calls():
                return None

    def _hand_over(self, frame: Frame, free: Sequence[int]) -> None:
        slot, offset = self._slots.put(free, frame.image)
        height, width = frame.image.shape[:2]
        self._told = self._rejected()
        self._parent.tell(
            messages.Picture(
                slot=slot,
                offset=offset,
                width=width,
                height=height,
                time=frame.time,
                captured=frame.captured,
                dropped=self._camera.dropped,
                rejected=self._told,
                look=look_at(frame.image),
            )
        )

    def _rejected(self) -> int:
        return self._refused + self._camera.rejected

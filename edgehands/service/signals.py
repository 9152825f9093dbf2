"""What a service manager says with signals: SIGHUP to read the config anew, SIGTERM to end soon."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

STOP_SECONDS = 1.8
"""After SIGTERM the process is gone by then, whatever hangs in a driver."""

_STDIN, _STDERR = 0, 2


@contextmanager
def obeyed(reload: Callable[[], None]) -> Iterator[None]:
    """Obey both signals, and leave a trace of every thread when a watchdog aborts the process.

    Outside the main thread nothing can be obeyed, and nothing is done.

    Args:
        reload: called in the main thread between two steps of whatever it does.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with suppress(OSError, ValueError):  # no standard error to write to
        faulthandler.enable(_STDERR)
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)}
    end = before[signal.SIGTERM]
    if callable(end):  # else the process just dies
        signal.signal(signal.SIGTERM, partial(_end_soon, end))
    if not os.isatty(_STDIN):  # a terminal says with it that it is closed
        signal.signal(signal.SIGHUP, lambda *_: reload())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_soon(end: Callable[[int, FrameType | None], object], number: int, frame: object) -> None:
    """Do what SIGTERM did, and end the process in any case."""
    threading.Thread(target=_leave, name="edgehands-stop", daemon=True).start()
    end(number, cast("FrameType | None", frame))


def _leave() -> None:
    time.sleep(STOP_SECONDS)
    os._exit(0)

"""What a service manager says with signals: SIGHUP to read the config anew, SIGTERM to end soon."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import TypeAlias

    from typing_extensions import Self

    _Handler: TypeAlias = Callable[[int, FrameType | None], object]

STOP_SECONDS = 1.8
"""After SIGTERM the process is gone by then, whatever hangs in a driver."""

_STDIN, _STDERR = 0, 2


class Obedience:
    """Obeys both within a `with`, and traces every thread when a watchdog aborts the process.

    Outside the main thread nothing can be obeyed, and nothing is done.

    Args:
        reload: called in the main thread between two steps of whatever it does.
    """

    def __init__(self, reload: Callable[[], None]) -> None:
        self.hurries = False
        """Somebody waits for the end."""
        self._reload = reload
        self._before: dict[int, signal.Handlers | int | _Handler | None] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        with suppress(OSError, ValueError):  # no standard error to write to
            faulthandler.enable(_STDERR)
        self._before = {each: signal.getsignal(each) for each in (signal.SIGHUP, signal.SIGTERM)}
        signal.signal(signal.SIGTERM, self._end)
        if not os.isatty(_STDIN):  # a terminal says with it that it is closed
            signal.signal(signal.SIGHUP, lambda *_: self._reload())
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _end(self, number: int, frame: FrameType | None) -> None:
        """Do what SIGTERM did before, and end the process in any case."""
        self.hurries = True
        threading.Thread(target=_leave, name="edgehands-stop", daemon=True).start()
        before = self._before[number]
        if not callable(before):
            raise KeyboardInterrupt
        before(number, frame)


def _leave() -> None:
    time.sleep(STOP_SECONDS)
    os._exit(0)

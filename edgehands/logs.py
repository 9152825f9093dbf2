"""Log lines for two readers: people at a terminal, and systemd's journal.

In the journal each line begins with its priority, as sd-daemon(3) has it; from WARNING up, it also
has a code that never changes and what to do (docs/messages.md), and the same line comes once a
minute at most, with the number of those held back: with the next one, or when the minute is over,
or at the end. Passwords come to neither.

    logger.warning("%s: the driver hangs", device, extra={"code": "EH1101"})
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from copy import copy
from typing import TYPE_CHECKING, TextIO

from edgehands.messages import ADVICE, FOREIGN
from edgehands.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

HOLD_SECONDS = 60.0
"""For so long, the same line is not said again in the journal."""

_PRIORITIES = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
    (logging.NOTSET, 7),
)
_MOST_KEPT = 256


def set_up(level: int) -> None:
    """Send this process's log to its standard error, in the way of who reads that."""
    handler: logging.Handler
    if is_journal(sys.stderr):
        handler = JournalHandler(sys.stderr)
        logging.captureWarnings(capture=True)
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_TerminalFormatter("edgehands: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


def is_journal(stream: TextIO) -> bool:
    """Whether a stream leads into systemd's journal: $JOURNAL_STREAM is its device and inode."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class _TerminalFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _without_secrets(super().format(record))


if TYPE_CHECKING:
    _StreamHandler = logging.StreamHandler[TextIO]
else:  # before Python 3.11 it takes no brackets
    _StreamHandler = logging.StreamHandler


class JournalHandler(_StreamHandler):
    """Writes for the journal, which is at the other end of a stream.

    Args:
        stream: standard error.
        clock: monotonic seconds.
        later: has a function called in so many seconds.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], None] | None = None,
    ) -> None:
        super().__init__(stream)
        self.setFormatter(_JournalFormatter())
        self._clock = clock
        self._later = later or _call_later
        self._is_due = False
        """It will be looked whether what is held back is to be told."""
        self._repeats = _Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or hold it back and count it."""
        now = self._clock()
        self._tell(now, but=record)
        if (said := self._repeats.take(record, now)) is not None:
            super().emit(said)
        self._see_to_it(now)

    def close(self) -> None:
        """Tell what is still held back."""
        self.acquire()
        try:
            self._tell(float("inf"))
        finally:
            self.release()
        super().close()

    def _tell(self, now: float, but: logging.LogRecord | None = None) -> None:
        for late in self._repeats.counted(now, but):
            super().emit(late)

    def _see_to_it(self, now: float) -> None:
        """Have what is held back told when its minute is over, if no other line does it before."""
        wait = self._repeats.seconds_to_next(now)
        if wait is not None and not self._is_due:
            self._is_due = True
            self._later(wait, self._remember)

    def _remember(self) -> None:
        self.acquire()
        try:
            self._is_due = False
            now = self._clock()
            self._tell(now)
            self._see_to_it(now)
        finally:
            self.release()


def _call_later(seconds: float, function: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, function)
    timer.daemon = True
    timer.start()


def of_exit(message: str, exit_code: int) -> str:
    """Return the journal's form of the error that ends a command."""
    return _prefixed(_coded(message, f"EH10{exit_code:02}"), logging.ERROR)


class _JournalFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if held := getattr(record, "held", 0):
            first, newline, rest = text.partition("\n")
            text = f"{first} [and {held} more like it, held back]{newline}{rest}"
        if record.levelno >= logging.WARNING:
            text = _coded(text, str(getattr(record, "code", FOREIGN)))
        return _prefixed(text, record.levelno)


def _coded(text: str, code: str) -> str:
    first, newline, rest = text.partition("\n")
    advice = ADVICE.get(code)
    return f"{code} {first}" + (f" ({advice})" if advice else "") + newline + rest


def _prefixed(text: str, level: int) -> str:
    """Put the priority before each line, of which the journal makes an entry."""
    priority = next(number for least, number in _PRIORITIES if level >= least)
    return "\n".join(f"<{priority}>{line}" for line in _without_secrets(text).splitlines())


class _Repeats:
    """Holds back what was said less than a minute ago, and counts it. Pure: time is an argument."""

    def __init__(self) -> None:
        self._last: dict[Hashable, tuple[float, logging.LogRecord, int]] = {}  # oldest first

    def take(self, record: logging.LogRecord, now: float) -> logging.LogRecord | None:
        """Return what is to be said for a record: None, or the record with the number held."""
        if record.levelno < logging.INFO:
            return record
        key = _key(record)
        said_at, _, held = self._last.get(key, (-float("inf"), record, 0))
        if now - said_at < HOLD_SECONDS:
            self._last[key] = (said_at, record, held + 1)
            return None
        self._last.pop(key, None)
        self._last[key] = (now, record, 0)
        return _with_held(record, held)

    def seconds_to_next(self, now: float) -> float | None:
        """Return how long it is until something held back is to be told; None if nothing is."""
        times = (said_at for said_at, _, held in self._last.values() if held)
        first = next(times, None)
        return None if first is None else max(0.0, first + HOLD_SECONDS - now)

    def counted(
        self, now: float, but: logging.LogRecord | None = None
    ) -> Iterator[logging.LogRecord]:
        """Give the last of each that was held back and whose minute is over, with those before it.

        Args:
            now: infinity for all of it.
            but: what will be said anyway.
        """
        spared = _key(but) if but else None
        for key, (said_at, record, held) in list(self._last.items()):
            over = now - said_at >= HOLD_SECONDS
            if not over and len(self._last) <= _MOST_KEPT:
                return
            if key == spared:
                continue
            del self._last[key]
            if held:
                self._last[key] = (now, record, 0)
                yield _with_held(record, held - 1)


def _with_held(record: logging.LogRecord, held: int) -> logging.LogRecord:
    record = copy(record)
    record.held = held
    return record


def _key(record: logging.LogRecord) -> Hashable:
    """What makes two lines the same: the code and the things named, whatever the numbers."""
    arguments = record.args if isinstance(record.args, tuple) else (record.args,)
    things = tuple(str(each) for each in arguments if not isinstance(each, int | float))
    return (record.levelno, record.msg, *things)


def _without_secrets(text: str) -> str:
    return "\n".join(map(redacted, text.split("\n")))

"""The command line: one file for each command, errors turned into one line and an exit code.

This file imports next to nothing, so that Ctrl-C is answered well while the rest is imported.
"""

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn, TextIO

from edgehands.errors import BUG_EXIT_CODE, EdgeHandsError, InputError

STOPPED = -1
"""What a command returns that was stopped and could end in good order; `main` knows by what."""

_OURS = "edgehands-"  # what the names of our threads begin with, which have all ended by then
_SERVICE = "run"  # the command that has not failed either if it was stopped while it started
_END_LOG_SECONDS = 0.5
# As shells report a signal.
_INTERRUPTED_EXIT_CODE = 128 + signal.SIGINT
_TERMINATED_EXIT_CODE = 128 + signal.SIGTERM


def main() -> NoReturn:
    """Run the command line and exit."""
    _open_closed_streams()
    sys.stdout = _Stream.of(sys.stdout, "output")
    sys.stderr = _Stream.of(sys.stderr, "error")
    stop = _Stop()
    signal.signal(signal.SIGTERM, stop)
    try:
        code = _meant(_run(), stop)
    finally:
        _abandon_lost_output()
    if any(thread.name.startswith(_OURS) for thread in threading.enumerate()):
        _end_log()
        os._exit(code)  # one that hangs in a driver would hang, or crash, what follows
    sys.exit(code)


class _Stream(io.TextIOWrapper):
    """A standard stream whose failure is no bug: InputError, or BrokenPipeError as it comes."""

    what = ""

    @classmethod
    def of(cls, stream: TextIO, what: str) -> TextIO:
        """Return a stream that writes where `stream` did."""
        if not isinstance(stream, io.TextIOWrapper):
            return stream
        encoding, errors = stream.encoding, stream.errors
        lines, through = stream.line_buffering, stream.write_through
        new = cls(stream.detach(), encoding, errors, line_buffering=lines, write_through=through)
        new.what = what
        return new

    def write(self, text: str) -> int:
        """Write text."""
        with self._failing():
            return super().write(text)

    def flush(self) -> None:
        """Write what is waiting."""
        with self._failing():
            super().flush()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (BrokenPipeError, InputError):
            raise
        except OSError as error:
            raise InputError(f"cannot write to standard {self.what}: {error.strerror}") from error


class _Terminated(KeyboardInterrupt):
    """SIGTERM came.

    A class of its own: at its end Python kills itself by SIGINT, whatever the exit code, if a plain
    KeyboardInterrupt went through a text that was executed, as imports do for named tuples.
    """


class _Stop:
    """Makes SIGTERM end what runs as Ctrl-C does, and remembers which of the two it was."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG002
        self.asked = True
        raise _Terminated


def _run() -> int:
    try:
        from edgehands.cli import serving

        file = serving.config_file(sys.argv[1:])
        if file is not None:
            code = serving.serve(file)
        else:
            from edgehands.cli.commands import dispatch

            code = dispatch()
        sys.stdout.flush()
        return code
    except EdgeHandsError as error:
        _say(str(error), error.exit_code)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED_EXIT_CODE
    except BrokenPipeError:
        return 0
    except SystemExit as end:
        if not isinstance(end.__context__, BrokenPipeError):  # the parser's answer to that
            raise
        return 0
    except Exception:
        import logging

        logging.getLogger(__name__).exception(
            "this is a bug in edgehands, please report it:", extra={"code": "EH1070"}
        )
        return BUG_EXIT_CODE


def _meant(code: int, stop: _Stop) -> int:
    """Return the exit code that says by what a command was stopped, if it was."""
    if code == STOPPED:  # a service that was asked to stop and did has not failed
        return 0 if stop.asked else _INTERRUPTED_EXIT_CODE
    if code == _INTERRUPTED_EXIT_CODE and stop.asked:
        return 0 if _SERVICE in sys.argv else _TERMINATED_EXIT_CODE
    return code


def _say(message: str, exit_code: int) -> None:
    from edgehands import logs

    text = f"edgehands: {message}"
    if logs.is_journal(sys.stderr):
        text = logs.of_exit(message, exit_code)
    with suppress(OSError):  # there is nobody left to tell
        print(text, file=sys.stderr)


def _end_log() -> None:
    """Have the log tell what it holds back, as it does at an exit in good order."""
    import logging

    ending = threading.Thread(target=logging.shutdown, daemon=True)
    ending.start()
    ending.join(_END_LOG_SECONDS)  # the thread that hangs may hold the log's lock


def _open_closed_streams() -> None:
    """Give a closed standard stream (`>&-`) somewhere to go, and its number no other file."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))


def _abandon_lost_output() -> None:
    """Drop what cannot be written, which Python would try again, and complain, on its way out."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)

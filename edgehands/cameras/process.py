"""The parent's handle on the process that captures."""

from __future__ import annotations

import logging
import os
import select
import socket
import subprocess
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from edgehands.cameras import messages
from edgehands.cameras.slots import Loans
from edgehands.isolated import interpreter, signal_name
from edgehands.redaction import is_secret, redacted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.hand import ImageArray

logger = logging.getLogger(__name__)

GRACE = 1.0
"""Seconds from the request to end until it is killed; some drivers want to be left in order."""
_SERVICE = frozenset({"CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"})
"""What is between systemd and this process alone."""
_DYING = 0.1
"""Seconds from the end of its messages to its own."""
_WRITTEN_BYTES = 4096  # kept of what it writes


class CaptureProcess:
    """A process that captures with one camera after another, each until it fails.

    It ends with this one, and with the thread that started it.

    Args:
        kind: of camera: its module is imported while there is nothing else to do.

    Raises:
        OSError: a process cannot be started here.
    """

    def __init__(self, kind: str) -> None:
        with ExitStack() as kept, ExitStack() as passed_on:  # both closed where something fails
            self._loans = Loans()
            kept.callback(self._loans.close)
            self._link, link = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            kept.enter_context(self._link)
            passed_on.enter_context(link)
            self._output, output = os.pipe()
            kept.callback(os.close, self._output)
            passed_on.callback(os.close, output)
            # What native libraries write is read when there is time, and must never make them wait.
            os.set_blocking(self._output, False)
            os.set_blocking(output, False)
            descriptors = (link.fileno(), self._loans.descriptor)
            self._process = subprocess.Popen(  # noqa: S603 (our own code)
                interpreter("edgehands.cameras.child", *map(str, descriptors), kind),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=descriptors,
                start_new_session=True,
                env=_environment(),
            )
            assert self._process.stdin is not None  # noqa: S101 (it is a pipe)
            kept.enter_context(self._process.stdin)
            self._kept = kept.pop_all()
        self._poll = select.poll()
        self._poll.register(self._link, select.POLLIN)
        self._poll.register(self._output, select.POLLIN)
        self._written = b""
        self._kill_at: float | None = None
        self.ready = False
        """It has imported everything and can open a camera."""
        self.asked = False
        """It owes a frame."""

    def order(self, order: messages.Open | messages.Close) -> None:
        """Give an order; one that is gone obeys no more."""
        with suppress(OSError):
            messages.send(self._link, order, wait=False)

    def ask(self) -> None:
        """Ask for the next frame, once."""
        if not self.asked:
            with suppress(OSError):
                messages.send(self._link, messages.Take(self._loans.free()), wait=False)
                self.asked = True

    def reports(self, timeout: float) -> Iterator[messages.Report]:
        """Wait for reports, so many seconds at most, and return those that are there.

        Raises:
            EOFError: it has ended, or talks nonsense.
        """
        if not self._poll.poll(max(0, int(timeout * 1000))):
            return
        self._read_output()
        while content := self._receive():
            try:
                report = messages.decode_report(content)
            except ValueError as error:
                raise EOFError from error
            if isinstance(report, messages.Picture | messages.Failed | messages.Ended):
                self.asked = False
            elif isinstance(report, messages.Ready):
                self.ready = True
            yield report

    def image_of(self, picture: messages.Picture) -> ImageArray:
        """Return the picture, uint8 [H, W, 3] RGB and read-only.

        Raises:
            EOFError: there is none.
        """
        try:
            return self._loans.look_at(picture)
        except ValueError as error:
            raise EOFError from error

    def leave(self, now: float, grace: float = GRACE) -> None:
        """Ask it to end, if nobody has, in so many seconds; `is_gone` sees to it."""
        if self._kill_at is None:
            self.order(messages.Close())
            self._kill_at = now + grace

    def is_gone(self, now: float) -> bool:
        """Whether it has ended; one that was asked to and has not in time is killed."""
        if self._kill_at is not None and now >= self._kill_at:
            self._process.kill()
        if self._process.poll() is None:
            return False
        self._free()
        return True

    def is_stuck(self, now: float) -> bool:
        """Whether it was killed and still lives, in a driver's call that cannot be interrupted."""
        return self._kill_at is not None and now >= self._kill_at + GRACE

    def end(self) -> None:
        """Wait until it has ended, killing it if need be."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):  # stuck inside a driver; it goes when it can
            self._process.wait(GRACE)
        self._free()

    def story(self) -> str:
        """Say how it ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_DYING)
        self._read_output()
        code = self._process.poll()
        if code is not None and code < 0:
            return f"died by signal {signal_name(-code)}"
        lines = self._written.decode(errors="replace").strip().splitlines()
        return redacted(f"ended: {lines[-1]}" if code and lines else "ended")

    def _receive(self) -> bytes:
        """Return a message that is there, b"" without one."""
        try:
            content = self._link.recv(messages.LONGEST, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise EOFError from error
        if not content:
            raise EOFError
        return content

    def _read_output(self) -> None:
        with suppress(OSError):
            while content := os.read(self._output, _WRITTEN_BYTES):
                logger.debug("capture process: %s", content.decode(errors="replace").strip())
                self._written = (self._written + content)[-_WRITTEN_BYTES:]

    def _free(self) -> None:
        self._kept.close()


def _environment() -> dict[str, str]:
    """Return this process's, without secrets and without what systemd said to this one alone."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _SERVICE and not is_secret(name)
    }

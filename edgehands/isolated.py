"""Runs a function of ours in a fresh interpreter, with a time limit, and says how that ended.

What can end a process with a signal that no `try` catches, or hang for ever, runs here: whatever
becomes of the other process, this one goes on.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from edgehands import errors
from edgehands.errors import DeviceError, EdgeHandsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Watch: TypeAlias = Callable[[str], None]
    """Told what is being done, and told so again while it goes on; a process that dies is known to
    have died while doing that."""
    Work: TypeAlias = Callable[[bytes, Watch], bytes]
    """A job, and whom to tell what is being done, to an answer."""

How: TypeAlias = Literal["answered", "raised", "died", "timed out", "failed"]

_KILL_SECONDS = 5.0
_LOOK_SECONDS = 0.5
"""Between two looks at how far it is; after a longer break this process was stopped itself."""
_MOST = 10
"""Times its patience that a process may take for one stage, however busy the machine is."""
_LOG_CHARACTERS = 20_000
_JOB, _STAGE, _ANSWER, _ERROR, _LOG = "job", "stage", "answer", "error", "log"

_is_child = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended."""

    how: How
    """"raised" is an EdgeHandsError, "failed" anything else that ended it without a signal."""
    message: str = ""
    """What happened and when, such as "died by signal SIGSEGV while opening it"."""
    answer: bytes = b""
    """What the function returned, when it "answered"."""
    error: EdgeHandsError | None = None
    """What it raised on purpose."""
    log: str = ""
    """The end of what the process wrote, native code and Python's fault handler included."""


class _Failure(msgspec.Struct, frozen=True):
    """An error that was raised on purpose."""

    kind: str
    message: str


def is_child() -> bool:
    """Whether this very process was started by `run`."""
    return _is_child


def run(
    function: str, job: bytes, timeout: float, environment: Mapping[str, str] | None = None
) -> Ending:
    """Call a function in another process with `job`, and return its answer or what befell it.

    Safe to call from any thread.

    Args:
        function: of type `Work`, as "package.module:name".
        job: its first argument.
        timeout: seconds without a sign of life until the other process is killed. Whatever it says
            that it does next is one; seconds for which it only waits for a processor do not count.
        environment: variables on top of this process's own.

    Raises:
        OSError: a process cannot be started here.
    """
    with tempfile.TemporaryDirectory(prefix="edgehands-isolated-") as name:
        folder = Path(name)
        (folder / _JOB).write_bytes(job)
        code = _run_child(folder, function, timeout, {**os.environ, **(environment or {})})
        return _ending(folder, code, timeout)


def interpreter(module: str, *arguments: str) -> list[str]:
    """Return the command that calls `main(*arguments)` of one of our modules in another process.

    It gets this process's search path before it imports anything but what is compiled into Python,
    so that it runs the same modules, and none that lies in the current folder by chance.
    """
    after = len(arguments) + 1
    code = (
        f"import sys; sys.path[:] = sys.argv[{after}:]; "
        f"import {module} as module; module.main(*sys.argv[1:{after}])"
    )
    path = [entry for entry in sys.path if isinstance(entry, str)]
    return [sys.executable, "-X", "faulthandler", "-c", code, *arguments, *path]


def main(place: str, function: str, timeout: str) -> None:
    """Do the job that lies in a folder: the other process's side."""
    global _is_child  # noqa: PLW0603 (it is what this process is)
    _is_child = True
    folder = Path(place)
    # Whoever started this may be gone by then and cannot end it.
    last = int(_MOST * float(timeout) + _KILL_SECONDS) + 1
    signal.alarm(last)
    module, _, name = function.partition(":")
    work: Work = getattr(importlib.import_module(module), name)

    told = ("", 0.0)

    def watch(what: str) -> None:
        nonlocal told
        now = time.monotonic()
        if what != told[0] or now - told[1] >= _LOOK_SECONDS:
            told = (what, now)
            (folder / _STAGE).write_text(what)
            signal.alarm(last)

    try:
        whole, content = _ANSWER, work((folder / _JOB).read_bytes(), watch)
    except EdgeHandsError as error:
        whole = _ERROR
        content = msgspec.msgpack.encode(_Failure(type(error).__name__, str(error)))
    part = folder / f"{whole}.part"
    part.write_bytes(content)
    part.rename(folder / whole)


def _run_child(
    folder: Path, function: str, timeout: float, environment: Mapping[str, str]
) -> int | None:
    """Run `main` there and return its exit code, negative for a signal, None after the timeout."""
    command = interpreter("edgehands.isolated", str(folder), function, str(timeout))
    with (folder / _LOG).open("wb") as log:
        child = subprocess.Popen(  # noqa: S603 (our own code)
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
        )
    patience = _Patience(child.pid, folder / _STAGE, timeout)
    try:
        while True:
            try:
                return child.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if patience.is_over(time.monotonic()):
                    return None
    finally:
        child.kill()
        with suppress(subprocess.TimeoutExpired):  # stuck inside a driver; it goes when it can
            child.wait(_KILL_SECONDS)


class _Patience:
    """How long a process may take, which begins anew with each stage it tells."""

    def __init__(self, pid: int, stage: Path, seconds: float) -> None:
        self._tasks = Path(f"/proc/{pid}/task")
        self._stage = stage
        self._seconds = seconds
        self._told = 0
        self._looked = time.monotonic()
        self._before = 0.0
        self._begin()

    def is_over(self, now: float) -> bool:
        """Whether it was given all the time that it may take."""
        told = self._stage.stat().st_mtime_ns if self._stage.exists() else 0
        if told != self._told:
            self._told = told
            self._begin()
        passed = min(now - self._looked, 2 * _LOOK_SECONDS)
        self._looked = now
        queued = self._queued()
        self._passed += passed
        self._free += max(0.0, passed - max(0.0, queued - self._before))
        self._before = queued
        return self._free >= self._seconds or self._passed >= _MOST * self._seconds

    def _begin(self) -> None:
        self._passed = self._free = 0.0
        self._before = self._queued()

    def _queued(self) -> float:
        """Return for how many seconds its threads have waited for a processor."""
        total = 0
        with suppress(OSError, IndexError):  # not every kernel counts that
            for task in self._tasks.iterdir():
                total += int((task / "schedstat").read_text().split()[1])
        return total / 1e9


def _ending(folder: Path, code: int | None, timeout: float) -> Ending:
    log = (folder / _LOG).read_text(errors="replace")[-_LOG_CHARACTERS:]
    # What a library does at exit, after the answer, is forgiven.
    if (folder / _ANSWER).exists():
        return Ending("answered", answer=(folder / _ANSWER).read_bytes(), log=log)
    if (folder / _ERROR).exists():
        failure = msgspec.msgpack.decode((folder / _ERROR).read_bytes(), type=_Failure)
        error = getattr(errors, failure.kind, DeviceError)(failure.message)
        return Ending("raised", failure.message, error=error, log=log)
    stage = folder / _STAGE
    when = f"while {stage.read_text()}" if stage.exists() else "at its start"
    if code is None:
        return Ending("timed out", f"hung {when}: killed after {timeout:g} s", log=log)
    if code < 0:
        return Ending("died", f"died by signal {signal_name(-code)} {when}", log=log)
    lines = log.strip().splitlines()
    return Ending("failed", f"failed {when}: {lines[-1] if lines else code}", log=log)


def signal_name(number: int) -> str:
    """Return what a signal is called."""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time one
        return str(number)

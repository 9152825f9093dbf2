"""`edgehands run --config` as a process of its own, with a service manager's socket and signals."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("models")

DEADLINE = 25.0
HALL = """
[[camera]]
source = "test:?clip=demo"
name = "hall"
"""
CONFIG = f"""{HALL}
[[camera]]
source = "/dev/video99"
name = "door"
[[output]]
type = "mqtt"
url = "mqtt://192.0.2.1"  # which nobody answers
node = "lab"
[tracker]
model = "light"
"""
# Frozen from outside: what stands here is a driver that never comes back.
HANGING = """
import threading
from edgehands.cli import main
from edgehands.tracker import HandTracker
update, frames = HandTracker.update, []
def hang(*arguments):
    frames.append(arguments)
    if len(frames) > 3:
        print("hangs", flush=True)
        threading.Event().wait()
    return update(*arguments)
HandTracker.update = hang
main()
"""


class Process:
    """The service, and what its manager hears."""

    def __init__(
        self,
        folder: Path,
        code: str = "from edgehands.cli import main; main()",
        config: str = CONFIG,
    ) -> None:
        self.config = folder / "edgehands.toml"
        self.config.write_text(config)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.settimeout(DEADLINE)
        self.talk = folder / "talk"
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(folder / "notify"),
            "WATCHDOG_USEC": "4000000",
            "XDG_RUNTIME_DIR": str(folder),
        }
        command = [sys.executable, "-c", code, "run", "--config", str(self.config)]
        with self.talk.open("wb") as talk:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=talk,
                env=environment,
            )

    def hear(self, wanted: str) -> list[str]:
        """Wait for a state and return all that were told until then."""
        told: list[str] = []
        end = time.monotonic() + DEADLINE
        while not any(re.match(wanted, state) for state in told):
            assert time.monotonic() < end, told
            told += self._socket.recv(4096).decode().splitlines()
        return told

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(DEADLINE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._socket.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts the service."""
    started: list[Process] = []

    def begin(**options: str) -> Process:
        started.append(Process(tmp_path, **options))
        return started[-1]

    yield begin
    for process in started:
        process.close()


def capture_of(pid: int) -> int | None:
    """Return the process that reads the camera: the only other one, or none for a moment."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return next(iter(children), None)


def test_a_service_says_how_it_is_reads_its_config_anew_and_ends_when_told(
    start: Callable[..., Process],
) -> None:
    service = start()
    told = service.hear("READY=1")
    assert "EXTEND_TIMEOUT_USEC=10000000" in told
    service.hear("WATCHDOG=1")
    assert any(re.match("STATUS=hall .* fps, .*; door (lost|stalled)", state) for state in told)

    service.config.write_text(CONFIG.replace("model", "moedl"))
    service.process.send_signal(signal.SIGHUP)
    service.hear("RELOADING=1")
    told = service.hear("READY=1")
    assert "the config has a mistake" in told[-1]
    assert ":14:1: unknown key 'moedl' in [tracker]" in service.talk.read_text()

    service.config.write_text(CONFIG)
    service.process.send_signal(signal.SIGHUP)
    service.hear("RELOADING=1")
    told = service.hear("READY=1")
    assert service.end() == 0
    assert "STOPPING=1" in service.hear("STOPPING=1")
    assert "Traceback" not in service.talk.read_text()


@pytest.mark.slow
def test_a_capture_process_that_is_stopped_is_replaced_and_the_service_lives(
    start: Callable[..., Process],
) -> None:
    service = start(config=HALL)
    service.hear("READY=1")
    service.hear("WATCHDOG=1")
    stopped = capture_of(service.process.pid)
    assert stopped is not None
    os.kill(stopped, signal.SIGSTOP)
    told: list[str] = []
    while capture_of(service.process.pid) in {stopped, None}:
        told += service.hear("WATCHDOG=1")
    told += service.hear("WATCHDOG=1")
    assert len(told) < 20  # it took no longer than a camera may be away
    assert service.end() == 0


def test_a_driver_that_hangs_is_told_and_does_not_keep_the_service(
    start: Callable[..., Process],
) -> None:
    service = start(code=HANGING)
    service.hear("STATUS=waiting for edgehands-camera hall: looking at a frame")
    assert service.end() == 0
    assert "EH1412" in service.talk.read_text() or "left behind" in service.talk.read_text()


@pytest.mark.slow
def test_a_watchdog_that_aborts_the_service_gets_a_trace_of_every_thread(
    start: Callable[..., Process],
) -> None:
    service = start(code=HANGING)
    service.hear("STATUS=waiting for")
    assert service.end(signal.SIGABRT) == -signal.SIGABRT
    trace = service.talk.read_text()
    assert "in hang" in trace
    assert "in _supervise" in trace


@pytest.mark.system
@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 2.0])
def test_it_ends_within_two_seconds_whatever_it_is_doing(
    start: Callable[..., Process], seconds: float
) -> None:
    service = start()
    time.sleep(seconds)
    begin = time.monotonic()
    code = service.end()
    assert time.monotonic() - begin < 2.0
    # Before there is anything to obey the signal, it kills.
    assert code in ({0, -signal.SIGTERM} if seconds < 0.5 else {0})

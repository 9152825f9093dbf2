"""The real service, as systemd starts it, with a real broker; and what can be done to both."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgehands.errors import DeviceError
from edgehands.monitor.asking import ask

if TYPE_CHECKING:
    from typing_extensions import Self

    from edgehands.health import Health

WATCHDOG_SECONDS = 8.0
CAPTURE = "edgehands-cam"
"""What a camera's own process is called."""

_READY_SECONDS = 60.0
_LINES = 200
_CONFIG = """\
[[camera]]
source = "{source}"
name = "soak"
fps = {fps}

[[output]]
type = "mqtt"
url = "mqtt://127.0.0.1:{port}"
node = "soak"

[[output]]
type = "stdout"

[tracker]
model = "{model}"
"""


class Setting(NamedTuple):
    """What the service is told to do."""

    source: str = "test:?clip=demo"
    model: str = "light"
    fps: float = 10.0


class Broker:
    """A mosquitto at one port; it can be killed, frozen and started again."""

    def __init__(self, folder: Path) -> None:
        path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
        program = shutil.which("mosquitto", path=path)
        if program is None:
            raise DeviceError("no mosquitto here: apt install mosquitto")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        config = folder / "mosquitto.conf"
        config.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous true\nlog_dest none\n",
            encoding="utf-8",
        )
        self._command = [program, "-c", str(config)]
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """End it without a word."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Start it again; nothing is remembered."""
        self._process = self._start()

    def freeze(self) -> None:
        """Let it keep its connections and do nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)


class Supervisor:
    """Where systemd would listen: READY, and the watchdog's feedings."""

    def __init__(self, path: Path) -> None:
        self.fed = 0
        self.longest_gap = 0.0
        """Seconds between two feedings; at WATCHDOG_SECONDS systemd would kill."""
        self.ready = threading.Event()
        self._last: float | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        threading.Thread(target=self._listen, daemon=True, name="supervisor").start()

    def gap(self) -> float:
        """Return the longest gap so far, the one that lasts included."""
        now = time.monotonic()
        return max(self.longest_gap, now - self._last if self._last else 0.0)

    def _listen(self) -> None:
        while True:
            lines = self._socket.recv(4096).decode(errors="replace").splitlines()
            if "READY=1" in lines:
                self.ready.set()
            if "WATCHDOG=1" in lines:
                self.fed += 1
                self.longest_gap = self.gap()
                self._last = time.monotonic()


class Rig:
    """The service and its broker, until the end of a `with` block."""

    def __init__(self, folder: Path, setting: Setting) -> None:
        self.broker = Broker(folder)
        self.config = folder / "soak.toml"
        self.good = _CONFIG.format(**setting._asdict(), port=self.broker.port)
        self.config.write_text(self.good, encoding="utf-8")
        self.supervisor = Supervisor(folder / "notify")
        self._status = folder / "soak.status"
        environment = {
            "NOTIFY_SOCKET": str(folder / "notify"),
            "WATCHDOG_USEC": str(int(WATCHDOG_SECONDS * 1e6)),
            "RUNTIME_DIRECTORY": str(folder),
        }
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "edgehands", "run", "--config", str(self.config)],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,  # a file would count as what the service writes
            text=True,
        )
        self._log: deque[str] = deque(maxlen=_LINES)
        self._listener = threading.Thread(target=self._listen, daemon=True, name="log")
        self._listener.start()

    def __enter__(self) -> Self:
        if not self.supervisor.ready.wait(_READY_SECONDS):
            self.close()
            raise DeviceError(f"the service is not ready: {self.said()[-500:]}")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> float:
        """End both, the service as systemd does; return how long that took it, in seconds."""
        begun = time.monotonic()
        self.broker.thaw()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        took = time.monotonic() - begun
        self._listener.join()
        self.broker.kill()
        return took

    @property
    def lives(self) -> bool:
        """Whether the service is still the process that was started."""
        return self.process.poll() is None

    def health(self) -> Health | None:
        """Ask the service how it is doing; None if it does not answer."""
        try:
            return ask(self._status)
        except (DeviceError, OSError):
            return None

    def said(self) -> str:
        """Return the last lines of the service's log."""
        return "".join(self._log)

    def reload(self) -> None:
        """Have the config read again."""
        self.process.send_signal(signal.SIGHUP)

    def capture(self) -> int | None:
        """Return the camera's process, None if there is none right now."""
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                if Path(f"/proc/{child}/comm").read_text().strip() == CAPTURE:
                    return child
        return None

    def _listen(self) -> None:
        assert self.process.stderr is not None  # noqa: S101 (it is a pipe)
        with self.process.stderr as lines:
            self._log.extend(lines)

"""A real mosquitto on loopback, somebody who listens to it, and a network that can be broken."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from edgehands.events import Event, EventHand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typing_extensions import Self

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
DEADLINE = 10.0
"""Seconds that a test waits for something before it fails."""


def wait_for(what: Callable[[], object], seconds: float = DEADLINE) -> None:
    """Return as soon as something holds."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.005)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def event(seq: int, event_type: str = "fist", *, camera: str = "bench") -> Event:
    return Event(
        event_type=event_type,
        gesture="fist",
        phase="start",
        hand=EventHand(1, "right"),
        score=0.9,
        camera=camera,
        seq=seq,
        id=f"run-{seq:08d}",
        ts=round(seq / 10, 3),
    )


class Mosquitto:
    """One broker; killed with `kill`, at the same port again with `start`."""

    def __init__(self, folder: Path, *config: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self._log = folder / f"mosquitto-{self.port}.log"
        self._config = folder / f"mosquitto-{self.port}.conf"
        own = config or (f"listener {self.port} 127.0.0.1", "allow_anonymous true")
        # As root it would become a user that may not read the folders of a test.
        lines = ("user root", "max_connections -1", "log_type all", *own)
        self._config.write_text("\n".join(line.format(port=self.port) for line in lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def start(self) -> Self:
        assert PROGRAM is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "-c", str(self._config)], stdout=log, stderr=log
            )
        wait_for(self._answers)
        return self

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(19)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(18)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@dataclass
class Heard:
    """One message as it came."""

    time: float
    topic: str
    payload: bytes
    retained: bool

    @property
    def json(self) -> dict[str, Any]:
        return dict(msgspec.json.decode(self.payload))


@dataclass
class Observer:
    """A client that listens, comes back at once, and keeps everything it hears."""

    port: int
    topics: tuple[str, ...] = ("#",)
    heard: list[Heard] = field(default_factory=list)
    subscribed: list[float] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._closing = False
        self._client: Client | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        wait_for(lambda: self.subscribed)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._thread.join()

    def on(self, topic: str) -> list[Heard]:
        return [heard for heard in list(self.heard) if heard.topic == topic]

    def below(self, end: str) -> list[Heard]:
        return [heard for heard in list(self.heard) if heard.topic.endswith(end)]

    def last(self, end: str) -> bytes | None:
        """Return the newest message on the topics with that end."""
        return next((heard.payload for heard in reversed(self.below(end))), None)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        assert self._client is not None
        self._client.publish(topic, payload, 1, retain)

    def _run(self) -> None:
        while not self._closing:
            client = self._client = Client(
                CallbackAPIVersion.VERSION2, protocol=MQTTv5, reconnect_on_failure=False
            )
            client.on_connect = lambda c, *_: c.subscribe([(topic, 1) for topic in self.topics])
            client.on_subscribe = lambda *_: self.subscribed.append(time.monotonic())
            client.on_message = self._hear
            try:
                client.connect("127.0.0.1", self.port)
                while not self._closing and client.loop(0.02) == 0:
                    pass
                client.disconnect()
            except OSError:
                time.sleep(0.01)
            if (sock := client.socket()) is not None:
                sock.close()

    def _hear(self, _client: Client, _data: object, message: Any) -> None:
        now = time.monotonic()
        self.heard.append(Heard(now, message.topic, message.payload, bool(message.retain)))


class Proxy:
    """A TCP proxy that can swallow what the broker says, or hang up."""

    def __init__(self, target: int) -> None:
        self.drops: Callable[[bytes], bool] = lambda _: False
        """Whether a chunk from the broker is swallowed."""
        self.answers: Callable[[bytes], bytes | None] = lambda _: None
        """What to answer a client's first chunk with, instead of passing it on."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def hang_up(self) -> None:
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self._sockets = []

    def close(self) -> None:
        self._listener.close()
        self.hang_up()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._sockets.append(client)
        first = client.recv(65536)
        if (answer := self.answers(first)) is not None:
            client.sendall(answer)
            client.close()
            return
        try:
            broker = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            client.close()
            return
        self._sockets.append(broker)
        broker.sendall(first)
        back = threading.Thread(target=self._pump, args=(broker, client, True), daemon=True)
        back.start()
        self._pump(client, broker, False)

    def _pump(self, source: socket.socket, sink: socket.socket, from_broker: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                if not (from_broker and self.drops(chunk)):
                    sink.sendall(chunk)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()

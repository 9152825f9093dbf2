"""One thread that answers: a request and an answer for each client, bounded in size, time, number.

A client that is slow, silent or hostile costs one of a fixed number of places, and loses it to the
next one if all are taken.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.monitor.sockets import Listener

_log = logging.getLogger(__name__)

MAX_CLIENTS = 32
"""Clients at once; one more sends the oldest away."""
CLIENT_SECONDS = 2.0
"""For a whole request and its answer."""

_CHUNK = 4096
_CLOSE_SECONDS = 1.0

Refusal = Literal["too long", "broken"]


class Protocol(ABC):
    """What is spoken on one listener. It must not block: one thread serves all clients."""

    end: ClassVar[bytes]
    """What a request ends with."""
    limit: ClassVar[int]
    """Bytes of a request at most, its end included."""

    @abstractmethod
    def answer(self, request: bytes) -> bytes:
        """Return the answer to a request, which still has its end."""

    @abstractmethod
    def refuse(self, why: Refusal) -> bytes:
        """Return the answer to a request that is too long, or whose answer failed."""


class _Door(NamedTuple):
    """Where clients come in."""

    listener: Listener
    protocol: Protocol


@dataclass(slots=True, eq=False)
class _Client:
    socket: socket.socket
    protocol: Protocol
    deadline: float
    received: bytearray = field(default_factory=bytearray)
    answer: memoryview | None = None
    """What is left of it; empty when only the client's goodbye is waited for."""


class Answering:
    """Serves listeners until it is closed.

    Args:
        served: each listener with what is spoken there; they are closed with this.
    """

    def __init__(self, served: Sequence[tuple[Listener, Protocol]]) -> None:
        self._doors = [_Door(listener, protocol) for listener, protocol in served]
        self._clients: dict[_Client, None] = {}  # in the order of their coming
        self._selector = selectors.DefaultSelector()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closing = False
        self._selector.register(self._wake, selectors.EVENT_READ)
        for door in self._doors:
            self._selector.register(door.listener.socket, selectors.EVENT_READ, door)
        self._thread = Thread(target=self._run, name="edgehands-monitor", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Hang up on everybody. Safe to call twice."""
        if self._closing:
            return
        self._closing = True
        os.eventfd_write(self._wake, 1)
        if self._thread.ident is not None:
            self._thread.join(_CLOSE_SECONDS)
        if not self._thread.is_alive():  # else it may still look at them
            self._selector.close()
            os.close(self._wake)
        for door in self._doors:
            door.listener.close()

    def _run(self) -> None:
        try:
            while not self._closing:
                for key, _ in self._selector.select(self._patience()):
                    if isinstance(key.data, _Door):
                        self._accept(key.data)
                    elif key.data in self._clients:  # not sent away a moment ago
                        self._serve(key.data)
                self._send_late_ones_away()
        finally:
            for client in list(self._clients):
                self._drop(client)

    def _patience(self) -> float | None:
        """Return the seconds until the first client is late; they came in that order."""
        first = next(iter(self._clients), None)
        return None if first is None else max(0.0, first.deadline - time.monotonic())

    def _send_late_ones_away(self) -> None:
        now = time.monotonic()
        for client in list(self._clients):
            if client.deadline > now:
                return
            self._drop(client)

    def _accept(self, door: _Door) -> None:
        try:
            connection, _ = door.listener.socket.accept()
        except BlockingIOError:
            return
        except OSError as error:  # out of file descriptors, or the client is gone again
            _log.warning("cannot answer a client: %s", error.strerror, extra={"code": "EH1501"})
            time.sleep(0.05)  # the listener stays readable: do not turn in circles
            return
        connection.setblocking(False)
        if len(self._clients) >= MAX_CLIENTS:
            self._drop(next(iter(self._clients)))
        client = _Client(connection, door.protocol, time.monotonic() + CLIENT_SECONDS)
        self._clients[client] = None
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _serve(self, client: _Client) -> None:
        try:
            if client.answer is None:
                self._receive(client)
            elif client.answer:
                self._send(client)
            elif not client.socket.recv(_CHUNK):  # what it still says is nobody's business
                self._drop(client)
        except BlockingIOError:
            return
        except OSError:  # it hung up
            self._drop(client)

    def _receive(self, client: _Client) -> None:
        data = client.socket.recv(_CHUNK)
        protocol, received = client.protocol, client.received
        received += data
        at = received.find(protocol.end, max(0, len(received) - len(data) - len(protocol.end)))
        length = at + len(protocol.end) if at >= 0 else len(received)
        if length > protocol.limit:
            answer = protocol.refuse("too long")
        elif at >= 0:
            answer = self._answer(protocol, bytes(received[:length]))
        elif data:
            return
        else:  # it ended in the middle of a request
            self._drop(client)
            return
        client.answer = memoryview(answer)
        self._selector.modify(client.socket, selectors.EVENT_WRITE, client)
        self._send(client)

    def _answer(self, protocol: Protocol, request: bytes) -> bytes:
        try:
            return protocol.answer(request)
        except Exception:  # noqa: BLE001 (a bug there must not end this thread)
            _log.exception("a bug in an answer to a client", extra={"code": "EH1502"})
            return protocol.refuse("broken")

    def _send(self, client: _Client) -> None:
        assert client.answer is not None  # noqa: S101 (for mypy: see where it is called)
        client.answer = client.answer[client.socket.send(client.answer) :]
        if not client.answer:
            # The client reads to the end before it hangs up; closing now could destroy the answer.
            client.socket.shutdown(socket.SHUT_WR)
            self._selector.modify(client.socket, selectors.EVENT_READ, client)

    def _drop(self, client: _Client) -> None:
        del self._clients[client]
        with suppress(KeyError, ValueError):
            self._selector.unregister(client.socket)
        client.socket.close()

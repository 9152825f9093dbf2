"""Accepts connections, few and short-lived: whoever asks for nothing makes room for others.

A thousand connections that say nothing would take all file numbers from the camera.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from edgehands.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.web_settings import Address

MOST_CONNECTIONS = 64
IDLE_SECONDS = 10.0
"""In which a request has to be whole, and its answer taken."""

_SEND_BUFFER = 131_072  # bytes: what a slow viewer may lie behind
_PAUSE = 0.005  # seconds between newcomers while it is full
_BACKLOG = 128


def listen(address: Address) -> socket.socket:
    """Open the socket that connections come to.

    Raises:
        DeviceError: the address is taken, forbidden or not of this machine.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _not_open(address, error) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        listening.bind(place)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise _not_open(address, error) from error
    return listening


class Connections:
    """The open connections; at most so many, and none that only waits.

    Args:
        protocol: makes what speaks HTTP on a connection.
    """

    def __init__(self, protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        self._protocol = protocol
        self._idle: dict[asyncio.BaseTransport, float] = {}
        """Those of which no request is being answered, with the time since; the oldest first."""
        self._busy: set[asyncio.BaseTransport] = set()

    async def accept(self, listening: socket.socket) -> None:
        """Take connections for ever."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(listening)
            except OSError:  # gone again, or no file number is left
                await asyncio.sleep(_PAUSE)
                continue
            if self._is_full:
                self._make_room()
                await asyncio.sleep(_PAUSE)
            if self._is_full:
                accepted.close()
                continue
            with suppress(OSError):
                transport, _ = await loop.connect_accepted_socket(self._protocol, accepted)
                self._idle[transport] = loop.time()

    async def sweep(self) -> None:
        """End, for ever, what has waited for too long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(IDLE_SECONDS / 10)
            self._forget_closed()
            for transport, since in [*self._idle.items()]:
                if loop.time() - since > IDLE_SECONDS:
                    self._abort(transport)

    def busy(self, transport: asyncio.BaseTransport) -> None:
        """Take note that a request on this connection is whole and being answered."""
        self._idle.pop(transport, None)
        self._busy.add(transport)

    def idle(self, transport: asyncio.BaseTransport) -> None:
        """Take note that it has been answered."""
        self._busy.discard(transport)
        if not transport.is_closing():
            self._idle[transport] = asyncio.get_running_loop().time()

    def close(self) -> None:
        """End all of them."""
        for transport in (*self._idle, *self._busy):
            if isinstance(transport, asyncio.Transport):
                transport.abort()

    @property
    def _is_full(self) -> bool:
        return len(self._idle) + len(self._busy) >= MOST_CONNECTIONS

    def _make_room(self) -> None:
        """Forget what is closed, or else end the oldest that only waits."""
        self._forget_closed()
        if self._is_full and self._idle:
            self._abort(next(iter(self._idle)))

    def _forget_closed(self) -> None:
        for transport in [each for each in self._idle if each.is_closing()]:
            del self._idle[transport]
        self._busy = {each for each in self._busy if not each.is_closing()}

    def _abort(self, transport: asyncio.BaseTransport) -> None:
        self._idle.pop(transport, None)
        if isinstance(transport, asyncio.Transport):
            transport.abort()


def _not_open(address: Address, error: OSError) -> DeviceError:
    port = address.port + 1 if address.port < 65535 else 8770
    return DeviceError(
        f"the live page cannot listen on {address}: {error.strerror or error}; "
        f"choose another, as --web-address {address._replace(port=port)}"
    )

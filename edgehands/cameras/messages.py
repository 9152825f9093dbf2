"""What the process that captures and the one that asked for it say to each other.

Datagrams over a pair of sockets; the pictures themselves lie in shared memory. The parent gives one
`Take` at a time, and what answers it is the newest frame of that moment: nothing ever queues.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TypeAlias

import msgspec

from edgehands.cameras.look import Look  # noqa: TC001 (msgspec reads it at run time)


class Open(msgspec.Struct, frozen=True, tag=True):
    """Open this camera."""

    source: str
    width: int | None
    height: int | None
    fps: float | None
    password: str | None


class Take(msgspec.Struct, frozen=True, tag=True):
    """Give the next frame."""

    free: list[int]
    """Slots that nobody looks at."""


class Close(msgspec.Struct, frozen=True, tag=True):
    """Close the camera and end."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Everything is imported: a camera can be opened."""


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The camera is open."""

    fps: float


class Picture(msgspec.Struct, frozen=True, tag=True):
    """A frame, whose picture lies in a slot: uint8 [height, width, 3] RGB from `offset`."""

    slot: int
    offset: int
    width: int
    height: int
    time: float
    captured: float
    dropped: int
    """Since the camera was opened."""
    rejected: int
    """As `dropped`."""
    look: Look


class Unusable(msgspec.Struct, frozen=True, tag=True):
    """Frames come that cannot be used: so many since the camera was opened."""

    rejected: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The camera cannot be opened, or broke."""

    kind: str
    """Class of errors.py, or "" for a bug."""
    message: str
    trace: str = ""
    intact: bool = False
    """Nothing is left of it in the process, which can open it again."""


class Ended(msgspec.Struct, frozen=True, tag=True):
    """There are no more frames."""


class Note(msgspec.Struct, frozen=True, tag=True):
    """A line for the log."""

    logger: str
    level: int
    text: str
    code: str | None = None
    """Of edgehands.messages, for a warning or an error."""


Order: TypeAlias = Open | Take | Close
Report: TypeAlias = Ready | Opened | Picture | Unusable | Failed | Ended | Note

LONGEST = 1 << 16
"""Bytes of a message."""
_LONGEST_TEXT = 8000

_encode = msgspec.msgpack.Encoder().encode
decode_order = msgspec.msgpack.Decoder(Order).decode
decode_report = msgspec.msgpack.Decoder(Report).decode


def send(link: socket.socket, message: Order | Report, *, wait: bool = True) -> None:
    """Send a message.

    Raises:
        BlockingIOError: the other side does not read, and this one does not wait.
        OSError: there is no other side any more.
    """
    link.send(_encode(message), socket.MSG_NOSIGNAL | (0 if wait else socket.MSG_DONTWAIT))


def receive(link: socket.socket) -> bytes:
    """Wait for a message and return it, b"" at the end."""
    with suppress(ConnectionResetError):
        return link.recv(LONGEST)
    return b""


def shortened(text: str) -> str:
    """Return the end of a text that would not fit."""
    return text[-_LONGEST_TEXT:]

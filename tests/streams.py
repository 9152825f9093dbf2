"""A network camera that can be told to misbehave: JPEGs over HTTP, or over RTSP and TCP."""

from __future__ import annotations

import base64
import itertools
import random
import re
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

Kind = Literal["http", "rtsp"]
Mode = Literal["ok", "refuse", "half-open", "silent", "reset", "garbage", "small", "end"]
"""refuse: nobody listens; half-open: connections are taken and nothing is said; silent: the stream
stops and its connection stays; reset: connections are cut in the middle of a picture; garbage:
pictures are noise; small: they have half the size; end: streams end, and so does the next one."""

FPS = 50.0
_RTP_PAYLOAD = 1400
_JPEG = 26  # RTP's number for JPEG, RFC 3551


class StreamCamera:
    """A server on loopback; set `mode` while it runs."""

    def __init__(
        self, kind: Kind = "http", password: str | None = None, size: tuple[int, int] = (320, 240)
    ) -> None:
        self.kind = kind
        self.password = password
        self.size = size
        self.connections = 0
        self._mode: Mode = "ok"
        self._closed = False
        self._open: set[socket.socket] = set()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        user = "me@" if self.password else ""
        return f"{self.kind}://{user}127.0.0.1:{self.port}/stream"

    @property
    def mode(self) -> Mode:
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        before, self._mode = self._mode, mode
        if mode == "refuse":
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        elif before == "refuse":
            self._listener = self._listen(self.port)
        if mode in ("refuse", "half-open"):
            self._cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut()

    def _listen(self, port: int) -> socket.socket:
        return socket.create_server(("127.0.0.1", port), reuse_port=False)

    def _cut(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                time.sleep(0.01)
                continue
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        with connection, suppress(OSError):
            if self._mode == "half-open":
                self._pause(lambda: self._mode == "half-open")
            elif self.kind == "http":
                self._serve_http(connection)
            else:
                self._serve_rtsp(connection)
        self._open.discard(connection)

    def _pause(self, goes_on: object) -> None:
        assert callable(goes_on)
        while goes_on() and not self._closed:
            time.sleep(0.01)

    def _frames(self) -> Iterator[bytes]:
        """JPEGs at the camera's pace, as spoilt as they have to be."""
        noise = random.Random(1)  # noqa: S311 (for pixels)
        for number in itertools.count():
            if self._closed or self._mode in ("refuse", "half-open", "end"):
                return
            self._pause(lambda: self._mode == "silent")
            width, height = self.size
            if self._mode == "small":
                width, height = width // 2, height // 2
            image = np.full((height, width, 3), (10, 30, 200), np.uint8)
            image[:, : number * 8 % width] = noise.randbytes(1)[0]
            content = cv2.imencode(".jpg", image)[1].tobytes()
            yield noise.randbytes(len(content)) if self._mode == "garbage" else content
            time.sleep(1 / FPS)

    def _send(self, connection: socket.socket, content: bytes) -> None:
        if self._mode == "reset":
            connection.sendall(content[: len(content) // 2])
            # Without time to linger, the socket is not closed but reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionResetError
        connection.sendall(content)

    # HTTP

    def _serve_http(self, connection: socket.socket) -> None:
        request = _read_request(connection)
        if not self._is_allowed(request):
            connection.sendall(
                b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="door"\r\n'
                b"Content-Length: 0\r\nConnection: close\r\n\r\n"
            )
            return
        connection.sendall(
            b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=next\r\n\r\n"
        )
        for content in self._frames():
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
            self._send(connection, head.encode() + content + b"\r\n")

    def _is_allowed(self, request: str) -> bool:
        if self.password is None:
            return True
        wanted = base64.b64encode(f"me:{self.password}".encode()).decode()
        return f"Authorization: Basic {wanted}" in request

    # RTSP

    def _serve_rtsp(self, connection: socket.socket) -> None:
        while request := _read_request(connection):
            method = request.partition(" ")[0]
            number = re.search(r"CSeq: (\d+)", request)
            head = f"RTSP/1.0 200 OK\r\nCSeq: {number[1] if number else 0}\r\n"
            if not self._is_allowed(request):
                head = head.replace("200 OK", "401 Unauthorized")
                head += 'WWW-Authenticate: Basic realm="door"\r\n'
                connection.sendall(f"{head}\r\n".encode())
                continue
            body = ""
            if method == "OPTIONS":
                head += "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
            elif method == "DESCRIBE":
                body = (
                    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=door\r\nt=0 0\r\n"
                    f"m=video 0 RTP/AVP {_JPEG}\r\nc=IN IP4 0.0.0.0\r\n"
                    f"a=framerate:{FPS}\r\na=control:video\r\n"
                )
                head += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
            elif method == "SETUP":
                head += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
            elif method == "PLAY":
                head += "Session: 1\r\n"
            connection.sendall(f"{head}\r\n{body}".encode())
            if method == "PLAY":
                self._play(connection)
                return

    def _play(self, connection: socket.socket) -> None:
        sequence = itertools.count()
        for number, content in enumerate(self._frames()):
            for packet in _rtp(content, number, sequence, self.mode == "garbage"):
                self._send(connection, b"$\0" + struct.pack(">H", len(packet)) + packet)


def _read_request(connection: socket.socket) -> str:
    content = b""
    while not content.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        if not piece:
            return ""
        content += piece
        if content.startswith(b"$"):  # how well the stream is received
            content = b""
    return content.decode(errors="replace")


def _rtp(content: bytes, number: int, sequence: Iterator[int], spoilt: bool) -> Iterator[bytes]:
    """Cut a JPEG up as RFC 2435 has it: no tables but the quantisation, which go first."""
    stamp = int(number * 90000 / FPS)
    if spoilt:
        yield (
            struct.pack(">BBHII", 0x80, 0x80 | _JPEG, next(sequence) & 0xFFFF, stamp, 1)
            + content[:_RTP_PAYLOAD]
        )
        return
    tables, width, height, scan = _parts(content)
    for offset in range(0, len(scan), _RTP_PAYLOAD):
        piece = scan[offset : offset + _RTP_PAYLOAD]
        last = offset + len(piece) == len(scan)
        head = struct.pack(
            ">BBHII", 0x80, (0x80 if last else 0) | _JPEG, next(sequence) & 0xFFFF, stamp, 1
        )
        head += struct.pack(">I", offset) + bytes((1, 255, width // 8, height // 8))
        if offset == 0:
            head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        yield head + piece


def _parts(content: bytes) -> tuple[bytes, int, int, bytes]:
    """Return a JPEG's quantisation tables, width, height and scan."""
    tables, width, height, place = b"", 0, 0, 2
    while True:
        marker, length = struct.unpack_from(">HH", content, place)
        segment = content[place + 4 : place + 2 + length]
        place += 2 + length
        if marker == 0xFFDB:
            tables += b"".join(segment[at + 1 : at + 65] for at in range(0, len(segment), 65))
        elif marker == 0xFFC0:
            height, width = struct.unpack_from(">HH", segment, 1)
        elif marker == 0xFFDA:
            return tables, width, height, content[place:-2]

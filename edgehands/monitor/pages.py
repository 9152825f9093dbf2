"""/metrics for Prometheus, /healthz and /readyz for others, and as little HTTP as that takes."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from edgehands.monitor.answering import Protocol, Refusal
from edgehands.monitor.problems import why_blind
from edgehands.mqtt.rates import RateCap

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from edgehands.health import Health

_TEXT = "text/plain; charset=utf-8"
_ANSWERS_PER_SECOND = 10.0  # a scraper asks once in seconds; an answer costs a millisecond
_BURST = 50


class _Response(NamedTuple):
    status: HTTPStatus
    body: bytes
    content_type: str = _TEXT


class _WrongError(Exception):
    """A request that gets an error; its text is the body."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class HttpProtocol(Protocol):
    """Answers GET and HEAD, one request a connection.

    Args:
        health: tells how the run is doing; called in another thread.
        render: turns that into metrics.
        content_type: of the metrics.
        hosts: names that a request may be addressed to; None takes any, for a unix socket.
        clock: monotonic seconds.
    """

    end = b"\r\n\r\n"
    limit = 8192

    def __init__(
        self,
        health: Callable[[], Health],
        render: Callable[[Health], bytes],
        *,
        content_type: str,
        hosts: Collection[str] | None,
        clock: Callable[[], float],
    ) -> None:
        self._health = health
        self._render = render
        self._content_type = content_type
        self._hosts = None if hosts is None else {name.lower() for name in hosts}
        self._cap = RateCap(_ANSWERS_PER_SECOND, _BURST)
        self._clock = clock

    def answer(self, request: bytes) -> bytes:
        """Answer one request."""
        try:
            method, path = self._understand(request)
            return _encoded(self._page(path), body=method == "GET")
        except _WrongError as wrong:
            return _encoded(_Response(wrong.status, f"{wrong}\n".encode()))

    def refuse(self, why: Refusal) -> bytes:
        """Say why there is no page."""
        if why == "too long":
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        else:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        return _encoded(_Response(status, f"{status.phrase}\n".encode()))

    def _understand(self, request: bytes) -> tuple[str, str]:
        """Return method and path of a request that is to be answered."""
        first, *fields = request.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, _, rest = first.partition(" ")
        target, _, version = rest.rpartition(" ")
        if version not in {"HTTP/1.0", "HTTP/1.1"} or not target.startswith("/"):
            raise _WrongError(HTTPStatus.BAD_REQUEST, "this is no HTTP/1.1 request")
        named = [
            value.strip()
            for name, _, value in (each.partition(":") for each in fields)
            if name.lower() == "host"
        ]
        if len(named) > 1 or (not named and version == "HTTP/1.1"):
            raise _WrongError(HTTPStatus.BAD_REQUEST, "a request needs one Host")
        if named and not self._is_addressed(named[0]):
            raise _WrongError(
                HTTPStatus.MISDIRECTED_REQUEST,
                "not the name of this machine: ask by its address, or put the name into hosts of "
                "[metrics]",
            )
        if method not in {"GET", "HEAD"}:
            raise _WrongError(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD")
        return method, target.partition("?")[0]

    def _is_addressed(self, host: str) -> bool:
        """Whether a request means this machine: a web page may have made up a name for it."""
        if self._hosts is None:
            return True
        name = host.lower()
        if not name.endswith("]"):
            before, colon, port = name.rpartition(":")
            name = before if colon and port.isdecimal() else name
        if name in {"localhost", *self._hosts}:
            return True
        try:
            ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True

    def _page(self, path: str) -> _Response:
        if path == "/healthz":
            return _Response(HTTPStatus.OK, b"alive\n")
        if path not in {"/metrics", "/readyz"}:
            raise _WrongError(HTTPStatus.NOT_FOUND, "there are /metrics, /healthz and /readyz")
        if not self._cap.take(self._clock()):
            raise _WrongError(HTTPStatus.TOO_MANY_REQUESTS, "too many requests: ask less often")
        health = self._health()
        if path == "/metrics":
            return _Response(HTTPStatus.OK, self._render(health), self._content_type)
        if why := why_blind(health):
            raise _WrongError(HTTPStatus.SERVICE_UNAVAILABLE, why)
        return _Response(HTTPStatus.OK, b"ready\n")


def _encoded(response: _Response, *, body: bool = True) -> bytes:
    head = (
        f"HTTP/1.1 {response.status.value} {response.status.phrase}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        *(["Allow: GET, HEAD"] if response.status == HTTPStatus.METHOD_NOT_ALLOWED else []),
    )
    text = "\r\n".join((*head, "", ""))
    return text.encode("latin-1") + (response.body if body else b"")

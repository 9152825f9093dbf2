"""Where a broker is: its URL, taken apart and checked."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from edgehands.errors import UsageError
from edgehands.redaction import has_url_password, host_of

DEFAULT_PREFIX = "edgehands"
DEFAULT_URL = "mqtt://localhost"
_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker's address, who to be there, and under which topic everything lies."""

    scheme: str
    host: str
    port: int
    username: str | None
    prefix: str

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in {"mqtts", "wss"}

    @property
    def websocket(self) -> bool:
        """Whether MQTT travels inside a WebSocket."""
        return self.scheme in {"ws", "wss"}

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_url(url: str) -> Broker:
    """Take a URL such as mqtt://user@host:1883/prefix apart.

    Raises:
        UsageError: it is none, or holds a password, which is then not repeated.
    """
    if has_url_password(url):  # first: what cannot be read is repeated in the message below
        raise UsageError(
            f"a password in the broker URL of {host_of(url)}: everybody could read it; take it out "
            "and give password_file, or EDGEHANDS_MQTT_PASSWORD in the environment"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        raise UsageError(f"a broker URL that cannot be read: {error}") from error
    if parts.scheme not in _PORTS or not host or port == 0 or {"?", "#"} & set(url):
        raise UsageError(
            f"broker {_without_user(parts)!r}: expected mqtt://[user@]host[:port][/prefix], "
            "or mqtts, ws, wss"
        )
    return Broker(
        parts.scheme,
        host,
        port or _PORTS[parts.scheme],
        unquote(parts.username) if parts.username else None,
        _prefix(parts.path),
    )


def _prefix(path: str) -> str:
    prefix = unquote(path).strip("/") or DEFAULT_PREFIX
    if any(sign in "+#$" or not sign.isprintable() for sign in prefix) or "//" in prefix:
        raise UsageError(f"topic prefix {prefix!r}: no +, #, $, // or control characters")
    return prefix


def _without_user(parts: SplitResult) -> str:
    """Return the URL as it may be shown: what stands before an @ might be a secret."""
    netloc = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=netloc).geturl()

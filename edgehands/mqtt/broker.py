"""Where a broker is: its URL, taken apart and checked."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from edgehands.errors import UsageError
from edgehands.redaction import has_url_password, host_of, redacted

DEFAULT_PREFIX = "edgehands"
DEFAULT_URL = "mqtt://localhost"
_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
_EXPECTED = "expected mqtt://[user@]host[:port][/prefix], or mqtts, ws, wss; or unix://[user@]/path/of/socket"


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker's address, who to be there, and under which topic everything lies."""

    scheme: str
    host: str
    """Of a unix socket, its path."""
    port: int
    username: str | None
    prefix: str

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in {"mqtts", "wss"}

    @property
    def local(self) -> bool:
        """Whether it is reached over a unix socket, without a network."""
        return self.scheme == "unix"

    @property
    def websocket(self) -> bool:
        """Whether MQTT travels inside a WebSocket."""
        return self.scheme in {"ws", "wss"}

    def __str__(self) -> str:
        if self.local:
            return f"unix://{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_url(url: str) -> Broker:
    """Take a URL such as mqtt://user@host:1883/prefix apart.

    Raises:
        UsageError: it is none, or holds a password, which is then not repeated.
    """
    if has_url_password(url):
        raise UsageError(
            f"a password in the broker URL of {host_of(url)}: everybody could read it; take it out "
            "and give password_file, or EDGEHANDS_MQTT_PASSWORD in the environment"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        # Others repeat what stands for the port, which might be a password.
        why = f"{error}; " if str(error).startswith("Port out of range") else ""
        raise UsageError(f"a broker URL that cannot be read: {why}{_EXPECTED}") from None
    username = unquote(parts.username) if parts.username else None
    if parts.scheme == "unix" and not host and len(parts.path) > 1 and not {"?", "#"} & set(url):
        return Broker("unix", unquote(parts.path), 0, username, DEFAULT_PREFIX)
    if parts.scheme not in _PORTS or not host or port == 0 or {"?", "#"} & set(url):
        raise UsageError(f"broker{_shown(url)}: {_EXPECTED}")
    return Broker(
        parts.scheme,
        host,
        port or _PORTS[parts.scheme],
        username,
        topic_prefix(unquote(parts.path).strip("/") or DEFAULT_PREFIX),
    )


def topic_prefix(text: str) -> str:
    """Return the beginning of topics as it is.

    Raises:
        UsageError: no topic may begin so.
    """
    if any(sign in "+#$" or not sign.isprintable() for sign in text) or "//" in text or not text:
        raise UsageError(f"topic prefix{_shown(text)}: no +, #, $, // or control characters")
    return text


def _shown(text: str) -> str:
    """Return what may be shown: without a scheme nobody knows what of it is a password."""
    return "" if {"@", "?"} & set(text) else f" {redacted(text)!r}"

"""Who may ask the page's server for what: names, origins, headers. Pure: text in, answers out."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HEADERS: Mapping[str, str] = {
    # Everything comes from here; nothing in the page's text can be a script or a style.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
    "Cache-Control": "no-store",
    "Server": "edgehands",
}
"""Of every answer."""

_OWN_NAMES = ("localhost", "127.0.0.1", "::1")


class Names:
    """The names by which this server may be asked for.

    A foreign page whose name was made to point here (DNS rebinding) still sends its own name.

    Args:
        hosts: from the config.
        is_loopback: whether only this machine can reach it.
    """

    def __init__(self, hosts: Iterable[str], *, is_loopback: bool) -> None:
        names = [*_OWN_NAMES, *hosts]
        if not is_loopback:
            own = socket.gethostname()
            names += [own, f"{own.partition('.')[0]}.local"]
        self._names = frozenset(name.lower().rstrip(".") for name in names)

    def may_ask(self, host: str | None, local: str | None) -> bool:
        """Whether a request's Host is one of these, or the address that it came to.

        Args:
            host: the header, with or without a port.
            local: the address on this machine that the connection reached.
        """
        name = host_name(host)
        if name is None:
            return False
        return name in self._names or (local is not None and _same_address(name, local))


def host_name(host: str | None) -> str | None:
    """Return the name in a Host header without its port, None if it is no name."""
    if not host or not host.isascii() or any(sign in host for sign in "/@?#\\ \t,"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # of which Python only now says that it is none
    except ValueError:
        return None
    return (parts.hostname or "").rstrip(".") or None


def is_own_origin(origin: str | None, host: str | None) -> bool:
    """Whether a request comes from this server's own page: its Origin names the Host asked for."""
    if not origin or not host:
        return False
    scheme, _, rest = origin.partition("://")
    return scheme in {"http", "https"} and rest.lower() == host.lower()


def _same_address(name: str, local: str) -> bool:
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(local.partition("%")[0])
    except ValueError:
        return False

"""The table [web]: the live page."""

from __future__ import annotations

import ipaddress
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from edgehands.errors import UsageError
from edgehands.settings import Seconds, Text  # noqa: TC001 (msgspec reads it at run time)

TOKEN_VARIABLE = "EDGEHANDS_WEB_TOKEN"  # noqa: S105 (its name, not itself)
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8770


class WebConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The live page: what the camera sees, what is made of it, and why."""

    enabled: bool = False
    """Open the page."""
    address: Text = f"{DEFAULT_HOST}:{DEFAULT_PORT}"
    """Where it listens, host:port. Anything but this machine's loopback needs a token."""
    hosts: tuple[Text, ...] = ()
    """Names by which browsers may ask for it, besides this machine's own."""
    token_file: Text | None = None
    """File with the token that the page asks for, readable by its owner alone; None takes it from
    the environment variable, else from the systemd credential web-token."""
    token_variable: Text = TOKEN_VARIABLE
    """The environment variable with the token."""
    pixels: bool = False
    """Show the camera's picture. False: skeletons only, and no pixel leaves the process."""
    fps: Annotated[float, Meta(gt=0.0, le=60.0)] = 15.0
    """Pictures a second at most."""
    read_only: bool = False
    """Let nobody change settings on the page."""
    idle_timeout: Seconds = 3600.0
    """Seconds after which a page that nobody touches stops, and its token is asked for again; 0
    never."""


class Address(NamedTuple):
    """Where the page listens."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Return the host and port that `text` names: host:port, a host, or a port alone.

    Raises:
        UsageError: it names none.
    """
    given = f":{text}" if text.isascii() and text.isdigit() else text
    host, colon, port = given.rpartition(":")
    if not colon or (given.startswith("[") and given.endswith("]")):
        host, port = given, str(DEFAULT_PORT)
    host = host.removeprefix("[").removesuffix("]") or DEFAULT_HOST
    valid = port.isascii() and port.isdigit() and int(port) < 65536
    if not valid or not host.isascii() or any(sign in host for sign in "/@?# \t"):
        raise UsageError(f"no address {text!r}: write it as {DEFAULT_HOST}:{DEFAULT_PORT}")
    return Address(host, int(port))

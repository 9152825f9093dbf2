"""The table [metrics]: where Prometheus may ask, which is nowhere unless it is said."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import msgspec

from edgehands.errors import UsageError
from edgehands.settings import Text  # noqa: TC001 (msgspec reads it at run time)

_UNIX = "unix:"


class MetricsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table [metrics]: /metrics, /healthz and /readyz over HTTP."""

    listen: Text | None = None
    """127.0.0.1:9464, [::1]:9464 or unix:/run/edgehands/metrics.sock; None listens nowhere."""
    allow_remote: bool = False
    """Take an address that other machines can reach: whoever does can read, without a password."""
    hosts: tuple[Text, ...] = ()
    """Names by which this machine may be asked, besides its addresses and localhost."""


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address of this machine."""

    ip: IPv4Address | IPv6Address
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if self.ip.version == 6 else f"{self.ip}:{self.port}"


def parse_listen(text: str) -> Address | Path:
    """Return what `listen` names: a TCP address, or the path of a unix socket.

    Raises:
        UsageError: it is neither.
    """
    if text.startswith(_UNIX):
        path = Path(text.removeprefix(_UNIX))
        if not path.is_absolute() or "\0" in text:
            raise UsageError(f"{text!r}: a unix socket needs a whole path: unix:/run/edgehands/…")
        return path
    host, colon, port = text.rpartition(":")
    host = {"localhost": "127.0.0.1"}.get(host, host.removeprefix("[").removesuffix("]"))
    try:
        address = ip_address(host)
    except ValueError:
        raise UsageError(f"{text!r} is no address with a port: take 127.0.0.1:9464") from None
    if not (colon and port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise UsageError(f"{text!r} has no port from 1 to 65535: take 127.0.0.1:9464")
    return Address(address, int(port))


def check_listen(text: str, *, allow_remote: bool) -> None:
    """Refuse an address that other machines can reach, unless that is wanted.

    Raises:
        UsageError: it is one, or no address at all.
    """
    place = parse_listen(text)
    if isinstance(place, Address) and not place.ip.is_loopback and not allow_remote:
        raise UsageError(
            f"{text!r} can be reached from other machines: take 127.0.0.1:{place.port}, or say "
            "allow_remote = true"
        )

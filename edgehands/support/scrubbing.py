"""Takes out of a text what is nobody's business: passwords, host names, addresses, user names."""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address

from edgehands.redaction import HIDDEN, redacted

_SAID = re.compile(
    r"""
      (?P<name>(?:pass(?:word|wd|phrase)?|pwd|token|secret|api[_-]?key|authorization)["']?
        \s*[:=]\s*(?:(?:basic|bearer)\s+)?)
      (?P<value>"[^"]*"|'[^']*'|[^\s,;}]+)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?:[^/?#@\s]*@)?(?P<host>[^/?#:@\s\[\]\"',;)]+)"
)
# As a page's address and GStreamer's elements (udpsrc address=…, tcpclientsrc host=…) have it.
_PARAMETER = re.compile(
    r"(?P<before>\b(?:host|address)\s*=\s*[\"']?)(?P<host>[a-z0-9][\w.-]*)(?![\w.-]*://)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?<![\w.])(?:(?:[0-9a-f]{2}:){5}[0-9a-f]{2}|\d+(?:\.\d+){3}|[0-9a-f]*:[0-9a-f:.]*[0-9a-f:])"
    r"(?![\w])",
    re.IGNORECASE,
)
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)
_HOME = re.compile(r"(?P<before>/home/)[^/\s:\"']+")
_KEPT = {"localhost", "edgehands", "github.com"}
"""Names that tell nothing of where a machine is."""


class Scrubber:
    """Puts HOST-1, ADDRESS-2 … in their place, the same for the same in all texts.

    Args:
        names: host names that are known beforehand; this machine's own always is.
        keep_addresses: take out passwords alone.
    """

    def __init__(self, names: tuple[str, ...] = (), *, keep_addresses: bool = False) -> None:
        self._keep_addresses = keep_addresses
        self._names: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        for name in (socket.gethostname(), *names):
            self._name(name)

    def scrub(self, text: str) -> str:
        """Return a text without any of it."""
        lines = (_SAID.sub(rf"\g<name>{HIDDEN}", redacted(line)) for line in text.split("\n"))
        text = "\n".join(lines)
        if self._keep_addresses:
            return text
        text = _URL.sub(self._host_of_url, text)
        text = _PARAMETER.sub(self._host_of_parameter, text)
        text = _ADDRESS.sub(self._address, text)
        for name in sorted(self._names, key=len, reverse=True):
            word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])", re.IGNORECASE)
            text = word.sub(self._names[name], text)
        return _HOME.sub(r"\g<before>USER", text)

    def _host_of_url(self, match: re.Match[str]) -> str:
        user = "USER@" if "@" in match[0] else ""
        return f"{match['scheme']}{user}{self._host(match['host'])}"

    def _host_of_parameter(self, match: re.Match[str]) -> str:
        return f"{match['before']}{self._host(match['host'])}"

    def _host(self, host: str) -> str:
        return host if _is_address(host) else self._name(host)

    def _name(self, name: str) -> str:
        if name.lower() in _KEPT or not name:
            return name
        return self._names.setdefault(name.lower(), f"HOST-{len(self._names) + 1}")

    def _address(self, match: re.Match[str]) -> str:
        text = match[0]
        if not _MAC.fullmatch(text) and (not _is_address(text) or _is_of_every_machine(text)):
            return text
        return self._addresses.setdefault(text.lower(), f"ADDRESS-{len(self._addresses) + 1}")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_of_every_machine(text: str) -> bool:
    address = ip_address(text)
    return address.is_loopback or address.is_unspecified

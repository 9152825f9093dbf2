"""Passwords that stand in a URL: found, so that they can be refused, and never shown."""

from __future__ import annotations

import re
from urllib.parse import quote

# After "//user:" comes a port or a password; what has an @ behind it and is no port is a password.
# One slash of the two may have been forgotten. {password} only keeps its place.
_IN_URL = re.compile(
    r"""
      (?P<before>[a-z][a-z0-9+.-]*:/{1,2}[^/?\#@:\s\[]*:)
      (?!\d*(?:[/?\#]|$))
      (?!\{password\}@)
      (?P<password>.*)@
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
# As IP cameras take them (?user=me&pwd=…), and GStreamer's elements (user-pw=…).
_IN_PARAMETER = re.compile(
    r"""
      (?P<name>(?:^|[?&\s;])
        (?![\w-]*_(?:file|variable)\b)  # which only say where it is
        [\w-]*(?:pass|pwd|pw|token|secret|apikey|api_key)[\w-]*\s*=\s*)
      [^&\#\s]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SECRET_NAME = re.compile(r"pass|pwd|token|secret|api_?key|credential", re.IGNORECASE)

HIDDEN = "…"
"""What is shown for a secret."""

_SHORTEST = 6  # characters; a shorter password is a word that stands everywhere
_known: set[str] = set()


def has_url_password(text: str) -> bool:
    """Whether `text` holds a URL with a password: scheme://user:password@host."""
    return _IN_URL.search(text) is not None


def url_password(text: str) -> str | None:
    """Return the password of a URL; None if it has none."""
    match = _IN_URL.search(text)
    return match["password"] if match else None


def host_of(text: str) -> str:
    """Return the host of a URL with a password, for a message that must not repeat the rest."""
    return re.split(r"[/:?#\s]", text.rpartition("@")[2], maxsplit=1)[0]


def keep_secret(password: str) -> None:
    """Let `redacted` hide a password that this process has read, wherever it stands."""
    if len(password) >= _SHORTEST:
        _known.update((password, quote(password, safe="")))


def redacted(text: str) -> str:
    """Return one value without the passwords of its URLs and parameters, nor any known one."""
    for password in _known:
        text = text.replace(password, HIDDEN)
    return _IN_PARAMETER.sub(rf"\g<name>{HIDDEN}", _IN_URL.sub(rf"\g<before>{HIDDEN}@", text))


def is_secret(name: str) -> bool:
    """Whether the name of a free option says that its value is nobody's business."""
    return _SECRET_NAME.search(name) is not None

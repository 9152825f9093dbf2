"""A camera's password: kept out of its source, and put in when it is opened."""

from __future__ import annotations

import re
from urllib.parse import quote

from edgehands.errors import UsageError
from edgehands.redaction import redacted

PLACE = "{password}"
"""Stands in a source where the password goes, if that is not after the user's name."""

_USER = re.compile(r"(?P<before>[a-z]+://[^/?#@:]+)(?P<after>@)", re.IGNORECASE)


def takes_password(source: str) -> bool:
    """Whether a password has a place in this source: rtsp://USER@host, or a {password} in it."""
    return PLACE in source or _USER.match(source) is not None


def with_password(address: str, password: str | None) -> str:
    """Return the address to open, which nobody must see.

    Raises:
        UsageError: a password that has no place, or a place and no password.
    """
    if password is None:
        if PLACE in address:
            raise UsageError(
                f"camera {redacted(address)!r} needs a password: give password_file in the config"
            )
        return address
    is_url = re.match("[a-z]+://", address, re.IGNORECASE) is not None
    shown = quote(password, safe="") if is_url else _quoted(password)
    if PLACE in address:
        return address.replace(PLACE, shown)
    if not takes_password(address):
        raise UsageError(
            f"camera {redacted(address)!r} takes no password: name the user, as in "
            "rtsp://USER@host/path"
        )
    return _USER.sub(lambda found: f"{found['before']}:{shown}{found['after']}", address, count=1)


def _quoted(text: str) -> str:
    """Return a text as a pipeline takes it, blanks and all."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

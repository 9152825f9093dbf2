"""A camera's password: kept out of its source, found elsewhere, and put in when it is opened."""

from __future__ import annotations

import re
from typing import Protocol
from urllib.parse import quote

from edgehands.errors import UsageError
from edgehands.passwords import Places, take_from_environment
from edgehands.redaction import redacted

CREDENTIAL = "camera-password"
"""Name of the systemd credential for all cameras; camera-password-NAME is for one of them."""

VARIABLE = "EDGEHANDS_CAMERA_PASSWORD"
"""The environment variable, unless the config names another."""
PLACE = "{password}"
"""Stands in a source where the password goes, if that is not after the user's name."""

_USER = re.compile(r"(?P<before>[a-z]+://[^/?#@:]+)(?P<after>@)", re.IGNORECASE)


class Passworded(Protocol):
    """What a [[camera]] of the config has."""

    @property
    def source(self) -> str:
        """Which camera, without its password."""

    @property
    def name(self) -> str:
        """Its name in events."""

    @property
    def password_file(self) -> str | None:
        """A file with the password."""

    @property
    def password_variable(self) -> str:
        """An environment variable with it."""


def password_places(camera: Passworded) -> Places:
    """Return where the password of a camera of the config may be."""
    credentials = (f"{CREDENTIAL}-{camera.name}", CREDENTIAL)
    return Places(camera.password_file, camera.password_variable, credentials)


def find_password(camera: Passworded) -> str | None:
    """Return the password of a camera of the config; None where its source has no place for one.

    Raises:
        ConfigError: a file that is named and cannot be read, or that anybody can read.
    """
    return password_places(camera).find() if takes_password(camera.source) else None


def hide_password(camera: Passworded) -> None:
    """Take it from the environment before there is a process that would inherit it."""
    take_from_environment(camera.password_variable)


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

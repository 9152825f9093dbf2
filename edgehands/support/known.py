"""The passwords, tokens and hosts that a config leads to, to be found in other texts."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edgehands.config_files import SYSTEM
from edgehands.redaction import is_secret, url_password

if TYPE_CHECKING:
    from collections.abc import Iterator


_LONGEST = 65536


def known_passwords(tables: object) -> Iterator[str]:
    """Give every password and token that can be read here, also of a config with mistakes.

    Args:
        tables: of the config file.
    """
    for pattern in ("*password*", "*token*"):
        for path in SYSTEM.parent.glob(pattern):
            yield from _read(path)
    for name, value in os.environ.items():
        if name.startswith("EDGEHANDS_") and is_secret(name):
            yield value
    for key, value in _texts(tables):
        if key in {"password_file", "token_file"}:
            yield from _read(Path(value))
        elif key in {"password_variable", "token_variable"} and value in os.environ:
            yield os.environ[value]
        elif password := url_password(value):
            yield password


def known_hosts(tables: object) -> Iterator[str]:
    """Give the host of every URL in a config."""
    for _, value in _texts(tables):
        with suppress(ValueError):
            if "://" in value and (host := urlsplit(value).hostname):
                yield host


def _texts(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Give each text with the last key that leads to it."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)


def _read(path: Path) -> Iterator[str]:
    with suppress(OSError, ValueError):  # what this user cannot read cannot get in either
        if path.is_file():
            with path.open(encoding="utf-8") as file:
                yield file.read(_LONGEST).strip()

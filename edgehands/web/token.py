"""The page's token: where it is found, and how one is compared with it.

It is never an argument of a command nor part of a URL or config, and is taken out of the
environment before any other process is started.
"""

from __future__ import annotations

import hashlib
import hmac
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.errors import ConfigError
from edgehands.passwords import Places

if TYPE_CHECKING:
    from edgehands.web_settings import Address, WebConfig

CREDENTIAL = "web-token"
"""Name of the systemd credential: LoadCredential=web-token:/etc/edgehands/web-token."""

_SHORTEST, _LONGEST = 16, 512  # characters


def find_token(config: WebConfig) -> str | None:
    """Return the token from its file, else the environment, else systemd; None without any.

    Raises:
        ConfigError: one that cannot be read, that anybody can read, or that is too short.
    """
    file = config.token_file
    if file is not None and not Path(file).exists():
        raise ConfigError(f"no token file {file}: make one: {how_to_make(file)}")
    token = Places(file, config.token_variable, (CREDENTIAL,)).find()
    if token is not None and not (_SHORTEST <= len(token) <= _LONGEST and token.isprintable()):
        where = f"token file {file}" if file else "the live page's token"
        raise ConfigError(f"{where}: expected {_SHORTEST} to {_LONGEST} characters, on one line")
    return token


def needed_token(config: WebConfig, address: Address) -> str | None:
    """Return the token, without which only this machine may reach the page.

    Raises:
        ConfigError: others can reach it and there is none, or as `find_token`.
    """
    token = find_token(config)
    if token is None and not address.is_loopback:
        raise ConfigError(
            f"others can reach the live page on {address}: it needs a token; "
            f"{how_to_make('web-token')}, then token_file in [web]; for the service, which takes "
            "/etc/edgehands/web-token, see docs/live.md"
        )
    return token


def is_token(given: str, token: str) -> bool:
    """Compare in a time that says nothing about either, not even its length."""
    mine, theirs = (hashlib.sha256(text.encode()).digest() for text in (token, given))
    return hmac.compare_digest(mine, theirs)


def how_to_make(path: str) -> str:
    """Return the command that makes a token file."""
    return f"(umask 077; head -c 18 /dev/urandom | base64 > {shlex.quote(path)})"

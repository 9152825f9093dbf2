"""The page's token: where it is found, and that it is kept.

It is never an argument of a command nor part of a URL or config, and is taken out of the
environment before any other process is started.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.errors import ConfigError

if TYPE_CHECKING:
    from edgehands.web_settings import WebConfig

CREDENTIAL = "web-token"
"""Name of the systemd credential: LoadCredential=web-token:/etc/edgehands/web-token."""

_SHORTEST, _LONGEST = 16, 512  # characters
_taken: dict[str, str] = {}


def take_token(variable: str) -> None:
    """Move a token from the environment to this process, so that no child inherits it."""
    value = os.environ.pop(variable, None)
    if value is not None:
        _taken[variable] = value


def find_token(config: WebConfig) -> str | None:
    """Return the token from its file, else the environment, else systemd; None without any.

    Raises:
        ConfigError: one that cannot be read, that others can read, or that is too short.
    """
    if config.token_file is not None:
        return _read(Path(config.token_file), stat.S_IRWXG | stat.S_IRWXO)
    take_token(config.token_variable)
    if config.token_variable in _taken:
        return _checked(_taken[config.token_variable], f"${config.token_variable}")
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and (Path(folder) / CREDENTIAL).exists():
        return _read(Path(folder) / CREDENTIAL, stat.S_IRWXO)  # systemd lets its group read
    return None


def is_token(given: str, token: str) -> bool:
    """Compare in a time that says nothing about either, not even its length."""
    mine, theirs = (hashlib.sha256(text.encode()).digest() for text in (token, given))
    return hmac.compare_digest(mine, theirs)


def how_to_make(path: str) -> str:
    """Return the command that makes a token file."""
    return f"(umask 077; head -c 18 /dev/urandom | base64 > {shlex.quote(path)})"


def _read(path: Path, others: int) -> str:
    name = shlex.quote(str(path))
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & others:
                raise ConfigError(f"token file {path}: others can read it; chmod 600 {name}")
            content = file.read(_LONGEST + 3)
        text = content.decode().rstrip("\r\n")
    except FileNotFoundError as error:
        raise ConfigError(f"no token file {path}: make one: {how_to_make(str(path))}") from error
    except OSError as error:
        raise ConfigError(f"token file {path}: {error.strerror}; look at: ls -l {name}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"token file {path}: not UTF-8 text") from None
    return _checked(text, f"token file {path}")


def _checked(token: str, where: str) -> str:
    if not _SHORTEST <= len(token) <= _LONGEST or not token.isprintable():
        raise ConfigError(
            f"{where}: expected the token alone, {_SHORTEST} to {_LONGEST} characters"
        )
    return token

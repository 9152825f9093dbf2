"""Passwords: where they are found, and that they are kept.

A password is never an argument of a command nor part of a config, is in no message of an error, and
is taken out of the environment before any other process is started.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from edgehands.errors import ConfigError
from edgehands.redaction import keep_secret

_LONGEST = 65535  # bytes, of MQTT; others are shorter

_taken: dict[str, str] = {}


def take_from_environment(variable: str) -> None:
    """Move a password from the environment to this process, so that no child inherits it."""
    value = os.environ.pop(variable, None)
    if value is not None:
        _taken[variable] = value


@dataclass(frozen=True, slots=True)
class Places:
    """Where one password may be, in this order."""

    file: str | None
    """A file of its own."""
    variable: str
    """An environment variable."""
    credentials: tuple[str, ...]
    """Names of systemd credentials: LoadCredential=NAME:/etc/edgehands/NAME."""

    def find(self) -> str | None:
        """Return the password, None where there is none; no message will show it from now on.

        Raises:
            ConfigError: a file that is named and cannot be read, or that anybody can read.
        """
        if password := self._find():
            keep_secret(password)
        return password

    def _find(self) -> str | None:
        if self.file is not None:
            return _checked(Path(self.file), _read(Path(self.file)))
        take_from_environment(self.variable)
        if self.variable in _taken:
            return _taken[self.variable]
        path = credential(*self.credentials)
        return _checked(path, _read(path)) if path else None

    def origin(self) -> str:
        """Say where it will be found, without reading it."""
        if self.file is not None:
            return f"the file {self.file}"
        if self.variable in os.environ or self.variable in _taken:
            return f"the environment variable {self.variable}"
        path = credential(*self.credentials)
        return f"the systemd credential {path.name}" if path else "nowhere: none is given"


def credential(*names: str) -> Path | None:
    """Return where systemd has put the first of these credentials that was given."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    paths = [Path(folder) / name for name in names] if folder else []
    # Where there is none, the unit gives an empty line: it must give something.
    return next((path for path in paths if path.exists() and path.stat().st_size > 1), None)


def is_elsewhere(error: OSError) -> bool:
    """Whether a file is closed to the service's user, who gets its secrets from systemd."""
    return isinstance(error, PermissionError) and "CREDENTIALS_DIRECTORY" in os.environ


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                raise ConfigError(f"password file {path}: anybody can read it; chmod 600 {path}")
            content = file.read(_LONGEST + 3)
        return content.decode()
    except OSError as error:
        look = f"look at: ls -l {path}"
        if is_elsewhere(error):
            look = "a service takes it from systemd, without this key: docs/service.md"
        raise ConfigError(f"password file {path}: {error.strerror}; {look}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"password file {path}: not UTF-8 text") from None


def _checked(path: Path, content: str) -> str:
    password = content.rstrip("\r\n")
    if not password or len(content.encode()) > _LONGEST + 2 or "\n" in password:
        raise ConfigError(f"password file {path}: expected the password alone, on one line")
    return password

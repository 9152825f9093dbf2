"""A config file before its meaning: read whole, parsed, and every mistake with its place."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.errors import ConfigError
from edgehands.toml_places import Place, TomlPlaces, place_at

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgehands.schema import KeyPath, Problem

MAX_BYTES = 1_000_000
"""A longer file is not a config file: it is refused before it fills the memory."""


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file that was parsed, and where each of its keys stands."""

    path: Path
    tables: dict[str, object]
    places: TomlPlaces
    text: str

    def has(self, path: KeyPath) -> bool:
        """Whether the file says something about `path`."""
        value: object = self.tables
        for part in path:
            if isinstance(value, list):
                value = dict(enumerate(value))
            if not isinstance(value, dict) or part not in value:
                return False
            value = value[part]
        return True

    def error(self, problems: Iterable[Problem]) -> ConfigError:
        """Return the error that tells all of them, one a line, in the order of the file."""
        located = sorted((self.places.find(problem.path), problem.message) for problem in problems)
        return ConfigError("\n".join(_line(self.path, place, said) for place, said in located))


def read_document(path: str | Path) -> Document:
    """Read and parse a config file.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
    """
    path = Path(path)
    return parse_document(path, _read(path))


def parse_document(path: Path, text: str) -> Document:
    """Parse the text of a config file.

    Raises:
        ConfigError: it is no TOML.
    """
    try:
        return Document(path, tomllib.loads(text), TomlPlaces(text), text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, text, str(error)) from error
    except (RecursionError, ValueError) as error:  # nested too deep, a number of 5000 digits
        raise ConfigError(f"{path}: not a config file: {error}") from error


def _read(path: Path) -> str:
    name = shlex.quote(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigError(
            f"no config file {path}: make one with: edgehands config init {name}"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{path}: the config file cannot be read: {error.strerror}; look at: ls -ld {name}"
        ) from error
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: not a config file: longer than {MAX_BYTES:,} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        place = place_at(before, len(before))
        message = f"not UTF-8 (byte 0x{content[error.start]:02x}): save the file as UTF-8"
        raise ConfigError(_line(path, place, message)) from error
    if text.startswith("\ufeff"):
        message = "begins with a byte order mark: save the file as UTF-8 without BOM"
        raise ConfigError(_line(path, Place(1, 1), message))
    return text


_SYNTAX_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def _syntax_error(path: Path, text: str, said: str) -> ConfigError:
    match = _SYNTAX_PLACE.fullmatch(said)
    message = match[1] if match else said
    if match and match[2]:
        place = Place(int(match[2]), int(match[3]))
    else:
        place = place_at(text, len(text.rstrip()))
    if message == "Invalid value":
        message += ': text stands in "quotes", true and false in small letters'
    return ConfigError(_line(path, place, message))


def _line(path: Path, place: Place, message: str) -> str:
    # Whatever a message repeats from the file, it stays one line and moves no cursor.
    shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in message)
    return f"{path}:{place.line}:{place.column}: {shown}"

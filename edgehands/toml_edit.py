"""Changes a few values of a TOML text and leaves every other character as it was."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from edgehands.toml_places import TomlPlaces
from edgehands.toml_text import toml_key, toml_value

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.toml_places import KeyPath

_A_TABLE = re.compile(r"^[ \t]*(?:#[ \t]*)?\[{1,2}[A-Za-z0-9_.\"'-]+\]{1,2}", re.MULTILINE)
"""A header, be it in a comment: what follows is not the table's before it."""
_UNUSUAL = "its tables are written in a way that only a person can change"


class Edited(NamedTuple):
    """A text with its changes."""

    text: str
    lines: tuple[str, ...]
    """What is written, each line with its table: "[tracker] mirrored = true"."""


def edit(text: str, changes: Mapping[KeyPath, object]) -> Edited:
    """Set keys to values; None takes a key away.

    A key that stands there as a comment at its default, `#key = value`, is written in that line's
    place, and what is new is added to the end of its table, or in a table of its own.

    Args:
        text: valid TOML.
        changes: by the path to a key: ("tracker", "mirrored"), ("camera", 0, "masks").

    Raises:
        ValueError: it is written in a way that cannot be changed so, such as a table on one line.
    """
    expected: dict[str, Any] = tomllib.loads(text)
    lines = []
    for path, value in changes.items():
        key = toml_key(str(path[-1]))
        line = f"# {key} is left out" if value is None else f"{key} = {toml_value(value)}"
        lines.append(f"{_header(path)} {line}")
        text = _changed(text, path, None if value is None else line)
        _set(expected, path, value)
    try:
        result = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(_UNUSUAL) from error
    if result != expected:
        raise ValueError(_UNUSUAL)
    return Edited(text, tuple(lines))


def _changed(text: str, path: KeyPath, line: str | None) -> str:
    places = TomlPlaces(text)
    span = places.span(path)
    if line is None:
        return text if span is None else text[: span.start] + text[span.end :].lstrip("\n")
    if span is not None:
        return text[: span.value] + line.partition(" = ")[2] + text[span.end :]
    table = places.table(path[:-1])
    if table is None:
        return f"{text.rstrip()}\n\n{_header(path)}\n{line}\n"
    begin, end = table
    following = _A_TABLE.search(text, end)
    limit = following.start() if following else len(text)
    if default := re.compile(rf"^#{path[-1]}[ \t]*=.*$", re.MULTILINE).search(text, begin, limit):
        return text[: default.start()] + line + text[default.end() :]
    end_of_line = text.find("\n", end)
    end = end_of_line if end_of_line >= 0 else len(text)
    return f"{text[:end]}\n{line}{text[end:]}"


def _header(path: KeyPath) -> str:
    table = [str(part) for part in path[:-1] if isinstance(part, str)]
    several = any(isinstance(part, int) for part in path)
    return f"[[{toml_key(*table)}]]" if several else f"[{toml_key(*table)}]"


def _set(tables: dict[str, Any], path: KeyPath, value: object) -> None:
    inside: Any = tables
    for part in path[:-1]:
        inside = inside[part] if isinstance(part, int) else inside.setdefault(part, {})
    if value is None:
        inside.pop(path[-1], None)
    else:
        inside[path[-1]] = _plain(value)


def _plain(value: object) -> object:
    """Return a value as the parser gives it back."""
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value

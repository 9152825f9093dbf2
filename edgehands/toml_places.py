"""Where each key of a TOML text stands: line and column, which the standard parser does not keep.

The text has been parsed by then, so nothing here checks it: this only walks over valid TOML.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple, TypeAlias

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KeyPath: TypeAlias = tuple[str | int, ...]
"""Table names, keys and array indices from the top: ("camera", 0, "width")."""


class Place(NamedTuple):
    """A position in a text file, as editors count it."""

    line: int
    """From 1."""
    column: int
    """From 1, in characters."""


class Span(NamedTuple):
    """Where a key is set: offsets into the text."""

    start: int
    """Of the key."""
    value: int
    """Where its value begins."""
    end: int


def place_at(text: str, offset: int) -> Place:
    """Return the line and column of the character at `offset`."""
    return Place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


class TomlPlaces:
    """The places of all tables, keys and array items of a valid TOML text.

    Args:
        text: what the TOML parser has accepted, line ends as it was given.

    Raises:
        ValueError: a dotted key of too many parts to be meant.
        RecursionError: arrays or inline tables nested too deep.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        scanner = _Scanner(text)
        self._offsets = scanner.scan()
        self._spans = scanner.spans
        self._tables = scanner.tables

    def find(self, path: KeyPath) -> Place:
        """Return where `path` was written, or else the table that it would stand in."""
        while path and path not in self._offsets:
            path = path[:-1]
        return place_at(self._text, self._offsets[path]) if path else Place(1, 1)

    def span(self, path: KeyPath) -> Span | None:
        """Return where a key outside of arrays and inline tables is set; None where it is not."""
        return self._spans.get(path)

    def table(self, path: KeyPath) -> tuple[int, int] | None:
        """Return where a table with a header of its own begins, and where its last key ends."""
        return self._tables.get(path)


_KEY_PART = re.compile(
    r"""
      "(?:[^"\\\n]|\\.)*"
    | '[^'\n]*'
    | [^\s.=\[\]{},"'\#]+
    """,
    re.VERBOSE,
)
_VALUE = re.compile(
    r'''
      """(?:[^\\]|\\.)*?"""(?:"{0,2})    # up to two quotes may stand before the closing three
    | \'{3}.*?\'{3}(?:\'{0,2})
    | "(?:[^"\\\n]|\\.)*"
    | '[^'\n]*'
    | [^\[\]{},\n\#]+                    # numbers, booleans, dates (with a space inside)
    ''',
    re.VERBOSE | re.DOTALL,
)
_MOST_PARTS = 64
_BLANKS = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:\s|\#[^\n]*)*")


class _Scanner:
    """One walk over the text, from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._offsets: dict[KeyPath, int] = {}
        self._table_counts: dict[KeyPath, int] = {}
        """How many [[tables]] each array of tables has so far."""
        self.spans: dict[KeyPath, Span] = {}
        self.tables: dict[KeyPath, tuple[int, int]] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip(_GAP)
        while self._at < len(self._text):
            start = self._at
            if self._text[start] == "[":
                table = self._header()
                self.tables[table] = start, self._at
            else:
                path, value = self._key_and_value(table)
                end = start + len(self._text[start : self._at].rstrip())
                self.spans[path] = Span(start, value, end)
                if table in self.tables:
                    self.tables[table] = self.tables[table][0], end
            self._skip(_GAP)
        return self._offsets

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        assert match is not None  # noqa: S101 (the text is valid)
        self._at = match.end()
        return match[0]

    def _take(self, token: str) -> bool:
        found = self._text.startswith(token, self._at)
        self._at += len(token) if found else 0
        return found

    def _header(self) -> KeyPath:
        """Read [table] or [[table]]; return the path of what follows."""
        start = self._at
        is_array = self._take("[[")
        if not is_array:
            self._take("[")
        path: KeyPath = ()
        for name, offset in self._key():
            # A name on the way that is an array of tables means its last table.
            path = (*self._last_table(path), name)
            self._offsets.setdefault(path, offset)
        self._take("]]" if is_array else "]")
        if is_array:
            self._table_counts[path] = self._table_counts.get(path, 0) + 1
            path = self._last_table(path)
            self._offsets[path] = start
        return path

    def _last_table(self, path: KeyPath) -> KeyPath:
        count = self._table_counts.get(path)
        return path if count is None else (*path, count - 1)

    def _key(self) -> list[tuple[str, int]]:
        """Read a dotted key; return each part and where it stands."""
        parts = []
        while True:
            self._skip(_BLANKS)
            offset = self._at
            parts.append((_unquoted(self._skip(_KEY_PART)), offset))
            self._skip(_BLANKS)
            if not self._take("."):
                return parts
            if len(parts) == _MOST_PARTS:
                raise ValueError(f"a dotted key of more than {_MOST_PARTS} parts")

    def _key_and_value(self, table: KeyPath) -> tuple[KeyPath, int]:
        """Read one; return the key's path and where its value begins."""
        path = table
        for name, offset in self._key():
            path = (*path, name)
            self._offsets.setdefault(path, offset)
        self._take("=")
        self._skip(_BLANKS)
        begin = self._at
        self._value(path)
        return path, begin

    def _value(self, path: KeyPath) -> None:
        if self._take("["):
            self._array(path)
        elif self._take("{"):
            self._inline_table(path)
        else:
            self._skip(_VALUE)

    def _array(self, path: KeyPath) -> None:
        index = 0
        self._skip(_GAP)
        while not self._take("]"):
            item = (*path, index)
            self._offsets[item] = self._at
            self._value(item)
            index += 1
            self._next_item()

    def _inline_table(self, path: KeyPath) -> None:
        self._skip(_GAP)
        while not self._take("}"):
            self._key_and_value(path)
            self._next_item()

    def _next_item(self) -> None:
        self._skip(_GAP)
        self._take(",")
        self._skip(_GAP)


def _unquoted(part: str) -> str:
    """Return the name that a part of a key stands for."""
    if part[0] not in "\"'":
        return part
    name = tomllib.loads(f"name = {part}")["name"]
    assert isinstance(name, str)  # noqa: S101 (for the type checker)
    return name

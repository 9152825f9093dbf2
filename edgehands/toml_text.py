"""Plain values as TOML text: what the standard library reads and does not write."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_key(*parts: str) -> str:
    """Return a dotted key, each part quoted if need be."""
    return ".".join(part if _BARE_KEY.fullmatch(part) else _quoted(part) for part in parts)


def toml_value(value: object) -> str:
    """Return a value on one line: text, number, switch, list or table; a table's None is left out.

    Raises:
        TypeError: TOML has no such value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        return _inline_table(value)
    raise TypeError(f"no TOML value: {value!r}")


def _inline_table(table: Mapping[str, object]) -> str:
    pairs = [
        f"{toml_key(key)} = {toml_value(value)}"
        for key, value in table.items()
        if value is not None
    ]
    return f"{{ {', '.join(pairs)} }}" if pairs else "{}"


def _quoted(text: str) -> str:
    """Quote as JSON does, which TOML reads, but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")

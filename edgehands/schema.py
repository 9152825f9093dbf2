"""What is wrong with plain values that should fill a msgspec struct: all of it, in plain words.

msgspec stops at the first error and speaks of Python's types. This walks the same types, finds
every error and says it the way that somebody who writes TOML thinks of it.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeGuard

from msgspec import inspect

from edgehands.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import msgspec

KeyPath: TypeAlias = tuple[str | int, ...]

_INTEGER_LIMIT = 2**63
"""TOML's integers have 64 bits; Python's parser lets longer ones through."""
_SHOWN_LENGTH = 40


class Problem(NamedTuple):
    """One mistake, and the key path of what it is about."""

    path: KeyPath
    message: str


def find_problems(values: object, struct: type[msgspec.Struct]) -> list[Problem]:
    """Return everything that keeps `values` from becoming a `struct`; nothing if it will."""
    return list(_check(values, inspect.type_info(struct), ()))


def _check(value: object, kind: inspect.Type, path: KeyPath) -> Iterator[Problem]:
    structs = _structs(kind)
    if structs:
        yield from _check_table(value, structs, path)
    elif isinstance(kind, inspect.VarTupleType):
        yield from _check_array(value, kind, path)
    elif isinstance(kind, inspect.DictType):
        yield from _check_names(value, kind, path)
    elif not _fits(value, kind):
        message = f"{path[-1]}: expected {_wanted(kind)}, got {_shown(value)}{_hint(value, kind)}"
        yield Problem(path, message)


def _structs(kind: inspect.Type) -> dict[str | None, inspect.StructType]:
    """Return the struct types that `kind` allows, by tag; none for the type of a single value."""
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return {
        None if each.tag is None else str(each.tag): each
        for each in kinds
        if isinstance(each, inspect.StructType)
    }


def _check_table(
    value: object, structs: dict[str | None, inspect.StructType], path: KeyPath
) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, f"{table_name(path)}: expected a table, got {_shown(value)}")
    elif None in structs:
        yield from _check_fields(value, structs[None], path)
    else:
        yield from _check_tagged(value, {str(tag): kind for tag, kind in structs.items()}, path)


def _check_tagged(
    table: dict[str, object], structs: dict[str, inspect.StructType], path: KeyPath
) -> Iterator[Problem]:
    """Check a table whose other keys depend on the value of one key."""
    tag_field = next(iter(structs.values())).tag_field or ""
    tag = table.get(tag_field)
    if tag is None:
        yield Problem(path, f"{table_name(path)} needs {tag_field!r}: {_choice(structs)}")
    elif isinstance(tag, str) and tag in structs:
        yield from _check_fields(table, structs[tag], path)
    else:
        hint = did_you_mean(tag, structs).strip() if isinstance(tag, str) else ""
        yield Problem(
            (*path, tag_field),
            f"{tag_field}: expected {_choice(structs)}, got {_shown(tag)}{hint and ': '}{hint}",
        )


_LISTED = 16
"""Names in a message, at most."""


def _listed(names: list[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _check_fields(
    table: dict[str, object], kind: inspect.StructType, path: KeyPath
) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in kind.fields}
    names = [*([kind.tag_field] if kind.tag_field else []), *fields]
    for key, value in table.items():
        if key in fields:
            yield from _check(value, fields[key].type, (*path, key))
        elif key not in names:
            hint = did_you_mean(key, names).strip() or f"known here: {_listed(names)}"
            where = f"in {table_name(path)}" if path else "at the top of the file"
            yield Problem((*path, key), f"unknown key {key!r} {where}: {hint}")
    for name, field in fields.items():
        if field.required and name not in table:
            yield Problem(path, f"{table_name(path)} needs {name!r}: {_wanted(field.type)}")


def _check_array(value: object, kind: inspect.VarTupleType, path: KeyPath) -> Iterator[Problem]:
    name = path[-1]
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _check(item, kind.item_type, (*path, index))
    elif isinstance(value, dict):
        yield Problem(path, f"there can be several of {name}: write [[{name}]], not [{name}]")
    else:
        yield Problem(path, f"{name}: expected tables [[{name}]], got {_shown(value)}")


def _check_names(value: object, kind: inspect.DictType, path: KeyPath) -> Iterator[Problem]:
    """Check a table whose keys are free and whose values are all of one type."""
    if not isinstance(value, dict):
        yield Problem(path, f"{path[-1]}: expected a table, got {_shown(value)}")
        return
    for key, item in value.items():
        yield from _check(item, kind.value_type, (*path, key))


def _fits(value: object, kind: inspect.Type) -> bool:  # noqa: PLR0911 (one line a type)
    """Whether a single value is of its type and in its range."""
    if isinstance(kind, inspect.Metadata):
        return _fits(value, kind.type)
    if isinstance(kind, inspect.UnionType):
        return any(_fits(value, each) for each in kind.types)
    if isinstance(kind, inspect.LiteralType):
        return isinstance(value, str) and value in kind.values
    if isinstance(kind, inspect.StrType):
        return isinstance(value, str) and re.search(kind.pattern or "", value) is not None
    if isinstance(kind, inspect.BoolType):
        return isinstance(value, bool)
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return _is_number(value, kind) and _is_in_range(value, kind)
    if isinstance(kind, inspect.VarTupleType | inspect.TupleType):
        return isinstance(value, list | tuple) and _items_fit(value, kind)
    return value is None


def _items_fit(
    items: list[object] | tuple[object, ...], kind: inspect.VarTupleType | inspect.TupleType
) -> bool:
    if isinstance(kind, inspect.VarTupleType):
        enough = len(items) >= (kind.min_length or 0)
        return enough and all(_fits(item, kind.item_type) for item in items)
    return len(items) == len(kind.item_types) and all(map(_fits, items, kind.item_types))


def _is_number(value: object, kind: inspect.IntType | inspect.FloatType) -> TypeGuard[int | float]:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return -_INTEGER_LIMIT <= value < _INTEGER_LIMIT
    return isinstance(value, float) and isinstance(kind, inspect.FloatType) and math.isfinite(value)


def _is_in_range(value: float, kind: inspect.IntType | inspect.FloatType) -> bool:
    return (
        (kind.ge is None or value >= kind.ge)
        and (kind.gt is None or value > kind.gt)
        and (kind.le is None or value <= kind.le)
        and (kind.lt is None or value < kind.lt)
    )


def _wanted(kind: inspect.Type) -> str:
    """Say what a single value must be."""
    if isinstance(kind, inspect.Metadata):
        return str((kind.extra_json_schema or {}).get("description") or _wanted(kind.type))
    if isinstance(kind, inspect.UnionType):
        # TOML has no null: None is the key left out.
        kinds = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        return " or ".join(_wanted(each) for each in kinds)
    if isinstance(kind, inspect.LiteralType):
        return _choice(map(str, kind.values))
    if isinstance(kind, inspect.VarTupleType):
        return "several of these in [ ]"
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        noun = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
        return noun + _range(kind)
    return "true or false" if isinstance(kind, inspect.BoolType) else "text in quotes"


def _hint(value: object, kind: inspect.Type) -> str:
    """Ask whether a near miss of a choice was meant, ready to end a message."""
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    choices = [
        str(name) for each in kinds if isinstance(each, inspect.LiteralType) for name in each.values
    ]
    texts = value if isinstance(value, list | tuple) else (value,)
    misses = (text for text in texts if isinstance(text, str) and text not in choices)
    hint = next(filter(None, (did_you_mean(text, choices).strip() for text in misses)), "")
    return hint and f": {hint}"


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" from {kind.ge:g} to {kind.le:g}"
    bounds = (
        ("of at least", kind.ge),
        ("above", kind.gt),
        ("of at most", kind.le),
        ("below", kind.lt),
    )
    return " and".join(f" {word} {bound:g}" for word, bound in bounds if bound is not None)


def _choice(values: Iterable[str]) -> str:
    *most, last = (f'"{value}"' for value in values)
    return f"{', '.join(most)} or {last}" if most else last


def _shown(value: object) -> str:
    """Show a value as TOML would write it, kept to a few words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _shortened(repr(value))
    if isinstance(value, str):
        return f'the text "{_shortened(value)}"'
    if isinstance(value, dict):
        return "a table"
    return "an array" if isinstance(value, list | tuple) else "a date or time"


def _shortened(text: str) -> str:
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"


def table_name(path: KeyPath) -> str:
    """Return the header that a table has in TOML: [tracker], [[camera]], [gestures.fist]."""
    names = ".".join(part for part in path if isinstance(part, str))
    return f"[[{names}]]" if path and isinstance(path[-1], int) else f"[{names}]"

"""The JSON Schema of config files: `python -m edgehands.config_schema` writes it anew."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect as types

from edgehands.config import Config
from edgehands.config_files import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> str:
    """Return the schema, as it stands in its file, with the docstrings of all settings."""
    described = _without_null(msgspec.json.schema(Config))
    for kind in set(_structs(types.type_info(Config))):
        properties = described["$defs"][kind.__name__]["properties"]
        for name, text in _field_docs(kind).items():
            if name in properties:
                properties[name]["description"] = text
    return json.dumps({"$schema": _DIALECT, "title": "EdgeHands config", **described}, indent=2)


def _without_null(value: Any) -> Any:
    """Return a schema for TOML, which has no null: what is None is left out."""
    if isinstance(value, list):
        return [_without_null(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_null(item) for key, item in value.items() if not _is_null(key, item)}
    if isinstance(description := kept.get("description"), str):
        kept["description"] = inspect.cleandoc(description)  # as Python 3.13 does it by itself
    if isinstance(pattern := kept.get("pattern"), str):
        kept["pattern"] = pattern.replace(r"$(?!\n)", "$")  # not every editor can look ahead
    kinds = kept.get("anyOf")
    if isinstance(kinds, list):
        kinds = [kind for kind in kinds if kind != {"type": "null"}]
        if len(kinds) == 1:
            del kept["anyOf"]
            return {**kinds[0], **kept}
        kept["anyOf"] = kinds
    if isinstance(choices := kept.get("enum"), list):
        kept["enum"] = [choice for choice in choices if choice is not None]
    return kept


def _is_null(key: str, value: object) -> bool:
    """Whether it is a default that cannot be written: nothing, or a whole table with nothings."""
    return key == "default" and (value is None or (isinstance(value, dict) and value != {}))


def _structs(kind: types.Type) -> Iterator[type[msgspec.Struct]]:
    """Return all tables that a type is made of."""
    if isinstance(kind, types.StructType):
        yield kind.cls
        inside = [field.type for field in kind.fields]
    elif isinstance(kind, types.UnionType):
        inside = list(kind.types)
    elif isinstance(kind, types.VarTupleType):
        inside = [kind.item_type]
    elif isinstance(kind, types.DictType):
        inside = [kind.value_type]
    elif isinstance(kind, types.Metadata):
        inside = [kind.type]
    else:
        inside = []
    for each in inside:
        yield from _structs(each)


def _field_docs(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Return what stands in the source below each field."""
    docs = {}
    for base in reversed(struct.__mro__):
        if base is msgspec.Struct or not issubclass(base, msgspec.Struct):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        body = tree.body if isinstance(tree, ast.ClassDef) else []
        for field, below in pairwise(body):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                docs[field.target.id] = _for_toml(" ".join(below.value.value.split()))
    return docs


def _for_toml(text: str) -> str:
    """Say it without None, which TOML has not."""
    return re.sub(r"\bNone\b(?! if)", "left out, it", text).replace("None if", "left out if")


if __name__ == "__main__":
    SCHEMA.write_text(schema() + "\n", encoding="utf-8")

"""Whatever stands in a config file: a config, or mistakes with their places. Nothing else."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, TypeAlias

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edgehands.config import SAMPLE, Config, load_config
from edgehands.errors import ConfigError
from edgehands.toml_text import toml_key, toml_value
from tests.test_config import BROKEN, FULL, GESTURES, uncommented

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Table: TypeAlias = "dict[str, object]"

WHOLE = uncommented(SAMPLE.read_text(encoding="utf-8"), "# ?")
CORPUS = [
    FULL,
    "\n".join(line for line in WHOLE.splitlines() if not line.startswith("#")),
    *(text for text, *_ in BROKEN.values() if isinstance(text, str) and len(text) < 300),
]
TOKENS = (
    *("[", "]", "[[", "]]", "{", "}", "=", ".", ",", "#", "\n", "\r\n", "\r", "\t", " ", "\\", "_"),
    *('"', "'", '"""', "'''", "true", "nan", "-inf", "0x", "1e999", "9" * 30, "1979-05-27", "é"),
    *("\0", "\x7f", "\u2028", "\U0001f44d", "[camera]", "[[output]]", "gestures.fist", "mqtt://"),
)


def attempt(path: Path, text: str | bytes) -> list[str]:
    """Return what is said about a config, after a look at its form."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        assert isinstance(load_config(path, known_gestures=GESTURES), Config)
    except ConfigError as error:
        told = str(error).split("\n")
    else:
        return []
    last = path.read_bytes().count(b"\n") + 1
    for line in told:
        match = re.match(rf"{re.escape(str(path))}:(\d+):(\d+): \S", line)
        if match is None:
            assert told == [line]
            assert line.startswith(f"{path}: not a config file: ")
        else:
            assert 1 <= int(match[1]) <= last
            assert int(match[2]) >= 1
    return told


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A config in which some pieces are gone, doubled, moved or replaced."""
    text = draw(st.sampled_from(CORPUS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 1, 1, 2, 5, 30))))
        put = draw(
            st.sampled_from(TOKENS) | st.sampled_from(CORPUS) | st.text(max_size=5)
            | st.just(text[start:end] * 2)
        )  # fmt: skip
        text = text[:start] + put + text[end:]
    return text


VALUES: st.SearchStrategy[object] = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
        st.sampled_from(("mqtt", "stdout", "video", "full", "auto", "0", "synthetic:", "a.mp4")),
        st.sampled_from(("mqtt://h", "mqtt://a:hunter2@h", "rtsp://:hunter2@h/x", "int8", "fist")),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def shaped(sample: object) -> st.SearchStrategy[object]:
    """Values of the shape of a config, here and there something else."""
    if isinstance(sample, dict):
        known = {key: shaped(value) for key, value in sample.items()}
        table = st.fixed_dictionaries({}, optional=known)
        return table | table | table | VALUES
    if isinstance(sample, list) and sample:
        return st.lists(st.one_of([shaped(item) for item in sample]), max_size=3) | VALUES
    return st.just(sample) | VALUES


def whole_tables() -> Table:
    return {**tomllib.loads(WHOLE), "nothing": {"at": ["all"]}}


def as_toml(tables: Mapping[str, object]) -> str:
    """Write a document now as inline tables, now as tables of their own."""
    lines: list[str] = []
    for name, value in tables.items():
        if isinstance(value, dict) and len(value) != 1:
            lines.append(f"[{toml_key(name)}]")
            lines += [f"{toml_key(key)} = {toml_value(item)}" for key, item in value.items()]
        else:
            lines.insert(0, f"{toml_key(name)} = {toml_value(value)}")
    return "\n".join(lines)


def fuzz_text(path: Path, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @example("a = " + "[" * 480 + "]" * 480)
    @example("a." * 1000 + "b = 1")
    @example("x = 2026-02-30")
    @example(b"\xff" * 9)
    @given(
        st.one_of(
            mutations(),
            mutations(),
            st.lists(st.sampled_from(TOKENS), max_size=40).map("".join),
            st.binary(max_size=80),
        )
    )
    def run(text: str | bytes) -> None:
        attempt(path, text)

    run()


def fuzz_shape(path: Path, examples: int) -> None:
    shapes = {name: shaped(value) for name, value in whole_tables().items()}

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.fixed_dictionaries({}, optional=shapes))
    def run(tables: Table) -> None:
        assert "hunter2" not in "".join(attempt(path, as_toml(tables)))

    run()


def test_no_text_is_too_much(tmp_path: Path) -> None:
    fuzz_text(tmp_path / "fuzz.toml", 250)


def test_no_value_is_too_much(tmp_path: Path) -> None:
    fuzz_shape(tmp_path / "fuzz.toml", 150)


@pytest.mark.system
def test_none_of_fifty_thousand_texts_is_too_much(tmp_path: Path) -> None:
    fuzz_text(tmp_path / "fuzz.toml", 50_000)


@pytest.mark.system
def test_none_of_fifty_thousand_documents_is_too_much(tmp_path: Path) -> None:
    fuzz_shape(tmp_path / "fuzz.toml", 50_000)


def test_what_is_written_as_toml_is_read_as_it_was() -> None:
    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @example("\x7f\x00\x1f\u2028\U0001f44d\\\"'")
    @example({"a.b": [1e300, -0.0, 2**63], "": {}})
    @given(VALUES)
    def run(value: object) -> None:
        text = f"{toml_key('odd key', 'bare')} = {toml_value(value)}"
        assert repr(tomllib.loads(text)) == repr({"odd key": {"bare": value}})

    run()

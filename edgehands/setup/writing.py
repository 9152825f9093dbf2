"""The config file that answers make: the commented sample, or the old file with a few changes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from edgehands import folders
from edgehands.config import convert
from edgehands.config_files import SYSTEM, load, sample_text
from edgehands.config_text import parse_document, read_document
from edgehands.errors import ConfigError, InputError
from edgehands.gestures.names import known_gestures
from edgehands.mqtt.access import CREDENTIAL
from edgehands.toml_edit import edit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edgehands.config import Config
    from edgehands.toml_places import KeyPath

_NEW_BROKER = """\
# The broker; docs/mqtt.md and the example above have every key.
[[output]]
type = "mqtt"
url = ""
"""


@dataclass(slots=True)
class Answers:
    """What was found out; None leaves what stands in the file."""

    source: str | None = None
    camera: str | None = None
    """The camera's name in events."""
    model: str | None = None
    broker: str | None = None
    node: str | None = None
    name: str | None = None
    """What people call the device."""
    home_assistant: bool | None = None
    password: str | None = field(default=None, repr=False)
    """Goes into a file of its own."""


def write(path: Path, answers: Answers) -> tuple[str, ...]:
    """Write the config file, and the password beside it; return the lines that were set.

    Raises:
        ConfigError: the file that is there cannot be changed so, or is wrong already.
        InputError: it cannot be written.
    """
    document = read_document(path) if path.exists() else None
    document = document or parse_document(path, sample_text())
    text, tables = document.text, document.tables
    if answers.broker is not None and _broker_place(tables) == len(_outputs(tables)):
        text = f"{text.rstrip()}\n\n{_NEW_BROKER}"
    try:
        edited = edit(text, _changes(path, answers, tables))
    except ValueError as error:
        raise ConfigError(
            f"{path}: {error}; or make a new one: edgehands setup --config FILE"
        ) from error
    # What is written will be read again.
    convert(parse_document(path, edited.text), known_gestures=known_gestures())
    try:
        if answers.password is not None:
            folders.write_whole(password_file(path), answers.password.encode() + b"\n", mode=0o600)
        folders.write_whole(path.resolve(), edited.text.encode())
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    return edited.lines


def current(path: Path) -> Config | None:
    """Return the config that is there already.

    Raises:
        ConfigError: there is one, with mistakes.
    """
    return load(path) if path.exists() else None


def password_file(path: Path) -> Path:
    """Return where the broker's password goes: the unit passes on the one beside its config."""
    return path.absolute().with_name(CREDENTIAL)


def _changes(path: Path, answers: Answers, tables: Mapping[str, object]) -> dict[KeyPath, object]:
    changes: dict[KeyPath, object] = {
        ("camera", 0, "source"): answers.source,
        ("camera", 0, "name"): answers.camera,
        ("tracker", "model"): answers.model,
    }
    if answers.broker is not None:
        output = ("output", _broker_place(tables))
        changes |= {
            (*output, "url"): answers.broker,
            (*output, "node"): answers.node,
            (*output, "name"): answers.name,
            (*output, "home_assistant"): answers.home_assistant,
        }
        # A service is given its password by systemd; it could not read root's file.
        if answers.password is not None and not _is_the_services(path):
            changes[(*output, "password_file")] = str(password_file(path))
    return {key: value for key, value in changes.items() if value is not None}


def _outputs(tables: Mapping[str, object]) -> list[dict[str, object]]:
    """Return the tables [[output]] of a file that was loaded without a mistake."""
    return cast("list[dict[str, object]]", tables.get("output", []))


def _broker_place(tables: Mapping[str, object]) -> int:
    """Return the number of the first [[output]] for a broker, or of a new one."""
    outputs = _outputs(tables)
    mine = (number for number, each in enumerate(outputs) if each.get("type") == "mqtt")
    return next(mine, len(outputs))


def _is_the_services(path: Path) -> bool:
    return path == SYSTEM and os.geteuid() == 0

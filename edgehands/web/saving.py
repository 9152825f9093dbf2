"""What was changed on the page, written into the config file: a few lines, the rest untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from edgehands import folders
from edgehands.config import convert
from edgehands.config_text import parse_document, read_document
from edgehands.errors import ConfigError, InputError
from edgehands.toml_edit import edit
from edgehands.toml_text import toml_key, toml_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from edgehands.config import CameraConfig
    from edgehands.config_text import Document
    from edgehands.toml_places import KeyPath


class Saved(NamedTuple):
    """What is written, or would be."""

    place: str | None
    """The file; None if the run has none."""
    lines: tuple[str, ...]
    """Each with its table: "[tracker] mirrored = true"."""
    written: bool


def save(
    place: Path | None,
    changes: Mapping[KeyPath, object],
    cameras: Sequence[CameraConfig],
    *,
    write: bool,
) -> Saved:
    """Write changes into a config file.

    Args:
        place: the file; without one they can only be told.
        changes: values by path, a camera by its name instead of its number.
        cameras: the run's.
        write: False only tells what would be written.

    Raises:
        ConfigError: the file cannot be changed so.
        InputError: it cannot be written.
    """
    if place is None:
        if write:
            raise InputError(
                "this run has no config file: copy the lines, or begin with one: "
                "edgehands config init"
            )
        return Saved(None, tuple(_line(path, value) for path, value in changes.items()), False)
    document = read_document(place)
    numbered = {_numbered(path, document, cameras): value for path, value in changes.items()}
    try:
        edited = edit(document.text, numbered)
    except ValueError as error:
        raise ConfigError(f"{place}: {error}: copy the lines by hand") from None
    convert(parse_document(place, edited.text))  # what is written will be read again
    if write:
        _write(place, edited.text)
    return Saved(str(place), edited.lines, write)


def _numbered(path: KeyPath, document: Document, run: Sequence[CameraConfig]) -> KeyPath:
    """Return the path to a camera's key by the camera's place in the file."""
    table, name, *rest = path
    if table != "camera":
        return path
    sources = {camera.name: camera.source for camera in run}
    cameras = msgspec.convert(document.tables.get("camera", []), list[dict[str, object]])
    for number, camera in enumerate(cameras):
        if camera.get("name", "camera") == name and camera.get("source") == sources[str(name)]:
            return (table, number, *rest)
    raise ConfigError(f"{document.path}: has no camera {name!r} with this source: copy the lines")


def _write(place: Path, text: str) -> None:
    file = place.resolve()  # a link stays one; what it leads to is replaced
    try:
        folders.write_whole(file, text.encode())
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"cannot write {place}: {why}; copy the lines by hand") from error


def _line(path: KeyPath, value: object) -> str:
    *table, key = map(str, path)
    header = "[[camera]]" if table[0] == "camera" else f"[{toml_key(*table)}]"
    left_out = f"# {key} is left out"
    return f"{header} {left_out if value is None else f'{key} = {toml_value(value)}'}"

"""The config file: one TOML file for cameras, outputs, the tracker and the gestures.

Everything wrong in a file is reported at once, each mistake on a line of its own that begins with
`file:line:column:`, as compilers do, so that editors can jump there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from edgehands.config_mistakes import PLACEHOLDER, mistakes, unknown_gestures
from edgehands.config_secrets import without_secrets
from edgehands.config_tables import (
    MOST_MASKS,
    CameraConfig,
    Config,
    ContactSheetConfig,
    LandmarksConfig,
    OutputConfig,
    RecordingConfig,
    ServiceConfig,
    StdoutConfig,
    TrackerConfig,
    VideoConfig,
)
from edgehands.config_text import Document, read_document
from edgehands.errors import ConfigError, UsageError
from edgehands.schema import find_problems

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "MOST_MASKS",
    "PLACEHOLDER",
    "SAMPLE",
    "CameraConfig",
    "Config",
    "ContactSheetConfig",
    "LandmarksConfig",
    "OutputConfig",
    "RecordingConfig",
    "ServiceConfig",
    "StdoutConfig",
    "TrackerConfig",
    "VideoConfig",
    "check",
    "convert",
    "load_config",
    "overlay",
]

SAMPLE = Path(__file__).parent / "systemd" / "edgehands.toml"
"""The commented config file to start from."""

StructT = TypeVar("StructT", bound=msgspec.Struct)


def load_config(path: str | Path, *, known_gestures: Collection[str] | None = None) -> Config:
    """Read and check a config file.

    Args:
        path: the TOML file.
        known_gestures: names that [gestures.…] may have besides the file's own; None takes any.

    Raises:
        ConfigError: the file cannot be read, or every mistake in it, one a line.
    """
    return convert(read_document(path), known_gestures=known_gestures)


def convert(document: Document, *, known_gestures: Collection[str] | None = None) -> Config:
    """Return the config that a file's tables say.

    Raises:
        ConfigError: every mistake in them, one a line.
    """
    tables = document.tables
    problems = find_problems(tables, Config)
    malformed = {problem.path for problem in problems}
    senseless = (*unknown_gestures(tables, known_gestures), *mistakes(tables))
    problems += (problem for problem in senseless if problem.path not in malformed)
    if problems := without_secrets(problems, tables):
        raise document.error(problems)
    try:
        return msgspec.convert(tables, Config)
    except msgspec.ValidationError as error:  # the two walks disagree: still not a traceback
        raise ConfigError(f"{document.path}: {error}") from error


def check(config: Config) -> None:
    """Refuse names that mean nothing, as `load_config` does, whoever made the config.

    Raises:
        UsageError: the first of them.
    """
    tables = msgspec.to_builtins(config)
    for problem in without_secrets(mistakes(tables), tables):
        raise UsageError(problem.message)


def overlay(
    config: Config,
    *,
    camera: Mapping[str, object] | None = None,
    tracker: Mapping[str, object] | None = None,
    output: tuple[OutputConfig, ...] | None = None,
    web: Mapping[str, object] | None = None,
) -> Config:
    """Return `config` with what the command line gave on top; a value of None was not given.

    Args:
        config: what stands in the file, or `Config()`.
        camera: fields of `CameraConfig`. A source replaces all cameras of the file by one, with
            the other fields of the file's first; without a source, all cameras are changed.
        tracker: fields of `TrackerConfig`.
        output: outputs instead of the file's.
        web: fields of `WebConfig`.

    Raises:
        UsageError: a value of the wrong type or out of range, named as a flag.
    """
    return msgspec.structs.replace(
        config,
        camera=_overlay_cameras(config.camera, _given(camera)),
        tracker=_replaced(config.tracker, _given(tracker)),
        output=config.output if output is None else output,
        web=_replaced(config.web, _given(web)),
    )


def _overlay_cameras(
    cameras: tuple[CameraConfig, ...], flags: dict[str, object]
) -> tuple[CameraConfig, ...]:
    if "source" in flags:
        cameras = cameras[:1] or (CameraConfig(source=str(flags["source"])),)
    return tuple(_replaced(camera, flags) for camera in cameras)


def _given(flags: Mapping[str, object] | None) -> dict[str, object]:
    return {name: value for name, value in (flags or {}).items() if value is not None}


def _replaced(settings: StructT, flags: dict[str, object]) -> StructT:
    changed = msgspec.structs.replace(settings, **flags)
    problems = find_problems(msgspec.to_builtins(changed), type(changed))
    if problems:
        raise UsageError("; ".join(f"--{_flag(problem.message)}" for problem in problems))
    return msgspec.convert(msgspec.to_builtins(changed), type(changed))


def _flag(message: str) -> str:
    """Turn a message about a key of the file into one about the flag of that name."""
    name, colon, rest = message.partition(":")
    return name.replace("_", "-") + colon + rest.replace(" in quotes", "")

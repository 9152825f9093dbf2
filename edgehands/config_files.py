"""Where config files are looked for, and the first one of a user."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import NamedTuple

from edgehands import folders
from edgehands.config import SAMPLE, Config, load_config
from edgehands.errors import InputError, UsageError
from edgehands.gestures.names import known_gestures

VARIABLE = "EDGEHANDS_CONFIG"
"""The environment variable that names a config file."""
SYSTEM = Path("/etc/edgehands/edgehands.toml")
"""The service's config file."""
SCHEMA = SAMPLE.with_name("config.schema.json")
"""The JSON Schema of config files, for editors."""

_SCHEMA_LINE = "#:schema "


class Found(NamedTuple):
    """A config file that nobody named on the command line."""

    path: Path
    why: str
    """What led to it, in words."""


def find() -> Found | None:
    """Return the config file that counts where none is named: the first that there is.

    The order is $EDGEHANDS_CONFIG (which counts even if there is no such file), the user's, the
    system's.
    """
    if named := os.environ.get(VARIABLE):
        return Found(Path(named), f"${VARIABLE}")
    places = {"the user's": _of_user(), "the system's": SYSTEM}
    return next(
        (Found(path, whose) for whose, path in places.items() if path and os.path.lexists(path)),
        None,
    )


def load(path: Path) -> Config:
    """Read and check a config file against the gestures that there are.

    Raises:
        ConfigError: every mistake in it, one a line.
    """
    return load_config(path, known_gestures=known_gestures())


def default_place() -> Path:
    """Return where this user's config belongs: the system's for root.

    Raises:
        UsageError: a user without a home.
    """
    place = SYSTEM if os.geteuid() == 0 else _of_user()
    if place is None:
        raise UsageError("no home folder for a config: say edgehands config init FILE")
    return place


def init(path: Path, *, force: bool = False) -> None:
    """Write the commented sample, which names its schema for editors, whole or not at all.

    Args:
        path: the file; its folder is made if need be.
        force: replace a file that is there.

    Raises:
        UsageError: there is such a file already.
        InputError: it cannot be written.
    """
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder; name a file in it")
    if os.path.lexists(path) and not force:
        name = shlex.quote(str(path))
        raise UsageError(f"{path} is there already: edgehands config init --force {name}")
    try:
        # A link stays one; what it leads to is replaced.
        folders.write_whole(path.resolve(), sample_text().encode())
    except (OSError, RuntimeError) as error:  # Python 3.10 to 3.12: a circle of links
        why = getattr(error, "strerror", None) or error
        raise InputError(f"cannot write {path}: {why}") from error


def sample_text() -> str:
    """Return the commented sample, with the schema of this installation in its first line."""
    first, _, rest = SAMPLE.read_text(encoding="utf-8").partition("\n")
    if first.startswith(_SCHEMA_LINE):
        first = _SCHEMA_LINE + SCHEMA.resolve().as_uri()
    return f"{first}\n{rest}"


def _of_user() -> Path | None:
    folder = folders.config()
    return folder and folder / SYSTEM.name

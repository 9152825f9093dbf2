"""The store: where model files lie, and the only way to load one.

A file is loaded from the first folder of the search path that has it, and only if its SHA-256 is in
the catalog. An altered file is refused even when a good one lies further on: whoever put it there
expects it to be used, and running another in silence would hide a broken disk or an attack.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from edgehands import folders
from edgehands.errors import ModelError, UsageError
from edgehands.inference import ModelFile
from edgehands.models.catalog import Catalog, Model, add_own, shipped_catalog

if TYPE_CHECKING:
    Folder: TypeAlias = str | os.PathLike[str]

ENVIRONMENT_VARIABLE = "EDGEHANDS_MODELS"
SYSTEM_FOLDER = Path("/var/lib/edgehands/models")
"""The service's folder: it cannot see anyone's home."""

CATALOG_FILE = "catalog.toml"
"""In a model folder: the user's own models."""

MAX_MODEL_BYTES = 64 * 1024 * 1024
"""No model is larger; more is never read into memory."""

Status: TypeAlias = Literal["ok", "missing", "altered", "unreadable"]


class UnreadableError(ModelError):
    """A model file that is there and cannot be read."""


class AlteredError(ModelError):
    """A model file whose content is not in the catalog."""


@dataclass(frozen=True, slots=True)
class ModelState:
    """What `check` found for one model."""

    model: Model
    status: Status
    path: Path | None
    """The file that counts: the first on the search path."""
    problem: str = ""
    """One line for the user, unless the status is "ok"."""


def user_folder() -> Path | None:
    """Return the XDG data folder's models, None for a user without a home."""
    base = folders.data()
    return base / "models" if base else None


def search_path(folder: Folder | None = None) -> tuple[Path, ...]:
    """Return the folders to look in, in order, each once; the user's explicit choice is first."""
    named = [folder, os.environ.get(ENVIRONMENT_VARIABLE) or None]
    found = [Path(each) for each in named if each is not None]
    found.append(SYSTEM_FOLDER)
    found.extend(filter(None, [user_folder()]))
    return tuple(dict.fromkeys(found))


def destination(folder: Folder | None = None) -> Path:
    """Return the folder that models are put into: the explicit one, the variable's, the user's.

    Raises:
        UsageError: none is named and this user has no home.
    """
    named = folder or os.environ.get(ENVIRONMENT_VARIABLE) or user_folder()
    if named is None:
        raise UsageError(
            f"this user has no home folder: name one with --models or {ENVIRONMENT_VARIABLE}"
        )
    return Path(named)


def whole_catalog(folder: Folder | None = None) -> Catalog:
    """Return the shipped catalog with the entries of each `catalog.toml` on the search path.

    That is how a model of one's own is used: its file and a `catalog.toml` with its [[model]] lie
    in a model folder. It can be named `heavy`, and can never pass for a shipped file.

    Raises:
        ConfigError: a file has a mistake.
    """
    catalog = shipped_catalog()
    for place in search_path(folder):
        if _is_there(place / CATALOG_FILE):
            catalog = add_own(catalog, place / CATALOG_FILE)
    return catalog


def find(model_id: str, folder: Folder | None = None, *, catalog: Catalog | None = None) -> Path:
    """Return the path of a model's file, content unchecked.

    Raises:
        UsageError: no model has that id.
        ModelError: the file is in none of the folders.
    """
    return _locate((catalog or whole_catalog(folder)).get(model_id), search_path(folder))


def load(
    model_id: str, folder: Folder | None = None, *, catalog: Catalog | None = None
) -> ModelFile:
    """Read a model's file once, verify its SHA-256 and return the verified bytes.

    Raises:
        UsageError: no model has that id.
        ModelError: the file is missing, unreadable or altered.
    """
    model = (catalog or whole_catalog(folder)).get(model_id)
    path = _locate(model, search_path(folder))
    data, sha256 = read_verified(model, path)
    return ModelFile(
        id=model.id,
        role=model.role,
        data=data,
        sha256=sha256,
        path=str(path),
        input_size=model.input_size,
        outputs=model.output_specs,
        silent_channels=model.silent_channels,
    )


def check(
    folder: Folder | None = None, *, catalog: Catalog | None = None
) -> tuple[ModelState, ...]:
    """Compare the hash of every model on the search path with the catalog."""
    places = search_path(folder)
    return tuple(_state(model, places) for model in (catalog or whole_catalog(folder)).models)


def read_verified(model: Model, path: Path) -> tuple[bytes, str]:
    """Return the content of a model's file and its SHA-256.

    Raises:
        ModelError: the file is missing, unreadable or altered.
    """
    try:
        data = read_file(path)
    except OSError as error:
        raise UnreadableError(
            f"model {model.id!r}: cannot read {path}: {error.strerror or error}"
        ) from error
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 not in model.sha256:
        raise AlteredError(
            f"model {model.id!r}: {path} ({len(data)} bytes) has sha256 {sha256}, "
            f"accepted: {', '.join(model.sha256)}; replace it: "
            f"`edgehands models fetch --models {shlex.quote(str(path.parent))}`"
        )
    return data, sha256


def read_file(path: Path) -> bytes:
    """Return the content of a file that can be a model.

    Raises:
        OSError: it is missing, no regular file, too large, or cannot be read.
    """
    # A pipe would block, a device might never end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a file")
    with path.open("rb") as file:
        data = file.read(MAX_MODEL_BYTES + 1)
    if len(data) > MAX_MODEL_BYTES:
        raise OSError(f"larger than {MAX_MODEL_BYTES // 1024 // 1024} MB")
    return data


def _locate(model: Model, places: tuple[Path, ...]) -> Path:
    """Return the first path that holds the model's file."""
    for folder in places:
        path = folder / model.file
        if _is_there(path):
            return path
    raise ModelError(
        f"model {model.id!r} ({model.file}) is in none of {', '.join(map(str, places))}: "
        "run `edgehands models fetch`"
    )


def _is_there(path: Path) -> bool:
    """Whether something lies at the path; not in a folder that this user may not search.

    The service's folder may be closed to others, who then use their own.
    """
    try:
        path.stat()
    except OSError:
        return False
    return True


def _state(model: Model, places: tuple[Path, ...]) -> ModelState:
    try:
        path = _locate(model, places)
    except ModelError as error:
        return ModelState(model, "missing", None, str(error))
    try:
        read_verified(model, path)
    except AlteredError as error:
        return ModelState(model, "altered", path, str(error))
    except ModelError as error:
        return ModelState(model, "unreadable", path, str(error))
    return ModelState(model, "ok", path)

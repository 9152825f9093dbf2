"""The model files of the service: copies of the installing user's, each verified."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.errors import ModelError
from edgehands.installation.files import File
from edgehands.installation.places import callers_home
from edgehands.models import store
from edgehands.models.derived import SUBFOLDER, cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgehands.installation.places import Places

_WHY = "verified by its SHA-256"


def files(
    places: Places, named: Path | None, needed: Sequence[str], derived: Sequence[tuple[str, str]]
) -> list[File]:
    """Return the model files to install: every one that is found, and what is derived of them.

    Args:
        places: the machine's.
        named: the user's explicit folder.
        needed: ids that must be there.
        derived: model and target of derived files, which are taken where they are found.

    Raises:
        ModelError: a needed one is in no folder, or altered.
    """
    found = []
    for model in store.whole_catalog(named).models:
        path = _find(model.file, [*_folders(named), places.models])
        if path is None:
            if model.id in needed:
                raise ModelError(
                    f"no model {model.id!r} to install: get it by `edgehands models fetch` as the "
                    "user who installs, or say where it is with --models"
                )
            continue
        data, _ = store.read_verified(model, path)
        found.append(File(places.models / model.file, data, f"model {model.id}, {_WHY}"))
    found += _derived(places, named, derived)
    return found


def derived_files(places: Places, model: str, target: str) -> list[Path]:
    """Return the derived files of a model that the service has."""
    return sorted((places.models / SUBFOLDER).glob(f"{model}-*-{target}-v*"))


def _derived(
    places: Places, named: Path | None, wanted: Sequence[tuple[str, str]]
) -> Iterator[File]:
    shared = [each / SUBFOLDER for each in _folders(named)]
    for model, target in wanted:
        for folder in (*shared, *_caches()):
            kept = sorted(folder.glob(f"{model}-*-{target}-v*"))
            for path in kept:
                with suppress(OSError):
                    data = store.read_file(path)
                    why = f"the {target} file of {model}"
                    yield File(places.models / SUBFOLDER / path.name, data, why)
            if kept:
                break


def _find(file: str, places: Sequence[Path]) -> Path | None:
    return next((each / file for each in places if (each / file).is_file()), None)


def _folders(named: Path | None) -> list[Path]:
    """Return where the models of whoever installs may lie; under sudo, of whoever typed that."""
    if named is not None:
        return [named]
    variable = os.environ.get(store.ENVIRONMENT_VARIABLE)
    home = callers_home()
    places = [
        Path(variable) if variable else None,
        home and home / ".local/share/edgehands/models",
        store.user_folder(),
    ]
    return [place for place in places if place is not None]


def _caches() -> list[Path]:
    home = callers_home()
    places = [home and home / ".cache/edgehands" / SUBFOLDER, cache_folder()]
    return [place for place in places if place is not None]

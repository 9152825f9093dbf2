"""Derived files: what a runtime or an accelerator wants instead of the original, built and kept.

A derived file is compared with its original on example pictures before anyone gets it. It is kept
under a name with the hash of its source, the recipe and the hash of its own content::

    full-11c272b891e1a99a-onnx-v1-<sha256 of the file>.onnx

so that a damaged one is noticed when it is read, and built again. It is looked for in the folder
`derived` of each model folder (a host can build for a device that has no converter, a service has
no home), then in the user's cache, where it is put.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import re
import tempfile
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np

from edgehands.errors import ModelError, UsageError, did_you_mean
from edgehands.models import store
from edgehands.models.examples import example_inputs
from edgehands.selection import BACKENDS, load_backend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgehands.inference import ModelFile, ModelFormat

    Converter: TypeAlias = Callable[[ModelFile], bytes]

logger = logging.getLogger(__name__)

SUBFOLDER = "derived"
"""Of a model folder."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to build one kind of derived file."""

    converter: str
    """module:function, imported when a file is built."""
    version: int
    """To be raised whenever the converter gives another file for the same original."""
    format: ModelFormat
    backend: str
    """What runs it for the comparison."""
    tolerance: float
    """By how much an output may differ, in its own unit; 0: not in a single bit."""
    on_request: bool = False
    """Takes minutes or another program: built by `edgehands models build` only, never at a start.
    Its converter returns a `Built` that has passed a gate of its own, since it cannot be exact."""


RECIPES: dict[str, Recipe] = {
    "fp32": Recipe("edgehands.models.convert.fp32:to_fp32", 1, "tflite", "tflite", 0.0),
    "onnx": Recipe("edgehands.models.convert.onnx:to_onnx", 1, "onnx", "onnxruntime", 1e-3),
    "int8": Recipe(
        "edgehands.calibration:build_int8", 1, "tflite", "tflite", math.inf, on_request=True
    ),
    "edgetpu": Recipe(
        "edgehands.calibration:build_edgetpu", 1, "tflite", "coral", math.inf, on_request=True
    ),
}
"""Every target that can be built."""


@dataclass(frozen=True, slots=True)
class Built:
    """A derived file that has passed the comparison with its original."""

    source: str
    """SHA-256 of the original."""
    target: str
    file: ModelFile
    differences: Mapping[str, float]
    """Largest absolute difference by name of the output, in that output's unit; for a file that
    cannot be exact, what its gate measured."""
    summary: str = ""
    """Those figures of the gate in words."""


def derive(model: ModelFile, target: str, *, folder: store.Folder | None = None) -> ModelFile:
    """Return the derived file of an original: a kept one, or one that is built and kept now.

    Args:
        model: an original, verified.
        target: a name of `RECIPES`.
        folder: the user's model folder, searched first.

    Raises:
        UsageError: no such target.
        RuntimeMissingError: it has to be built, and a library for that is missing.
        ModelError: the original cannot be converted, the result is not the same model, or it is
            one that is built on request only.
    """
    recipe = get_recipe(target)
    cache = cache_folder()
    shared = [each / SUBFOLDER for each in store.search_path(folder)]
    for place in (*shared, *filter(None, [cache])):
        if kept := _find(model, target, recipe, place):
            return kept
    if recipe.on_request:
        raise ModelError(
            f"no {target} file of {model.id} has been built: run `edgehands models build {target}`"
        )
    logger.info("building the %s file of %s", target, model.id)
    built = build(model, target)
    advice = f"run `edgehands models build {target} --out {store.SYSTEM_FOLDER / SUBFOLDER}`"
    if cache is None:
        logger.warning("no home to keep the %s file of %s in: %s", target, model.id, advice)
        return built.file
    try:
        return keep(built, cache)
    except ModelError as error:  # a read-only disk costs time at every start, not the run
        logger.warning("%s: %s", error, advice)
        return built.file


def readable(model: ModelFile, backend: str, *, folder: store.Folder | None = None) -> ModelFile:
    """Return a model in the format that a backend reads: itself, or what is derived from it.

    Raises:
        EdgeHandsError: as `derive` does.
    """
    entry = BACKENDS.get(backend)  # another package's reads the originals
    if entry is None or entry.format == model.format:
        return model
    return derive(model, entry.format, folder=folder)


def build(model: ModelFile, target: str) -> Built:
    """Build a derived file in memory and compare it with its original.

    Raises:
        UsageError: no such target.
        RuntimeMissingError: a library is missing.
        ModelError: the original cannot be converted, or the result is not the same model.
    """
    recipe = get_recipe(target)
    module, _, function = recipe.converter.partition(":")
    convert = getattr(import_module(module), function)
    if recipe.on_request:
        return cast("Built", convert(model))
    data = cast("Converter", convert)(model)
    file = replace(
        model,
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        path=f"{target} of {model.path}",
        format=recipe.format,
    )
    differences = compare(model, file, recipe.backend)
    for output, difference in differences.items():
        if not difference <= recipe.tolerance:  # a NaN is not
            raise ModelError(
                f"the {target} file built from {model.id} ({model.path}) is refused: its output "
                f"{output} differs by {difference:.3g}, allowed is {recipe.tolerance:g}; "
                "please report this, with `edgehands --version`"
            )
    return Built(model.sha256, target, file, differences)


def compare(model: ModelFile, other: ModelFile, backend: str) -> dict[str, float]:
    """Run the original on tflite, `other` on `backend`, and return how far they are apart.

    Returns:
        The largest absolute difference over the example pictures, by name of the output.
    """
    worst = dict.fromkeys((output.name for output in model.outputs), 0.0)
    with (
        load_backend("tflite").open_session(
            model, batch=1, device=None, threads=1, options={}
        ) as original,
        load_backend(backend).open_session(
            other, batch=1, device=None, threads=1, options={}
        ) as derived,
    ):
        for picture in example_inputs(model):
            original.input[0] = derived.input[0] = picture
            for name, one, two in zip(worst, original.run(), derived.run(), strict=True):
                # np.maximum keeps a NaN, which max() may lose.
                worst[name] = float(np.maximum(worst[name], np.abs(one - two).max()))
    return worst


def keep(built: Built, folder: Path) -> ModelFile:
    """Write a built file into `folder`, whole or not at all, and return it with its new path.

    Raises:
        ModelError: the folder cannot be written.
    """
    stem = _stem(built.file.id, built.source, built.target)
    path = folder / f"{stem}{built.file.sha256}.{built.file.format}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_whole(path, built.file.data)
        for other in folder.glob(f"{stem}*"):
            if other != path:  # damaged, or another version of a library made it
                other.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(
            f"cannot keep {path.name} in {folder}: {error.strerror or error}"
        ) from error
    return replace(built.file, path=str(path))


def get_recipe(target: str) -> Recipe:
    """Return the recipe called `target`.

    Raises:
        UsageError: there is none.
    """
    if target not in RECIPES:
        raise UsageError(
            f"no derived file {target!r}: {did_you_mean(target, RECIPES)}"
            f"choose {', '.join(RECIPES)}"
        )
    return RECIPES[target]


def cache_folder() -> Path | None:
    """Return $XDG_CACHE_HOME/edgehands/derived, None for a user without a home."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # the XDG specification: a relative path is to be ignored
        try:
            base = Path.home() / ".cache"
        except RuntimeError:
            return None
    return base / "edgehands" / "derived"


def _find(model: ModelFile, target: str, recipe: Recipe, folder: Path) -> ModelFile | None:
    """Return the kept file if it is there and whole."""
    pattern = f"{_stem(model.id, model.sha256, target)}*.{recipe.format}"
    for path in _matches(folder, pattern):
        try:
            data = store.read_file(path)
        except OSError as error:
            logger.warning("cannot read %s: %s", path, error.strerror or error)
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        if path.stem.endswith(f"-{sha256}"):
            return replace(model, data=data, sha256=sha256, path=str(path), format=recipe.format)
        logger.warning("%s is damaged: its sha256 is %s", path, sha256)
    return None


def _matches(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:  # a folder that this user may not search
        return []


def _stem(model_id: str, source: str, target: str) -> str:
    """Return the beginning of a kept file's name: what it was made from and how."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", model_id)
    return f"{name}-{source[:16]}-{target}-v{RECIPES[target].version}-"


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears under its name only when it is complete and on the disk."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o644)  # a service reads what root has built
            file.write(data)
            file.flush()
            os.fsync(handle)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise

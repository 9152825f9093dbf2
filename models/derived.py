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
import re
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from edgehands import folders
from edgehands.errors import ModelError, UsageError, did_you_mean
from edgehands.models import store
from edgehands.selection import load_backend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from edgehands.inference import ModelFile, ModelFormat

    Converter: TypeAlias = Callable[[ModelFile], bytes]

logger = logging.getLogger(__name__)

SUBFOLDER = "derived"
"""Of a model folder."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to build one kind of derived file."""

    converter: str | None
    """module:function, imported when a file is built. None for what takes minutes or another
    program: `edgehands models build` has it built by `edgehands.quantising`, never a start."""
    version: int
    """To be raised whenever the converter gives another file for the same original."""
    format: ModelFormat
    backend: str
    """What runs it for the comparison."""
    tolerance: float
    """By how much an output may differ, in its own unit; 0: not in a single bit. Infinite for what
    cannot be exact and passes a gate of its own."""
    after: str | None = None
    """The recipe whose file the converter starts from, where a model gains by it."""

    @property
    def on_request(self) -> bool:
        """Whether it has to be asked for, and `build` cannot build it."""
        return self.converter is None


RECIPES: dict[str, Recipe] = {
    "fp32": Recipe("edgehands.models.convert.fp32:to_fp32", 1, "tflite", "tflite", 0.0),
    "pruned": Recipe("edgehands.models.convert.pruned:to_pruned", 1, "tflite", "tflite", 1e-3),
    "onnx": Recipe(
        "edgehands.models.convert.onnx:to_onnx", 2, "onnx", "onnxruntime", 1e-3, after="pruned"
    ),
    "int8": Recipe(None, 1, "tflite", "tflite", math.inf),
    "edgetpu": Recipe(None, 1, "tflite", "coral", math.inf),
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
        raise _not_built(model, target)
    logger.info("building the %s file of %s", target, model.id)
    built = build(model, target)
    advice = f"run `edgehands models build {target} --out {store.SYSTEM_FOLDER / SUBFOLDER}`"
    if cache is None:
        logger.warning(
            "no home to keep the %s file of %s in: %s",
            target,
            model.id,
            advice,
            extra={"code": "EH1205"},
        )
        return built.file
    try:
        return keep(built, cache)
    except ModelError as error:  # a read-only disk costs time at every start, not the run
        logger.warning("%s: %s", error, advice, extra={"code": "EH1205"})
        return built.file


def build(model: ModelFile, target: str) -> Built:
    """Build a derived file in memory and compare it with its original.

    Raises:
        UsageError: no such target.
        RuntimeMissingError: a library is missing.
        ModelError: the original cannot be converted, the result is not the same model, or it is
            one that is built on request only.
    """
    recipe = get_recipe(target)
    data = _convert(model, target, recipe)
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


def _convert(model: ModelFile, target: str, recipe: Recipe) -> bytes:
    if recipe.converter is None:
        raise _not_built(model, target)
    module, _, function = recipe.converter.partition(":")
    convert: Converter = getattr(import_module(module), function)
    if recipe.after and model.silent_channels:
        model = replace(model, data=_convert(model, recipe.after, RECIPES[recipe.after]))
    return convert(model)


def compare(model: ModelFile, other: ModelFile, backend: str) -> dict[str, float]:
    """Run the original on tflite, `other` on `backend`, and return how far they are apart.

    Returns:
        The largest absolute difference over the example pictures, by name of the output.
    """
    from edgehands.models.examples import example_inputs  # needed when a file is built, not before

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
        folders.write_whole(path, built.file.data, mode=0o644)  # a service reads what root builds
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
    base = folders.cache()
    return base / "derived" if base else None


def _not_built(model: ModelFile, target: str) -> ModelError:
    return ModelError(
        f"no {target} file of {model.id} has been built: run `edgehands models build {target}`"
    )


def _find(model: ModelFile, target: str, recipe: Recipe, folder: Path) -> ModelFile | None:
    """Return the kept file if it is there and whole."""
    pattern = f"{_stem(model.id, model.sha256, target)}*.{recipe.format}"
    for path in _matches(folder, pattern):
        try:
            data = store.read_file(path)
        except OSError as error:
            logger.warning(
                "cannot read %s: %s", path, error.strerror or error, extra={"code": "EH1206"}
            )
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        if path.stem.endswith(f"-{sha256}"):
            return replace(model, data=data, sha256=sha256, path=str(path), format=recipe.format)
        logger.warning("%s is damaged: its sha256 is %s", path, sha256, extra={"code": "EH1207"})
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

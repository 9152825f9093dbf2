"""The ordered table of backends, and how one is chosen: by name, or `auto`."""

from __future__ import annotations

import importlib
import logging
import mmap
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from edgehands.errors import (
    DeviceError,
    EdgeHandsError,
    ModelError,
    RuntimeMissingError,
    UsageError,
    did_you_mean,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import EntryPoint

    from edgehands.inference import Backend, Deriver, ModelFile, ModelFormat, Precision, Session

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BackendEntry:
    """A row of the table: where a backend lives and what it needs."""

    module: str
    install: str
    """The command that brings its runtime."""
    hardware: str
    format: ModelFormat = "tflite"
    """Of the files that it reads; from another one it is derived first."""
    int8: str | None = None
    """The derived file that it runs for precision int8; None where it has no such."""
    pruned: bool = False
    """It gains by a file without silent channels."""
    only_int8: bool = False
    """It runs that file whatever precision is asked of it."""
    compiles: bool = False
    """It, or the driver below it, writes machine code at run time and executes it."""


BACKENDS: dict[str, BackendEntry] = {
    "tflite": BackendEntry(
        "edgehands.backends.tflite",
        "pip install ai-edge-litert",
        "any 64-bit CPU through XNNPACK, or an external delegate by path",
        int8="int8",
        pruned=True,
    ),
    "onnxruntime": BackendEntry(
        "edgehands.backends.onnxruntime",
        "pip install onnxruntime onnx",
        "any 64-bit CPU; CUDA, TensorRT and others where the installed build has them",
        format="onnx",
    ),
    "openvino": BackendEntry(
        "edgehands.backends.openvino",
        "pip install openvino",
        "Intel CPU, GPU and NPU, other CPUs",
        pruned=True,
        compiles=True,
    ),
    "litert-gpu": BackendEntry(
        "edgehands.backends.litert_gpu",
        "pip install ai-edge-litert; apt install libvulkan1 mesa-vulkan-drivers",
        "a GPU with a Vulkan driver; on Arm, ARMv8.2 or newer",
        compiles=True,
    ),
    "coral": BackendEntry(
        "edgehands.backends.coral",
        "the libedgetpu1-std .deb from https://github.com/feranick/libedgetpu/releases",
        "Coral Edge TPU on USB, PCIe or M.2",
        int8="edgetpu",
        only_int8=True,
    ),
    "replay": BackendEntry(
        "edgehands.backends.replay",
        "nothing to install",
        "none: it replays recorded outputs",
    ),
}
"""Every backend by name. A module is imported only when its name is asked for."""

ENTRY_POINTS = "edgehands.backends"
"""The entry-point group in which other packages offer backends."""

AUTO_ORDER = ("tflite", "openvino", "onnxruntime")
"""What `auto` tries, the surest first. `replay` is never chosen for the user."""


def default_threads() -> int:
    """Threads for one session: the cores this process may use, 4 at most.

    These models stop gaining beyond 4 threads, and a service should leave cores to others.
    """
    return min(4, len(os.sched_getaffinity(0)))


def third_party_backends() -> dict[str, EntryPoint]:
    """Return what other installed packages offer, by name, importing none of it.

    A name of the table is not among them: nobody can take the place of a built-in backend.
    """
    from importlib.metadata import entry_points

    return {
        point.name: point
        for point in entry_points(group=ENTRY_POINTS)
        if point.name not in BACKENDS
    }


def backend_names() -> tuple[str, ...]:
    """Return the name of every backend: the table's in its order, then those of other packages."""
    return (*BACKENDS, *third_party_backends())


def load_backend(name: str) -> Backend:
    """Import the backend called `name`, ours or another package's.

    Raises:
        UsageError: no backend has that name.
        RuntimeMissingError: another package's backend cannot be imported.
    """
    if entry := BACKENDS.get(name):
        return cast("Backend", importlib.import_module(entry.module))
    others = third_party_backends()
    if name in others:
        return _load_third_party(others[name])
    known = (*BACKENDS, *others)
    raise UsageError(
        f"no backend {name!r}: {did_you_mean(name, known)}choose auto, {', '.join(known)}"
    )


def _load_third_party(point: EntryPoint) -> Backend:
    owner = f"package {point.dist.name}" if point.dist else "an unknown package"
    try:
        backend = point.load()
    except (ImportError, AttributeError) as error:
        raise RuntimeMissingError(
            f"backend {point.name!r} of {owner} cannot be imported: {error}"
        ) from error
    if not callable(getattr(backend, "open_session", None)):
        raise RuntimeMissingError(
            f"backend {point.name!r} of {owner}: {point.value} has no function open_session"
        )
    return cast("Backend", backend)


def open_session(
    backend: str,
    model: ModelFile,
    *,
    batch: int = 1,
    device: str | None = None,
    threads: int | None = None,
    options: Mapping[str, str] | None = None,
    derive: Deriver | None = None,
    precision: Precision = "fp32",
    usual_threads: int | None = None,
) -> Session:
    """Open `model` on a backend by name, or with "auto" on the best that works.

    A named backend works or fails. `auto` takes what `edgehands tune` found on this device, else
    the first of `AUTO_ORDER`, and logs its choice and why the others were passed over. `threads`
    None is as many as were found best, else `usual_threads`, else `default_threads`. `derive` makes
    the file that a backend wants from the original, as `edgehands.models.derived.derive` does.
    `precision` int8 runs the quantised file, which must have been built.

    Raises:
        UsageError: unknown backend or option, a number below 1, int8 where there is none.
        DeviceError: no runtime, no device, or no right to use it; with `auto`, all the reasons in
            one message.
        ModelError: the runtime cannot load this model.
    """
    if backend == "auto" and options:
        raise UsageError(
            f"the backend option {min(options)!r} belongs to one backend: name it instead of auto"
        )
    for what, value in (("batch", batch), ("threads", threads)):
        if value is not None and value < 1:
            raise UsageError(f"{what} is {value}: it must be 1 or more")
    candidates = [_Candidate(backend)]
    if backend == "auto":
        candidates = _auto_candidates(model, device)
        if precision == "int8":
            candidates = [each for each in candidates if _int8_file(each.backend)]
    reasons: list[str] = []
    for candidate in candidates:
        try:
            module = load_backend(candidate.backend)
            _check_rights(candidate.backend)
            session = module.open_session(
                readable(model, candidate.backend, derive, precision),
                batch=batch,
                device=device,
                threads=threads or candidate.threads or usual_threads or default_threads(),
                options=options or {},
            )
        except EdgeHandsError as error:
            if backend != "auto":
                raise
            reasons.append(f"{candidate.backend}: {error}")
            if candidate.threads:  # it was measured here and is what the user counts on
                logger.warning(
                    "%s does not run on %s any more",
                    model.id,
                    reasons[-1],
                    extra={"code": "EH1203"},
                )
        else:
            logger.info(
                "%s runs on %s%s%s",
                model.id,
                session.describe(),
                f": {candidate.why}" if candidate.why else "",
                f" (not on {'; '.join(reasons)})" if reasons else "",
            )
            return session
    raise DeviceError(f"no backend could open {model.id}: {'; '.join(reasons)}")


def _check_rights(backend: str) -> None:
    """Refuse what cannot work in a hardened service; the runtime itself would not say why."""
    entry = BACKENDS.get(backend)
    if entry and entry.compiles and not may_execute_written_memory():
        raise DeviceError(
            f"backend {backend} compiles code at run time, which this process may not execute "
            "(MemoryDenyWriteExecute=yes): `sudo edgehands service install` writes the drop-in"
        )


def may_execute_written_memory() -> bool:
    """Whether the kernel gives this process memory that is both written and executed."""
    try:
        mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
    except OSError:
        return False
    return True


def readable(
    model: ModelFile, backend: str, derive: Deriver | None, precision: Precision = "fp32"
) -> ModelFile:
    """Return `model` as the backend runs it, derived if need be; other packages' read .tflite.

    Raises:
        UsageError: the backend does not know that precision, or `derive` is needed.
        EdgeHandsError: as `derive` does.
    """
    entry = BACKENDS.get(backend)
    if precision == "int8":
        return _quantised(model, backend, derive)
    if entry and entry.only_int8 and derive:
        try:
            return _quantised(model, backend, derive)
        except ModelError:
            return model  # the backend says so, after what else may be missing
    wanted = entry.format if entry else "tflite"
    if model.format == wanted:
        return _pruned(model, derive) if entry and entry.pruned and derive else model
    if derive is None:
        raise UsageError(
            f"backend {backend} reads .{wanted} files and {model.id} ({model.path}) is none: "
            "open it with derive=edgehands.models.derived.derive"
        )
    return derive(model, wanted)


def _pruned(model: ModelFile, derive: Deriver) -> ModelFile:
    """Return the file without silent channels; nothing that ran without it fails for lack of it."""
    if not model.silent_channels:
        return model
    try:
        return derive(model, "pruned")
    except EdgeHandsError as error:
        logger.info("%s runs with its silent channels: %s", model.id, error)
        return model


def _quantised(model: ModelFile, backend: str, derive: Deriver | None) -> ModelFile:
    target = _int8_file(backend)
    if target is None:
        names = ", ".join(name for name in BACKENDS if _int8_file(name))
        raise UsageError(f"backend {backend} has no precision int8: choose {names}")
    if derive is None:
        raise UsageError(
            f"precision int8 runs another file than {model.id} ({model.path}): "
            "open it with derive=edgehands.models.derived.derive"
        )
    return derive(model, target)


def _int8_file(backend: str) -> str | None:
    entry = BACKENDS.get(backend)
    return entry.int8 if entry else None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A backend to try, and what speaks for it."""

    backend: str
    threads: int | None = None
    """As measured on this device; None where nothing was."""
    why: str = ""


def _auto_candidates(model: ModelFile, device: str | None) -> list[_Candidate]:
    """Return what `auto` tries: what `edgehands tune` chose on this device, then `AUTO_ORDER`."""
    from edgehands import verdict

    # A device belongs to one backend, and the verdict was reached without it.
    kept = verdict.load() if device is None else None
    choice = kept.choice(model.sha256) if kept else None
    why = "it is first in the default order, `edgehands tune` measures what is fastest here"
    default = [_Candidate(name, why=why) for name in AUTO_ORDER]
    if kept is None or choice is None:
        return default
    first = _Candidate(
        choice.backend,
        choice.threads,
        f"the best of {choice.candidates} by `edgehands tune` on {kept.made[:10]}, "
        f"{choice.median_ms:.1f} ms",
    )
    return [first, *(each for each in default if each.backend != first.backend)]

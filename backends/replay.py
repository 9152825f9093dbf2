"""Replays recorded model outputs, and makes the recordings.

An ordinary backend without a runtime: for tests, demos, and measuring everything but inference.
With the option `record_from=NAME` it runs that backend instead and writes what came out to `file`
when the session closes; without it, the n-th run returns the n-th recorded outputs.

A recording is an .npz file with one array [runs, …] for each output, named `model-id/output-name`;
sessions of several models share a file.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgehands import folders
from edgehands.errors import DeviceError, InputError, ModelError, UsageError
from edgehands.inference import Description, Session, opened
from edgehands.selection import open_session as open_other

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.hand import FloatArray
    from edgehands.inference import ModelFile

_OPTIONS = ("file", "record_from", "loop")

# What numpy and zipfile raise for a damaged file; RuntimeError for one that needs a password.
_UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError)


def open_session(
    model: ModelFile,
    *,
    batch: int = 1,
    device: str | None = None,
    threads: int,
    options: Mapping[str, str],
) -> Session:
    """Open a recording of `model`, or start one.

    Options:
        file: the recording, required.
        record_from: name of the backend to record.
        loop: "yes" starts over at the end instead of failing.
    """
    for key in options:
        if key not in _OPTIONS:
            raise UsageError(f"backend replay has no option {key!r}: choose {', '.join(_OPTIONS)}")
    if "file" not in options:
        raise UsageError("backend replay needs the option file=RECORDING.npz")
    if options.get("loop", "no") not in {"yes", "no"}:
        raise UsageError(f"backend replay got loop={options['loop']}: say yes or no")
    path = Path(options["file"])
    source = options.get("record_from")
    if source is None:
        return ReplaySession(model, batch, path, loop=options.get("loop") == "yes")
    if source == "replay":
        raise UsageError("record_from=replay would record a recording: name another backend")
    if path.exists():
        _read(path)  # what cannot be added to must not be found out after a day of recording
    inner = open_other(source, model, batch=batch, device=device, threads=threads)
    return RecordingSession(model, inner, path)


class ReplaySession(Session):
    """Returns the recorded outputs in their order; what is written to `input` does not matter."""

    def __init__(self, model: ModelFile, batch: int, path: Path, *, loop: bool) -> None:
        self.input = np.zeros((batch, model.input_size, model.input_size, 3), np.float32)
        self._path = path
        self._loop = loop
        self._next = 0
        recorded = _read(path)
        names = [_array_name(model, output.name) for output in model.outputs]
        missing = [name for name in names if name not in recorded]
        if missing:
            raise ModelError(f"{path} holds no {missing[0]!r}: record it with model {model.id}")
        for name, output in zip(names, model.outputs, strict=True):
            if recorded[name].shape[1:] != (batch, *output.shape):
                raise ModelError(
                    f"{path} holds {name!r} of shape {recorded[name].shape}, not "
                    f"[runs, {batch}, {', '.join(map(str, output.shape))}]: "
                    f"record it again with model {model.id}"
                )
        self._runs: list[FloatArray] | None = [recorded[name] for name in names]
        self._count = min(len(array) for array in self._runs)

    def run(self) -> tuple[FloatArray, ...]:
        runs = opened(self._runs)
        if self._next >= self._count:
            if not (self._loop and self._count):
                raise DeviceError(
                    f"{self._path} ends after {self._count} runs: record more, or set loop=yes"
                )
            self._next = 0
        outputs = tuple(array[self._next] for array in runs)
        self._next += 1
        return outputs

    def describe(self) -> Description:
        return Description("replay", "recording", "1", str(self._path), "fp32")

    def close(self) -> None:
        self._runs = None


class RecordingSession(Session):
    """Runs another session and keeps what it returned."""

    def __init__(self, model: ModelFile, inner: Session, path: Path) -> None:
        self.input = inner.input
        self._model = model
        self._inner: Session | None = inner
        self._path = path
        self._kept: list[list[FloatArray]] = [[] for _ in model.outputs]

    def run(self) -> tuple[FloatArray, ...]:
        outputs = opened(self._inner).run()
        for kept, output in zip(self._kept, outputs, strict=True):
            kept.append(output.copy())
        return outputs

    def describe(self) -> Description:
        return opened(self._inner).describe()

    def close(self) -> None:
        if self._inner is None:
            return
        self._inner.close()
        self._inner = None
        _add(
            self._path,
            {
                _array_name(self._model, output.name): np.array(kept, np.float32)
                for output, kept in zip(self._model.outputs, self._kept, strict=True)
            },
        )


def _array_name(model: ModelFile, output: str) -> str:
    return f"{model.id}/{output}"


def _read(path: Path) -> dict[str, FloatArray]:
    try:
        with path.open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            if isinstance(arrays, np.ndarray):
                raise ValueError("it holds a single array")
            with arrays:
                return dict(arrays)
    except FileNotFoundError as error:
        raise InputError(
            f"no recording {path}: make it with the option record_from=tflite"
        ) from error
    except _UNREADABLE as error:
        raise InputError(f"{path} is not a recording: {error}") from error


def _add(path: Path, arrays: dict[str, FloatArray]) -> None:
    """Write `arrays` beside those of the other models, all or nothing."""
    whole = {**(_read(path) if path.exists() else {}), **arrays}
    packed = io.BytesIO()
    np.savez_compressed(packed, **whole)  # type: ignore[arg-type]
    try:
        folders.write_whole(path, packed.getvalue())
    except OSError as error:
        raise InputError(f"cannot write the recording {path}: {error.strerror or error}") from error

"""TensorFlow Lite's Interpreter: XNNPACK on the CPU, or an external delegate given by its path.

The runtime is ai-edge-litert, or tflite-runtime where only that is installed. LiteRT's newer
CompiledModel is left alone on purpose: creating one loads a GPU library that ends the process with
SIGILL on a Raspberry Pi 4.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import logging
import os
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.errors import DeviceError, ModelError, RuntimeMissingError, UsageError
from edgehands.inference import Description, Session, opened
from edgehands.selection import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from edgehands.hand import FloatArray
    from edgehands.inference import ModelFile

logger = logging.getLogger(__name__)
_stderr_lock = threading.Lock()

DELEGATE_OPTION = "delegate"
"""Path of a shared library to load as delegate; every other option is passed to that library."""

_DELEGATE_SYMBOLS = ("tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate")

_RUNTIMES = (
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite_runtime.interpreter"),
)


def open_session(
    model: ModelFile,
    *,
    batch: int = 1,
    device: str | None = None,
    threads: int,
    options: Mapping[str, str],
) -> TfliteSession:
    """Open `model` on the CPU, or on the delegate that `options` name."""
    if device not in (None, "cpu"):
        raise UsageError(f"backend tflite has no device {device!r}: leave it out, or say cpu")
    path = options.get(DELEGATE_OPTION)
    if path:
        rest = {key: value for key, value in options.items() if key != DELEGATE_OPTION}
        return TfliteSession(model, batch, threads, load_delegate(path, rest))
    if options:
        raise UsageError(
            f"backend tflite got the option {min(options)!r} but no "
            f"{DELEGATE_OPTION}=/path/to/library.so to give it to"
        )
    return TfliteSession(model, batch, threads)


@dataclass(frozen=True, slots=True)
class Delegate:
    """A loaded delegate."""

    path: str
    native: object
    """The runtime's own object; the interpreters that use it keep it alive and free it last."""


class _Port:
    """An input or output tensor; one of a fully quantised model holds integers."""

    def __init__(self, detail: Mapping[str, Any]) -> None:
        self.index: int = detail["index"]
        self._dtype = np.dtype(detail["dtype"])
        self._scale, self._zero = detail["quantization"]

    def stored(self, values: FloatArray) -> Any:
        """Return real numbers as the tensor holds them."""
        if self._dtype == np.float32:
            return values
        limits = np.iinfo(self._dtype)
        steps = np.rint(values / np.float32(self._scale)) + self._zero
        return steps.clip(limits.min, limits.max).astype(self._dtype)

    def real(self, values: Any) -> FloatArray:
        """Return what the tensor holds as real numbers."""
        if self._dtype == np.float32:
            held: FloatArray = values
            return held
        real: FloatArray = (values.astype(np.float32) - self._zero) * np.float32(self._scale)
        return real


class TfliteSession(Session):
    """One interpreter."""

    def __init__(
        self, model: ModelFile, batch: int, threads: int, delegate: Delegate | None = None
    ) -> None:
        self._package, runtime = _load_runtime()
        self._delegate_path = delegate.path if delegate else None
        self._threads = threads
        interpreter = _open(runtime, model, batch, threads, delegate)
        self._interpreter: Any = interpreter
        self._accelerated = _is_accelerated(interpreter)
        if not self._accelerated:
            # Seen where /proc/cpuinfo is hidden, as by systemd's ProcSubset=pid.
            logger.warning(
                "%s runs without XNNPACK, many times slower: is /proc/cpuinfo readable?",
                model.id,
                extra={"code": "EH1201"},
            )
        self._source = _Port(interpreter.get_input_details()[0])
        outputs = {each["index"]: each for each in interpreter.get_output_details()}
        self._outputs = [_Port(outputs[i]) for i in _output_indices(interpreter, model, batch)]
        self._precision = _precision(interpreter)
        self.input = np.zeros((batch, model.input_size, model.input_size, 3), np.float32)

    def run(self) -> tuple[FloatArray, ...]:
        interpreter = opened(self._interpreter)
        try:
            interpreter.set_tensor(self._source.index, self._source.stored(self.input))
            interpreter.invoke()
            return tuple(port.real(interpreter.get_tensor(port.index)) for port in self._outputs)
        except (ValueError, RuntimeError) as error:
            what = f"delegate {self._delegate_path}" if self._delegate_path else "tflite"
            raise DeviceError(f"{what} failed: {_first_line(error)}") from error

    def describe(self) -> Description:
        device = self._delegate_path or f"CPU, {self._threads} threads" + (
            ", XNNPACK" if self._accelerated else ", no XNNPACK"
        )
        version = importlib.metadata.version(self._package)
        return Description("tflite", self._package, version, device, self._precision)

    def close(self) -> None:
        self._interpreter = None


def _load_runtime() -> tuple[str, ModuleType]:
    failures = []
    for package, module in _RUNTIMES:
        try:
            return package, importlib.import_module(module)
        except (ImportError, SystemError) as error:
            # SystemError: tflite-runtime meets numpy 2, against which it was not built.
            failures.append(f"{package}: {error}")
    raise RuntimeMissingError(
        f"no TensorFlow Lite runtime ({'; '.join(failures)}): run `{BACKENDS['tflite'].install}`"
    )


def load_delegate(path: str, options: Mapping[str, str]) -> Delegate:
    """Load a delegate's library, by path or by a name that the loader finds, with its own options.

    Raises:
        DeviceError: it cannot be loaded, is no delegate, or finds no device.
    """
    _, runtime = _load_runtime()
    try:
        library = ctypes.CDLL(path)
        for symbol in _DELEGATE_SYMBOLS:
            getattr(library, symbol)  # the runtime trips over a missing one in a destructor
        return Delegate(path, runtime.load_delegate(path, dict(options)))
    except (OSError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise DeviceError(
            f"delegate {path} with options {dict(options) or 'none'}: {reason}"
        ) from error


def _open(
    runtime: ModuleType, model: ModelFile, batch: int, threads: int, delegate: Delegate | None
) -> Any:
    try:
        interpreter = _create(runtime, model, threads, delegate)
        if batch > 1:
            index = interpreter.get_input_details()[0]["index"]
            interpreter.resize_tensor_input(index, [batch, model.input_size, model.input_size, 3])
        with native_log():
            interpreter.allocate_tensors()
    except DeviceError:  # which is a RuntimeError too
        raise
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"tflite cannot run {model.id} ({model.path}) with a batch of {batch}: "
            f"{_first_line(error)}"
        ) from error
    return interpreter


def _create(runtime: ModuleType, model: ModelFile, threads: int, delegate: Delegate | None) -> Any:
    if delegate is None:
        return runtime.Interpreter(model_content=model.data, num_threads=threads)
    try:
        with native_log():
            return runtime.Interpreter(
                model_content=model.data,
                num_threads=threads,
                experimental_delegates=[delegate.native],
            )
    except RuntimeError as error:  # a bad model is a ValueError
        raise DeviceError(
            f"delegate {delegate.path} refused {model.id}: {_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no reason given"


def _output_indices(interpreter: Any, model: ModelFile, batch: int) -> list[int]:
    by_name = {detail["name"]: detail for detail in interpreter.get_output_details()}
    missing = [output.tensor for output in model.outputs if output.tensor not in by_name]
    if missing:
        raise ModelError(
            f"{model.id} ({model.path}) has no output {missing[0]!r}, only {sorted(by_name)}"
        )
    for output in model.outputs:
        shape = tuple(by_name[output.tensor]["shape"].tolist())
        if shape != (batch, *output.shape):  # a RESHAPE inside keeps the batch it was made for
            raise ModelError(
                f"tflite cannot run {model.id} ({model.path}) with a batch of {batch}: "
                f"{output.name} would have the shape {shape}"
            )
    return [by_name[output.tensor]["index"] for output in model.outputs]


def _precision(interpreter: Any) -> str:
    """Say in what the model computes: one with integer tensors was quantised."""
    kinds = {np.dtype(detail["dtype"]) for detail in interpreter.get_tensor_details()}
    return "int8" if np.dtype(np.int8) in kinds else "fp32"


def _is_accelerated(interpreter: Any) -> bool:
    """Say whether a delegate, XNNPACK or another, took over part of the graph."""
    # The runtime tells in no public way. Without the private one there is nothing to warn of.
    details = getattr(interpreter, "_get_ops_details", None)
    return details is None or any(op["op_name"] == "DELEGATE" for op in details())


@contextmanager
def native_log() -> Iterator[list[str]]:
    """Take what native code writes to stderr into our log, so that stderr keeps to our lines.

    The list that is handed out holds those lines after the `with` block.
    """
    lines: list[str] = []
    if sys.__stderr__ is None:  # the process was started without one
        yield lines
        return
    sys.stderr.flush()
    # One at a time: the descriptor is the process's, and two threads would mix up which was first.
    with _stderr_lock, tempfile.TemporaryFile() as log:
        stderr = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            log.seek(0)
            lines.extend(log.read().decode(errors="replace").splitlines())
            for line in lines:
                logger.debug("native: %s", line)

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
from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.errors import DeviceError, ModelError, RuntimeMissingError, UsageError
from edgehands.inference import BACKENDS, Description, Session, opened

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
    return TfliteSession(model, batch, threads, options)


class TfliteSession(Session):
    """One interpreter."""

    def __init__(
        self, model: ModelFile, batch: int, threads: int, options: Mapping[str, str]
    ) -> None:
        self._package, runtime = _load_runtime()
        self._delegate_path = options.get(DELEGATE_OPTION)
        self._threads = threads
        delegates = [_load_delegate(runtime, options)] if self._delegate_path else []
        if options and not delegates:
            raise UsageError(
                f"backend tflite got the option {min(options)!r} but no "
                f"{DELEGATE_OPTION}=/path/to/library.so to give it to"
            )
        interpreter = _open(runtime, model, batch, threads, delegates)
        self._interpreter: Any = interpreter
        self._accelerated = _is_accelerated(interpreter)
        if not self._accelerated:
            # Seen where /proc/cpuinfo is hidden, as by systemd's ProcSubset=pid.
            logger.warning(
                "%s runs without XNNPACK, many times slower: is /proc/cpuinfo readable?", model.id
            )
        self._input_index: int = interpreter.get_input_details()[0]["index"]
        self._output_indices = _output_indices(interpreter, model)
        self.input = np.zeros((batch, model.input_size, model.input_size, 3), np.float32)

    def run(self) -> tuple[FloatArray, ...]:
        interpreter = opened(self._interpreter)
        interpreter.set_tensor(self._input_index, self.input)
        interpreter.invoke()
        return tuple(interpreter.get_tensor(index) for index in self._output_indices)

    def describe(self) -> Description:
        device = self._delegate_path or f"CPU, {self._threads} threads" + (
            ", XNNPACK" if self._accelerated else ", no XNNPACK"
        )
        version = importlib.metadata.version(self._package)
        return Description("tflite", self._package, version, device, "fp32")

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


def _load_delegate(runtime: ModuleType, options: Mapping[str, str]) -> object:
    path = options[DELEGATE_OPTION]
    rest = {key: value for key, value in options.items() if key != DELEGATE_OPTION}
    try:
        library = ctypes.CDLL(path)
        for symbol in _DELEGATE_SYMBOLS:
            getattr(library, symbol)  # the runtime trips over a missing one in a destructor
        return runtime.load_delegate(path, rest)
    except (OSError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise DeviceError(f"delegate {path} with options {rest or 'none'}: {reason}") from error


def _open(
    runtime: ModuleType, model: ModelFile, batch: int, threads: int, delegates: list[object]
) -> Any:
    try:
        interpreter = runtime.Interpreter(
            model_content=model.data, num_threads=threads, experimental_delegates=delegates
        )
        if batch > 1:
            index = interpreter.get_input_details()[0]["index"]
            interpreter.resize_tensor_input(index, [batch, model.input_size, model.input_size, 3])
        with _native_log():
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()
        raise ModelError(
            f"tflite cannot run {model.id} ({model.path}) with a batch of {batch}: "
            f"{reason[0] if reason else 'no reason given'}"
        ) from error
    return interpreter


def _output_indices(interpreter: Any, model: ModelFile) -> list[int]:
    by_name = {detail["name"]: detail["index"] for detail in interpreter.get_output_details()}
    missing = [output.tensor for output in model.outputs if output.tensor not in by_name]
    if missing:
        raise ModelError(
            f"{model.id} ({model.path}) has no output {missing[0]!r}, only {sorted(by_name)}"
        )
    return [by_name[output.tensor] for output in model.outputs]


def _is_accelerated(interpreter: Any) -> bool:
    """Say whether a delegate, XNNPACK or another, took over part of the graph."""
    # The runtime tells in no public way. Without the private one there is nothing to warn of.
    details = getattr(interpreter, "_get_ops_details", None)
    return details is None or any(op["op_name"] == "DELEGATE" for op in details())


@contextmanager
def _native_log() -> Iterator[None]:
    """Take what native code writes to stderr into our log, so that stderr keeps to our lines."""
    if sys.__stderr__ is None:  # the process was started without one
        yield
        return
    sys.stderr.flush()
    # One at a time: the descriptor is the process's, and two threads would mix up which was first.
    with _stderr_lock, tempfile.TemporaryFile() as log:
        stderr = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            log.seek(0)
            for line in log.read().decode(errors="replace").splitlines():
                logger.debug("native: %s", line)

"""LiteRT's CompiledModel on a GPU: WebGPU over Vulkan. Opt-in, never chosen by `auto`.

Creating a CompiledModel loads a library that ends the process with SIGILL on an Arm CPU older than
v8.2, such as a Raspberry Pi 4's, and GPU drivers have crashed in it. So the CPU and the Vulkan
loader are looked at first, then the model runs in another process and has to answer as tflite does,
and only then is it opened here. There is no fallback to the CPU: without a GPU it fails.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import importlib.util
import logging
import os
import platform
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands import probe
from edgehands.backends.tflite import native_log
from edgehands.errors import DeviceError, ModelError, RuntimeMissingError, UsageError
from edgehands.inference import Description, Session, opened
from edgehands.selection import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edgehands.hand import FloatArray
    from edgehands.inference import ModelFile

logger = logging.getLogger(__name__)

_PACKAGE = "ai-edge-litert"
_CPUINFO = Path("/proc/cpuinfo")
_VULKAN_LOADER = "libvulkan.so.1"
_GET_DRIVER = "run `apt install libvulkan1 mesa-vulkan-drivers`, and be in the group render"

_MODULES = ("compiled_model", "hardware_accelerator", "options")
_SOFTWARE = "a software adapter, no GPU"

_ARM_FEATURES = frozenset(
    {"aes", "asimddp", "asimdhp", "asimdrdm", "atomics", "crc32", "fphp", "lrcpc", "sha2"}
)
"""What the GPU library was compiled for, as /proc/cpuinfo calls it."""

_ADAPTER = re.compile(
    r"Selected adapter: (?P<name>.*), arch=(?P<arch>[^,]*).*adapterType=(?P<type>.*)"
)


def open_session(
    model: ModelFile,
    *,
    batch: int = 1,
    device: str | None = None,
    threads: int,
    options: Mapping[str, str],
) -> Session:
    """Open `model` on the GPU, after a try in another process. It has no options."""
    if device not in (None, "gpu"):
        raise UsageError(f"backend litert-gpu has no device {device!r}: leave it out, or say gpu")
    if options:
        raise UsageError(f"backend litert-gpu has no option {min(options)!r}: it has none")
    _check_cpu()
    _check_vulkan()
    _check_runtime()
    probe.ensure("litert-gpu", model, batch=batch, device=device, threads=threads, options=options)
    return LitertGpuSession(model, batch)


class LitertGpuSession(Session):
    """One compiled model with its buffers."""

    def __init__(self, model: ModelFile, batch: int) -> None:
        self.input = np.zeros((batch, model.input_size, model.input_size, 3), np.float32)
        compiled, log = _compile(model)
        if not compiled.is_fully_accelerated():
            raise ModelError(f"the GPU cannot run all of {model.id} ({model.path})")
        order = _output_order(compiled, model)
        self._adapter = adapter_name(log)
        self._compiled: Any = compiled
        self._shapes = [(batch, *output.shape) for output in model.outputs]
        with native_log():
            self._inputs, self._in_runtime_order = _buffers(compiled, model, self.input.shape)
            self._outputs = [self._in_runtime_order[index] for index in order]
            _check_shapes(self._outputs, self._shapes, model)
            self.run()  # the first run compiles what is left, and logs it
        if _SOFTWARE in self._adapter:
            logger.warning(
                "%s: the CPU's own backends are many times faster",
                self._adapter,
                extra={"code": "EH1202"},
            )

    def run(self) -> tuple[FloatArray, ...]:
        compiled = opened(self._compiled)
        try:
            self._inputs[0].write(self.input)
            compiled.run_by_index(0, self._inputs, self._in_runtime_order)
            return tuple(
                buffer.read(int(np.prod(shape)), np.float32).reshape(shape)
                for buffer, shape in zip(self._outputs, self._shapes, strict=True)
            )
        except RuntimeError as error:
            raise DeviceError(f"the GPU ({self._adapter}) failed: {_flat(error)}") from error

    def describe(self) -> Description:
        version = importlib.metadata.version(_PACKAGE)
        return Description("litert-gpu", _PACKAGE, version, self._adapter, "fp32")

    def close(self) -> None:
        if self._compiled is None:
            return
        with native_log():  # it reports every part that it frees
            for buffer in (*self._inputs, *self._in_runtime_order):
                buffer.destroy()
            self._inputs, self._outputs, self._in_runtime_order = [], [], []
            self._compiled.close()
            self._compiled = None


def missing_arm_features(cpuinfo: str) -> list[str]:
    """Return which of the needed features the text of /proc/cpuinfo lacks; [] if it lists none."""
    lines = [line.split(":", 1)[1] for line in cpuinfo.splitlines() if line.startswith("Features")]
    # Cores may differ; the library may run on any of them.
    return sorted({name for line in lines for name in _ARM_FEATURES - set(line.split())})


def adapter_name(log: list[str]) -> str:
    """Return what the runtime's log calls the adapter, and whether it is one of software."""
    for match in filter(None, map(_ADAPTER.search, log)):
        software = "CPU" in match["type"] or match["arch"].lower() in {"swiftshader", "llvmpipe"}
        name = f"{match['name']} through Vulkan"
        return f"{name}, {_SOFTWARE}" if software else name
    return "an adapter through Vulkan that the runtime does not name"


def _check_cpu() -> None:
    if platform.machine() != "aarch64":
        return
    try:
        cpuinfo = _CPUINFO.read_text(errors="replace")
    except OSError:  # hidden, as by systemd's ProcSubset=pid: the other process will find out
        return
    if missing := missing_arm_features(cpuinfo):
        raise DeviceError(
            f"litert-gpu needs an ARMv8.2 CPU, this one lacks {', '.join(missing)}: "
            "use the backend tflite"
        )


def _check_vulkan() -> None:
    try:
        ctypes.CDLL(_VULKAN_LOADER)
    except OSError as error:
        raise DeviceError(f"litert-gpu needs Vulkan ({error}): {_GET_DRIVER}") from error


def _check_runtime() -> None:
    """Look for the modules without importing them: that is for the other process to do first."""
    try:
        found = [importlib.util.find_spec(f"ai_edge_litert.{name}") for name in _MODULES]
    except ImportError as error:
        raise RuntimeMissingError(
            f"no LiteRT ({error}): run `{BACKENDS['tflite'].install}`"
        ) from error
    if not all(found):
        version = importlib.metadata.version(_PACKAGE)
        raise RuntimeMissingError(
            f"{_PACKAGE} {version} is too old for litert-gpu: run `pip install -U {_PACKAGE}`"
        )


def _compile(model: ModelFile) -> tuple[Any, list[str]]:
    """Return the compiled model and what the runtime logged meanwhile."""
    runtime, hardware, options = (
        importlib.import_module(f"ai_edge_litert.{name}") for name in _MODULES
    )
    log: list[str] = []
    try:
        with _clean_stdout(), native_log() as log:
            compiled = runtime.CompiledModel.from_buffer(
                model.data,
                options=options.Options(
                    # The GPU alone: with the CPU beside it, what the GPU cannot do would go there.
                    hardware_accelerators=hardware.HardwareAccelerator.GPU,
                    gpu_options=options.GpuOptions(enforce_f32=True),
                ),
            )
    except RuntimeError as error:
        if any("No adapters found" in line for line in log):
            raise DeviceError(f"litert-gpu finds no Vulkan driver: {_GET_DRIVER}") from error
        raise DeviceError(f"litert-gpu cannot compile {model.id}: {_flat(error)}") from error
    return compiled, log


def _output_order(compiled: Any, model: ModelFile) -> list[int]:
    """Return where the runtime has each output of the catalog."""
    (signature,) = compiled.get_signature_list().values()
    names = signature["outputs"]
    missing = [output.tensor for output in model.outputs if output.tensor not in names]
    if missing:
        raise ModelError(f"{model.id} ({model.path}) has no output {missing[0]!r}, only {names}")
    return [names.index(output.tensor) for output in model.outputs]


def _buffers(
    compiled: Any, model: ModelFile, shape: tuple[int, ...]
) -> tuple[list[Any], list[Any]]:
    """Return input and output buffers for an input of that shape."""
    try:
        if shape[0] > 1:
            compiled.resize_input_tensor(0, list(shape), strict=False)
        return compiled.create_input_buffers(0), compiled.create_output_buffers(0)
    except RuntimeError as error:
        raise ModelError(
            f"litert-gpu cannot run {model.id} with a batch of {shape[0]}: {_flat(error)}"
        ) from error


def _check_shapes(buffers: list[Any], shapes: list[tuple[int, ...]], model: ModelFile) -> None:
    for buffer, shape, output in zip(buffers, shapes, model.outputs, strict=True):
        got = tuple(buffer.get_tensor_details()["shape"])
        if got != shape:  # a RESHAPE inside keeps the batch that it was made for
            raise ModelError(
                f"litert-gpu cannot run {model.id} with a batch of {shape[0]}: "
                f"{output.name} would have the shape {got}"
            )


@contextmanager
def _clean_stdout() -> Iterator[None]:
    """Take what the runtime prints to stdout into our log: stdout is for events.

    What another thread prints meanwhile gets there a moment later.
    """
    with tempfile.TemporaryFile() as printed:
        stdout = os.dup(1)
        os.dup2(printed.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(stdout, 1)
            printed.seek(0)
            for line in printed:
                if line.startswith(b"INFO: "):
                    logger.debug("native: %s", line.decode(errors="replace").rstrip())
                else:
                    os.write(stdout, line)
            os.close(stdout)


def _flat(error: Exception) -> str:
    return " ".join(str(error).split()) or "no reason given"

"""OpenVINO: Intel CPUs, GPUs and NPUs, and other CPUs; reads the .tflite file as it is.

Arithmetic is float32 unless the option `precision=f16` asks for less: left alone, OpenVINO takes
half precision wherever the device has it, a Raspberry Pi 5's CPU included, and lands elsewhere.
"""

from __future__ import annotations

import importlib
import logging
import re
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands import folders, probe
from edgehands.errors import DeviceError, ModelError, RuntimeMissingError, UsageError
from edgehands.inference import Description, Session, opened
from edgehands.selection import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from edgehands.hand import FloatArray
    from edgehands.inference import ModelFile

logger = logging.getLogger(__name__)

_DEVICES = re.compile(r"CPU|GPU(\.\d+)?|NPU|AUTO")
_OPTIONS = ("precision",)
_TOLERANCES = {"f32": 1e-3, "f16": 3e-2}
"""Precisions, and how far outputs may be off on a GPU or NPU, as a share of their range."""
_PRECISION_NAMES = {"f32": "fp32", "f16": "fp16"}

_TELEMETRY = "openvino_telemetry"

_NEEDS = {
    "GPU": "it needs `apt install intel-opencl-icd` and the group render",
    "NPU": "it needs Intel's NPU driver and the group render",
}


def open_session(
    model: ModelFile,
    *,
    batch: int = 1,
    device: str | None = None,
    threads: int,
    options: Mapping[str, str],
) -> Session:
    """Open `model` on a device: CPU (the default), GPU, GPU.n, NPU or AUTO, in either case.

    Options:
        precision: f32 (the default) or f16, which means the device's own half precision.
    """
    name = (device or "CPU").upper()
    if not _DEVICES.fullmatch(name):
        raise UsageError(
            f"backend openvino has no device {device!r}: choose CPU, GPU, GPU.0, NPU or AUTO"
        )
    for key in options:
        if key not in _OPTIONS:
            raise UsageError(
                f"backend openvino has no option {key!r}: choose {', '.join(_OPTIONS)}"
            )
    precision = options.get("precision", "f32")
    if precision not in _TOLERANCES:
        raise UsageError(f"backend openvino got precision={precision}: say f32 or f16")
    if name == "NPU" and precision == "f32":
        raise UsageError("an NPU computes in half precision only: accept it with precision=f16")
    return OpenvinoSession(model, batch, name, threads, precision)


class OpenvinoSession(Session):
    """One infer request; input and outputs lie in arrays that it shares with us."""

    def __init__(
        self, model: ModelFile, batch: int, device: str, threads: int, precision: str
    ) -> None:
        runtime = _load_runtime()
        core = runtime.Core()
        _check_device(core, device)
        if device.startswith(("GPU", "NPU")):  # a driver's compiler can take the process with it
            probe.ensure(
                "openvino",
                model,
                batch=batch,
                device=device,
                threads=threads,
                options={"precision": precision},
                tolerance=_TOLERANCES[precision],
            )
        self._version = runtime.__version__.partition("-")[0]
        network = _read(core, model)
        ports = _output_ports(network, model, batch)
        try:
            compiled = core.compile_model(network, device, _properties(device, threads, precision))
            request = compiled.create_infer_request()
        except RuntimeError as error:
            raise DeviceError(
                f"openvino cannot run {model.id} on {device}: {_reason(error)}"
            ) from error
        self.input = np.zeros((batch, model.input_size, model.input_size, 3), np.float32)
        self._outputs = tuple(
            np.zeros((batch, *output.shape), np.float32) for output in model.outputs
        )
        request.set_input_tensor(runtime.Tensor(self.input, shared_memory=True))
        for port, output in zip(ports, self._outputs, strict=True):
            request.set_tensor(port, runtime.Tensor(output, shared_memory=True))
        self._device = device
        self._core = core
        self._compiled: Any = compiled
        self._request: Any = request

    def run(self) -> tuple[FloatArray, ...]:
        request = opened(self._request)
        try:
            request.infer()
        except RuntimeError as error:
            raise DeviceError(f"openvino failed on {self._device}: {_reason(error)}") from error
        return self._outputs

    def describe(self) -> Description:
        compiled = opened(self._compiled)
        # AUTO chooses, and only the answer to this tells what.
        devices = [name.strip("()") for name in compiled.get_property("EXECUTION_DEVICES")]
        names = [f"{name}: {self._core.get_property(name, 'FULL_DEVICE_NAME')}" for name in devices]
        if devices == ["CPU"]:
            names.append(f"{_property(compiled, 'CPU', 'INFERENCE_NUM_THREADS')} threads")
        # f16 asked of an x86 CPU may become bfloat16.
        precision = _property(compiled, devices[0], "INFERENCE_PRECISION_HINT").get_type_name()
        return Description(
            "openvino",
            "OpenVINO",
            self._version,
            ", ".join(names),
            _PRECISION_NAMES.get(precision, precision),
        )

    def close(self) -> None:
        self._request = None
        self._compiled = None


def _load_runtime() -> ModuleType:
    try:
        with _no_telemetry():
            return importlib.import_module("openvino")
    except ImportError as error:
        raise RuntimeMissingError(
            f"no OpenVINO ({error}): run `{BACKENDS['openvino'].install}`"
        ) from error


@contextmanager
def _no_telemetry() -> Iterator[None]:
    """Let openvino's import find no openvino_telemetry, and take its own stub in its place.

    The real one reports that import to a server, and writes an identity into the home folder,
    without a question. What this program itself has imported, or imports later, is left alone.
    """
    absent = _TELEMETRY not in sys.modules
    if absent:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if absent:
            sys.modules.pop(_TELEMETRY, None)


def _check_device(core: Any, device: str) -> None:
    available = core.available_devices
    # A lone GPU is listed as GPU and also answers to GPU.0; of several, GPU means the first.
    kinds = {device, device.removesuffix(".0"), f"{device}.0"}
    if device == "AUTO" or kinds & set(available):
        return
    need = _NEEDS.get(device.partition(".")[0])
    raise DeviceError(
        f"openvino finds no {device} here, only {', '.join(available) or 'nothing'}"
        + (f": {need}" if need else "")
    )


def _read(core: Any, model: ModelFile) -> Any:
    # This frontend reads from a path only, and tells a format by its suffix. The file is made from
    # the verified bytes, for our eyes only, so that nobody can change it in between.
    with tempfile.NamedTemporaryFile(prefix="edgehands-", suffix=".tflite") as file:
        file.write(model.data)
        file.flush()
        try:
            return core.read_model(file.name)
        except RuntimeError as error:
            raise ModelError(
                f"openvino cannot read {model.id} ({model.path}): "
                f"{_reason(error).replace(file.name, model.path)}"
            ) from error


def _output_ports(network: Any, model: ModelFile, batch: int) -> list[Any]:
    """Return the outputs in catalog order, after fixing the batch."""
    by_name = {name: port for port in network.outputs for name in port.get_names()}
    missing = [output.tensor for output in model.outputs if output.tensor not in by_name]
    if missing:
        raise ModelError(
            f"{model.id} ({model.path}) has no output {missing[0]!r}, only {sorted(by_name)}"
        )
    if batch > 1:
        try:
            network.reshape([batch, model.input_size, model.input_size, 3])
        except RuntimeError as error:
            raise ModelError(
                f"openvino cannot run {model.id} with a batch of {batch}: {_reason(error)}"
            ) from error
    ports = [by_name[output.tensor] for output in model.outputs]
    for port, output in zip(ports, model.outputs, strict=True):
        shape = tuple(port.partial_shape.get_shape())
        if shape != (batch, *output.shape):  # a RESHAPE inside keeps the batch that it was made for
            raise ModelError(
                f"openvino cannot run {model.id} with a batch of {batch}: "
                f"{output.name} would have the shape {shape}"
            )
    return ports


def _properties(device: str, threads: int, precision: str) -> dict[str, Any]:
    cpu = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": "1"}
    whole: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    if device == "CPU":
        return {**whole, **cpu}
    if device == "AUTO":
        # Unless told otherwise it starts on the CPU and moves later, or moves there after an error.
        fallbacks = {"ENABLE_STARTUP_FALLBACK": False, "ENABLE_RUNTIME_FALLBACK": False}
        return {**whole, **fallbacks, "DEVICE_PROPERTIES": {"CPU": cpu}}
    whole["NUM_STREAMS"] = "1"
    if cache := folders.cache():
        whole["CACHE_DIR"] = str(cache / "openvino")  # the first compile takes seconds there
    return whole


def _property(compiled: Any, device: str, name: str) -> Any:
    """Return what a compiled model really uses."""
    try:
        return compiled.get_property(name)
    except RuntimeError:  # AUTO keeps it among each device's own
        return compiled.get_property("DEVICE_PROPERTIES")[device][name]


def _reason(error: Exception) -> str:
    """Return the line of an OpenVINO exception that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [
        line for line in lines if not line.startswith(("Exception from", "Check '", "FrontEnd"))
    ]
    return (said or lines or ["no reason given"])[0]

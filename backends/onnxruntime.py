"""ONNX Runtime: the CPU, or whatever execution provider the installed build has.

The device is a provider's name, long or short: cpu, cuda, tensorrt, openvino … A named one is
really used or this is an error: ONNX Runtime itself drops a provider that does not load and runs on
the CPU, in silence. Input and outputs are bound once, so a run allocates nothing here.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands import folders
from edgehands.errors import (
    DeviceError,
    ModelError,
    RuntimeMissingError,
    UsageError,
    did_you_mean,
)
from edgehands.inference import Description, Session, opened
from edgehands.selection import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from edgehands.hand import FloatArray
    from edgehands.inference import ModelFile

SPINNING = "spinning"
"""Option, yes or no: whether idle threads wait for the next frame in a busy loop. Slightly faster
at best, and it keeps cores busy between frames: no by default."""

PROVIDER_PREFIX = "provider."
"""Before an option of the execution provider itself: provider.device_id=1."""

_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"
_TENSORRT = "TensorrtExecutionProvider"
_SUFFIX = "ExecutionProvider"

_NO_TELEMETRY = "ORT_DISABLE_TELEMETRY"
_FATAL = 4
"""Severity below which ONNX Runtime says nothing: what matters comes as an exception."""


def open_session(
    model: ModelFile,
    *,
    batch: int = 1,
    device: str | None = None,
    threads: int,
    options: Mapping[str, str],
) -> Session:
    """Open `model`, an .onnx file, on the CPU or on the execution provider called `device`.

    Options:
        spinning: "yes" lets idle threads wait in a busy loop.
        provider.NAME: handed to the execution provider as NAME.
    """
    provider_options = _provider_options(options)
    runtime = _load_runtime()
    provider = _find_provider(runtime, device or "cpu")
    spinning = options.get(SPINNING) == "yes"
    return OnnxruntimeSession(
        runtime, model, batch, threads, provider, provider_options, spinning=spinning
    )


class OnnxruntimeSession(Session):
    """One InferenceSession with its arrays bound."""

    def __init__(
        self,
        runtime: ModuleType,
        model: ModelFile,
        batch: int,
        threads: int,
        provider: str,
        provider_options: Mapping[str, str],
        *,
        spinning: bool = False,
    ) -> None:
        self._version: str = runtime.__version__
        self._threads = threads
        half = provider_options.get("trt_fp16_enable", "0").lower()
        self._precision = "fp16" if half in {"1", "true"} else "fp32"
        session = _open(
            runtime,
            model,
            _session_options(runtime, batch, threads, spinning=spinning),
            _providers(runtime, provider, provider_options),
        )
        self._used = _check_provider(runtime, session, provider)
        _check_outputs(session, model)
        self.input = np.zeros((batch, model.input_size, model.input_size, 3), np.float32)
        self._outputs = tuple(
            np.zeros((batch, *output.shape), np.float32) for output in model.outputs
        )
        self._binding: Any = self._bind(session, model)
        self._session: Any = session
        try:
            # What cannot run fails here, and a GPU compiles here, not at a frame.
            session.run_with_iobinding(self._binding)
        except _failures() as error:
            self.close()
            raise _unusable(model, provider, error) from error

    def run(self) -> tuple[FloatArray, ...]:
        session = opened(self._session)
        try:
            session.run_with_iobinding(self._binding)
        except _failures() as error:
            raise DeviceError(
                f"onnxruntime failed on {_named(self._used)}: {_one_line(error)}"
            ) from error
        return self._outputs

    def describe(self) -> Description:
        device = _named(self._used)
        if self._used == {_CPU}:
            device = f"CPU, {self._threads} threads"
        return Description("onnxruntime", "onnxruntime", self._version, device, self._precision)

    def close(self) -> None:
        self._binding = None  # it points into the session, and goes first
        self._session = None

    def _bind(self, session: Any, model: ModelFile) -> Any:
        binding = session.io_binding()
        name = session.get_inputs()[0].name
        binding.bind_input(name, "cpu", 0, np.float32, self.input.shape, self.input.ctypes.data)
        for spec, array in zip(model.outputs, self._outputs, strict=True):
            binding.bind_output(spec.tensor, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        return binding


def _load_runtime() -> ModuleType:
    # Its telemetry, in the wheels for Linux too, starts with the import and writes an identity of
    # this device into the cache folder; the call below comes too late for that, and ends the rest.
    os.environ[_NO_TELEMETRY] = "1"
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise RuntimeMissingError(
            f"onnxruntime does not load ({error}): run `{BACKENDS['onnxruntime'].install}`"
        ) from error
    # The session's own severity does not reach the search for devices.
    runtime.set_default_logger_severity(_FATAL)
    runtime.disable_telemetry_events()
    return runtime


def _provider_options(options: Mapping[str, str]) -> dict[str, str]:
    """Return the provider's own options, after a look at all."""
    for key, value in options.items():
        if key == SPINNING:
            if value not in {"yes", "no"}:
                raise UsageError(f"backend onnxruntime got {key}={value}: say yes or no")
        elif not key.startswith(PROVIDER_PREFIX):
            raise UsageError(
                f"backend onnxruntime has no option {key!r}: choose {SPINNING}, "
                f"or {PROVIDER_PREFIX}NAME for an option of the execution provider"
            )
    return {
        key.removeprefix(PROVIDER_PREFIX): value
        for key, value in options.items()
        if key.startswith(PROVIDER_PREFIX)
    }


def _find_provider(runtime: ModuleType, device: str) -> str:
    """Return the long name of the provider that `device` names."""
    wanted = device.lower()
    known: list[str] = runtime.get_all_providers()
    for provider in known:
        if wanted in {provider.lower(), _short(provider)}:
            break
    else:
        names = [_short(each) for each in known]
        raise UsageError(
            f"backend onnxruntime has no device {device!r}: {did_you_mean(wanted, names)}"
            f"this build has {_available(runtime)}"
        )
    if provider not in runtime.get_available_providers():
        raise DeviceError(
            f"this build of onnxruntime {runtime.__version__} has no {_short(provider)}, only "
            f"{_available(runtime)}: {_advice(provider)}"
        )
    return provider


def _advice(provider: str) -> str:
    if provider in {_CUDA, _TENSORRT}:
        return (
            "install onnxruntime-gpu in its place (on a Jetson, NVIDIA's wheel for its JetPack), "
            "or leave the device out"
        )
    return f"install a build with {provider} in its place, or leave the device out"


def _available(runtime: ModuleType) -> str:
    # Azure's is in every build and runs nothing here: it calls a server.
    names = map(_short, runtime.get_available_providers())
    return ", ".join(sorted(set(names) - {"azure"}))


def _named(providers: Iterable[str]) -> str:
    return " and ".join(sorted(map(_short, providers), key=lambda name: (name == "cpu", name)))


def _short(provider: str) -> str:
    return provider.removesuffix(_SUFFIX).lower()


def _session_options(runtime: ModuleType, batch: int, threads: int, *, spinning: bool) -> Any:
    settings = runtime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    settings.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    settings.log_severity_level = _FATAL
    settings.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    settings.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    # With every shape known, memory is planned once and TensorRT builds one engine.
    settings.add_free_dimension_override_by_name("batch", batch)
    return settings


def _providers(
    runtime: ModuleType, provider: str, options: Mapping[str, str]
) -> list[tuple[str, dict[str, str]]]:
    """Return the provider with its options, and those that take what it cannot run."""
    chain = [provider]
    if provider == _TENSORRT and _CUDA in runtime.get_available_providers():
        chain.append(_CUDA)
    if provider != _CPU:
        chain.append(_CPU)
    return [(name, {**_defaults(name), **(options if name == provider else {})}) for name in chain]


def _defaults(provider: str) -> dict[str, str]:
    if provider == _CUDA:
        return {"use_tf32": "0"}  # with it, convolutions keep 10 bits of each product's factors
    if provider == _TENSORRT and (cache := _engine_cache()):
        # Building an engine takes from seconds to minutes; this is done once.
        return {
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": cache,
            "trt_timing_cache_enable": "1",
            "trt_timing_cache_path": cache,
        }
    return {}


def _engine_cache() -> str | None:
    """Return a folder for TensorRT's engines, None where there is no place for one."""
    cache = folders.cache()
    if cache is None:
        return None
    try:
        (cache / "tensorrt").mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return str(cache / "tensorrt")


def _open(
    runtime: ModuleType,
    model: ModelFile,
    settings: Any,
    providers: list[tuple[str, dict[str, str]]],
) -> Any:
    try:
        return runtime.InferenceSession(
            model.data,
            sess_options=settings,
            providers=[name for name, _ in providers],
            provider_options=[options for _, options in providers],
            enable_fallback=0,  # it would print, and run on another device
        )
    except _failures() as error:
        raise _unusable(model, providers[0][0], error) from error


def _failures() -> tuple[type[Exception], ...]:
    """Return what ONNX Runtime raises: classes of its own, without one above them all."""
    native = vars(importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state"))
    own = [
        each for each in native.values() if isinstance(each, type) and issubclass(each, Exception)
    ]
    return (*own, RuntimeError, ValueError)


def _unusable(model: ModelFile, provider: str, error: Exception) -> DeviceError | ModelError:
    """Return our error for theirs: on the CPU it is the model's fault, else the device's."""
    reason = _one_line(error)
    if provider == _CPU:
        return ModelError(f"onnxruntime cannot run {model.id} ({model.path}): {reason}")
    return DeviceError(f"{_short(provider)} of onnxruntime cannot run {model.id}: {reason}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _check_provider(runtime: ModuleType, session: Any, provider: str) -> set[str]:
    """Return the providers that run a part of the model, `provider` among them.

    An older version only tells which ones it has loaded.

    Raises:
        DeviceError: `provider` is not used.
    """
    used = set(session.get_providers()[:1])
    if hasattr(session, "get_provider_graph_assignment_info"):
        used = {part.ep_name for part in session.get_provider_graph_assignment_info()}
    if provider not in used:
        raise DeviceError(
            f"onnxruntime {runtime.__version__} runs on {_named(used)}, not on {_short(provider)}: "
            f"its driver or libraries do not load here; this build has {_available(runtime)}"
        )
    return used


def _check_outputs(session: Any, model: ModelFile) -> None:
    names = [output.name for output in session.get_outputs()]
    missing = [output.tensor for output in model.outputs if output.tensor not in names]
    if missing:
        raise ModelError(
            f"{model.id} ({model.path}) has no output {missing[0]!r}, only {sorted(names)}"
        )

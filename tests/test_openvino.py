"""OpenVINO: devices, precision, shared memory, and the same hands as tflite."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest

from edgehands import probe
from edgehands.backends import openvino
from edgehands.errors import DeviceError, ModelError, RuntimeMissingError, UsageError
from edgehands.inference import ModelFile
from edgehands.models import store
from edgehands.models.catalog import shipped_catalog
from edgehands.probe import answers, differences, sample_inputs
from edgehands.selection import open_session

if TYPE_CHECKING:
    from pathlib import Path


MODELS = [model.id for model in shipped_catalog().models]
FAKE = ModelFile("light", "landmarks", b"", "0" * 64, "/nowhere/light.tflite", 224, ())


@pytest.fixture
def runtime() -> None:
    pytest.importorskip("openvino")


needs_runtime = pytest.mark.usefixtures("runtime", "models")


@needs_runtime
@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_within_a_hundred_thousandth_of_tflites_range(name: str) -> None:
    model = store.load(name)
    inputs = sample_inputs(model)
    shares = differences(answers("openvino", model, inputs), answers("tflite", model, inputs))
    assert max(shares) < 1e-5


@needs_runtime
def test_a_session_tells_device_threads_and_precision() -> None:
    with open_session("openvino", store.load("light"), threads=1) as session:
        described = session.describe()
    assert described.device.startswith("CPU: ")
    assert described.device.endswith(", 1 threads")
    assert described.precision == "fp32"


@needs_runtime
def test_half_precision_is_told_as_what_it_became() -> None:
    light = store.load("light")
    inputs = sample_inputs(light)
    with open_session("openvino", light, options={"precision": "f16"}) as session:
        precision = session.describe().precision
        session.input[:] = inputs[0]
        half = [tuple(output.copy() for output in session.run())]
    (share, *_) = differences(half, answers("openvino", light, inputs[:1]))
    assert precision in {"fp16", "bf16", "fp32"}
    assert (share > 1e-4) == (precision != "fp32")


@needs_runtime
def test_auto_tells_what_it_chose_and_keeps_to_f32() -> None:
    with open_session("openvino", store.load("light"), device="auto") as session:
        assert ": " in session.describe().device
        assert session.describe().precision == "fp32"


@needs_runtime
def test_input_and_outputs_are_the_same_memory_in_every_run() -> None:
    with open_session("openvino", store.load("light")) as session:
        session.input[:] = 0.25
        first = session.run()
        before = first[0].copy()
        session.input[:] = 0.75
        second = session.run()
        assert all(one is other for one, other in zip(first, second, strict=True))
        assert not np.array_equal(before, first[0])


@needs_runtime
def test_a_batch_runs_or_is_a_model_error() -> None:
    light = store.load("light")
    noise, ramp = sample_inputs(light)
    single = answers("tflite", light, [noise, ramp])
    with open_session("openvino", light, batch=2) as session:
        session.input[:] = np.concatenate([noise, ramp])
        outputs = session.run()
    for index in range(2):
        got = [tuple(output[index : index + 1] for output in outputs)]
        assert max(differences(got, [single[index]])) < 1e-4
    with pytest.raises(ModelError, match="batch of 2: boxes would have the shape"):
        open_session("openvino", store.load("palm-lite"), batch=2)


@needs_runtime
@pytest.mark.parametrize("data", [b"", b"no model at all", b"\x1c\0\0\0TFL3" + b"\0" * 100])
def test_bytes_that_are_no_model_are_a_model_error(data: bytes) -> None:
    with pytest.raises(
        ModelError, match=r"cannot read light \(/nowhere/light\.tflite\): "
    ) as caught:
        open_session("openvino", replace(FAKE, data=data))
    assert "\n" not in str(caught.value)
    assert "edgehands-" not in str(caught.value)  # the working file's name helps nobody


@needs_runtime
def test_a_model_without_the_catalogs_outputs_is_a_model_error() -> None:
    light, palm = store.load("light"), store.load("palm-lite")
    with pytest.raises(ModelError, match="has no output 'Identity_2'"):
        open_session("openvino", replace(light, data=palm.data))


@needs_runtime
def test_the_file_that_it_reads_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with open_session("openvino", store.load("light")):
        assert not list(tmp_path.iterdir())


@needs_runtime
@pytest.mark.parametrize("device", ["GPU.77", "gpu.77"])
def test_a_device_that_is_not_here_is_a_device_error(device: str) -> None:
    with pytest.raises(DeviceError, match=r"finds no GPU\.77 here, only CPU.* the group render"):
        open_session("openvino", FAKE, device=device)


@pytest.mark.parametrize("device", ["TPU", "GPU.x", "CPU.0", "HETERO:GPU,CPU", "gpu "])
def test_a_device_that_cannot_be_is_named(device: str) -> None:
    with pytest.raises(UsageError, match=f"no device {device!r}: choose CPU, GPU, GPU.0, NPU"):
        open_session("openvino", FAKE, device=device)


def test_a_precision_is_f32_or_f16() -> None:
    with pytest.raises(UsageError, match="precision=int8: say f32 or f16"):
        open_session("openvino", FAKE, options={"precision": "int8"})
    with pytest.raises(UsageError, match="an NPU computes in half precision only"):
        open_session("openvino", FAKE, device="NPU")


class Core:
    """An OpenVINO that has a GPU, and fails to compile for it."""

    available_devices = ("CPU", "GPU.0", "GPU.1")


@pytest.mark.parametrize("device", ["GPU", "GPU.1"])
def test_a_gpu_is_tried_in_another_process_first(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Runtime:
        Core = Core

    def died(backend: str, *_: object, device: str, **__: object) -> NoReturn:
        raise DeviceError(f"{backend} {device} died")

    monkeypatch.setattr(openvino, "_load_runtime", lambda: Runtime)
    monkeypatch.setattr(probe, "ensure", died)
    with pytest.raises(DeviceError, match=f"openvino {device} died"):
        open_session("openvino", FAKE, device=device)


def test_what_is_asked_of_each_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cpu = openvino._properties("CPU", 3, "f32")
    assert cpu == {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": 3,
        "NUM_STREAMS": "1",
    }
    for device in ("GPU.1", "NPU"):
        asked = openvino._properties(device, 3, "f16")
        assert asked["CACHE_DIR"] == str(tmp_path / "edgehands" / "openvino")
        assert asked["INFERENCE_PRECISION_HINT"] == "f16"
        assert "INFERENCE_NUM_THREADS" not in asked
    auto = openvino._properties("AUTO", 3, "f32")
    assert auto["ENABLE_STARTUP_FALLBACK"] is auto["ENABLE_RUNTIME_FALLBACK"] is False
    assert "CACHE_DIR" not in {**cpu, **auto}


def test_without_openvino_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(RuntimeMissingError, match="run `pip install openvino`"):
        open_session("openvino", FAKE)

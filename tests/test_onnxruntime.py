"""The onnxruntime backend's own doors: options, devices, buffers, silence."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgehands.errors import DeviceError, ModelError, RuntimeMissingError, UsageError
from edgehands.models import store
from edgehands.models.derived import build
from edgehands.selection import load_backend, open_session

if TYPE_CHECKING:
    from edgehands.inference import ModelFile, Session

runtime: Any = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture(scope="module")
def light(models: None) -> ModelFile:  # noqa: ARG001
    return build(store.load("light"), "onnx").file


def opened(model: ModelFile, **options: Any) -> Session:
    return open_session("onnxruntime", model, **options)


def test_a_run_reuses_its_arrays(light: ModelFile) -> None:
    with opened(light, batch=2) as session:
        first, second = session.run(), session.run()
        assert all(one is two for one, two in zip(first, second, strict=True))
        before = first[0].copy()
        session.input[1] = 0.5
        session.run()
    assert np.array_equal(first[0][0], before[0])
    assert not np.array_equal(first[0][1], before[1])


@pytest.mark.parametrize("device", [None, "cpu", "CPU", "CPUExecutionProvider"])
def test_the_cpu_has_a_short_and_a_long_name(light: ModelFile, device: str | None) -> None:
    with opened(light, device=device, threads=2) as session:
        described = session.describe()
    assert described.device == "CPU, 2 threads"
    assert described.version == runtime.__version__
    assert described.precision == "fp32"


def test_a_device_that_does_not_exist_gets_a_suggestion(light: ModelFile) -> None:
    with pytest.raises(UsageError, match="no device 'cudo': did you mean 'cuda'"):
        opened(light, device="cudo")


@pytest.mark.parametrize("device", ["tensorrt", "openvino"])
def test_a_device_that_this_build_lacks_is_an_error(light: ModelFile, device: str) -> None:
    providers = [each.lower() for each in runtime.get_available_providers()]
    if f"{device}executionprovider" in providers:
        pytest.skip(f"this build has {device}")
    with pytest.raises(DeviceError, match=r"this build .*has no .*only cpu"):
        opened(light, device=device)


def test_what_to_do_for_a_gpu_is_said(light: ModelFile) -> None:
    if "CUDAExecutionProvider" in runtime.get_available_providers():
        pytest.skip("this build has cuda")
    with pytest.raises(DeviceError, match="has no cuda, only cpu: install onnxruntime-gpu"):
        opened(light, device="cuda")


def test_a_device_that_is_dropped_in_silence_is_an_error(
    light: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(runtime, "get_available_providers", lambda: listed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the real runtime knows better than our lie
        with pytest.raises(DeviceError, match=r"runs on cpu, not on cuda: .* has cpu, cuda"):
            opened(light, device="cuda")


def test_tensorrt_keeps_its_engines_and_falls_back_on_cuda_alone(
    light: ModelFile, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    listed = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    asked: dict[str, Any] = {}

    def session(*_: object, **arguments: Any) -> None:
        asked.update(arguments)
        raise RuntimeError("no GPU in this test")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(runtime, "get_available_providers", lambda: listed)
    monkeypatch.setattr(runtime, "InferenceSession", session)
    with pytest.raises(DeviceError, match="tensorrt of onnxruntime cannot run light: no GPU"):
        opened(light, device="tensorrt", options={"provider.device_id": "1"})
    assert asked["providers"] == listed
    assert asked["enable_fallback"] == 0
    engine, cuda, cpu = asked["provider_options"]
    assert engine["trt_engine_cache_path"] == str(tmp_path / "edgehands" / "tensorrt")
    assert (tmp_path / "edgehands" / "tensorrt").is_dir()
    assert engine["device_id"] == "1"
    assert "device_id" not in cuda
    assert cpu == {}


def test_idle_threads_do_not_spin_unless_asked(
    light: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries: list[tuple[str, str]] = []

    class Options(runtime.SessionOptions):  # type: ignore[misc]
        def add_session_config_entry(self, key: str, value: str) -> None:
            entries.append((key, value))
            super().add_session_config_entry(key, value)

    monkeypatch.setattr(runtime, "SessionOptions", Options)
    opened(light).close()
    opened(light, options={"spinning": "yes"}).close()
    key = "session.intra_op.allow_spinning"
    assert [value for name, value in entries if name == key] == ["0", "1"]


def test_spinning_is_yes_or_no(light: ModelFile) -> None:
    with pytest.raises(UsageError, match="spinning=1: say yes or no"):
        opened(light, options={"spinning": "1"})


@pytest.mark.parametrize("data", [b"", b"no model at all" * 9])
def test_bytes_that_are_no_model_are_a_model_error(light: ModelFile, data: bytes) -> None:
    with pytest.raises(ModelError, match=r"onnxruntime cannot run light \(.*\): ") as caught:
        opened(replace(light, data=data))
    assert "\n" not in str(caught.value)


def test_a_model_of_another_shape_is_a_model_error(light: ModelFile) -> None:
    with pytest.raises(ModelError, match="onnxruntime cannot run light"):
        opened(replace(light, input_size=192))


def test_a_model_without_the_catalogs_outputs_is_a_model_error(light: ModelFile) -> None:
    palm = build(store.load("palm-lite"), "onnx").file
    with pytest.raises(ModelError, match="has no output 'Identity_2', only"):
        opened(replace(light, data=palm.data))


def test_a_missing_runtime_names_its_command(
    light: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(RuntimeMissingError, match="run `pip install onnxruntime onnx`"):
        opened(light)


def test_the_module_is_imported_without_its_runtime() -> None:
    load_backend("onnxruntime")
    code = "import sys, edgehands.backends.onnxruntime; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_native_code_writes_nothing_to_stderr(light: ModelFile, tmp_path: Any) -> None:
    onnx: Any = pytest.importorskip("onnx")
    model = onnx.load_from_string(light.data)
    unused = onnx.numpy_helper.from_array(np.zeros(3, np.float32), "unused")
    model.graph.initializer.append(unused)  # of which ONNX Runtime warns
    path = tmp_path / "light.onnx"
    path.write_bytes(model.SerializeToString())
    code = (
        "import sys\n"
        "from dataclasses import replace\n"
        "from pathlib import Path\n"
        "from edgehands.errors import ModelError\n"
        "from edgehands.selection import open_session\n"
        "from edgehands.models import store\n"
        "data = Path(sys.argv[1]).read_bytes()\n"
        "light = replace(store.load('light'), data=data, format='onnx')\n"
        "open_session('onnxruntime', light).run()\n"
        "for wrong in ({'data': data[:-999]}, {'input_size': 192}):\n"
        "    try: open_session('onnxruntime', replace(light, **wrong))\n"
        "    except ModelError: print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("refused\nrefused\n", "")

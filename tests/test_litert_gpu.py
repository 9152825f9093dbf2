"""LiteRT on a GPU: what is looked at before, and, with the marker `gpu`, the same numbers."""

from __future__ import annotations

import ctypes
import json
import platform
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest

from edgehands import probe
from edgehands.backends import litert_gpu
from edgehands.errors import DeviceError, ModelError, RuntimeMissingError, UsageError
from edgehands.inference import ModelFile
from edgehands.models import store
from edgehands.models.catalog import shipped_catalog
from edgehands.probe import answers, differences, sample_inputs
from edgehands.selection import AUTO_ORDER, open_session

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.hand import FloatArray

MODELS = [model.id for model in shipped_catalog().models]
FAKE = ModelFile("light", "landmarks", b"", "0" * 64, "/nowhere/light.tflite", 224, ())

PI_4 = "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\n"
WITHOUT = ["aes", "asimddp", "asimdhp", "asimdrdm", "atomics", "fphp", "lrcpc", "sha2"]
PI_5 = (
    "processor\t: 0\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp "
    "cpuid asimdrdm lrcpc dcpop asimddp\n"
)


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("models")
def test_the_default_path_never_maps_the_gpu_library() -> None:
    done = run(
        "import json, sys\n"
        "from edgehands import HandTracker\n"
        "import numpy as np\n"
        "with HandTracker() as tracker:\n"
        "    tracker.update(np.zeros((480, 640, 3), np.uint8), 0.0)\n"
        "    maps = open('/proc/self/maps').read()\n"
        "print(json.dumps([maps, sorted(sys.modules)]))\n"
    )
    assert done.returncode == 0, done.stderr
    maps, modules = json.loads(done.stdout)
    assert "litert" in maps.lower()  # what is looked for would be seen
    assert "webgpu" not in maps.lower()
    assert "vulkan" not in maps.lower()
    assert "ai_edge_litert.interpreter" in modules
    assert not {"ai_edge_litert.compiled_model", "edgehands.backends.litert_gpu"} & set(modules)


def test_auto_never_takes_it() -> None:
    assert "litert-gpu" not in AUTO_ORDER


@pytest.mark.parametrize(
    ("cpuinfo", "missing"),
    [
        (PI_5, []),
        (PI_4, WITHOUT),
        (PI_5 + PI_4, WITHOUT),
        ("", []),
    ],
)
def test_what_an_arm_cpu_lacks(cpuinfo: str, missing: list[str]) -> None:
    assert litert_gpu.missing_arm_features(cpuinfo) == missing


def test_a_raspberry_pi_4_is_told_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(PI_4)
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(litert_gpu, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(ctypes, "CDLL", unexpected)
    with pytest.raises(
        DeviceError, match=r"ARMv8\.2 CPU, this one lacks aes, .* the backend tflite"
    ):
        open_session("litert-gpu", FAKE)


def test_a_hidden_cpuinfo_leaves_it_to_the_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(litert_gpu, "_CPUINFO", tmp_path / "none")
    monkeypatch.setattr(litert_gpu, "_check_vulkan", lambda: None)
    monkeypatch.setattr(probe, "ensure", unexpected)
    with pytest.raises(AssertionError, match="litert-gpu"):
        open_session("litert-gpu", FAKE)


def test_without_the_vulkan_loader_the_packages_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litert_gpu, "_VULKAN_LOADER", "libno_such_vulkan.so.1")
    monkeypatch.setattr(probe, "ensure", unexpected)
    with pytest.raises(DeviceError, match="apt install libvulkan1 mesa-vulkan-drivers") as caught:
        open_session("litert-gpu", FAKE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        (("no_such_module",), "too old for litert-gpu: run `pip install -U"),
        (("none.x",), "no LiteRT"),
    ],
)
def test_a_runtime_without_the_gpu_is_told(
    modules: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litert_gpu, "_check_vulkan", lambda: None)
    monkeypatch.setattr(probe, "ensure", unexpected)
    monkeypatch.setattr(litert_gpu, "_MODULES", modules)
    with pytest.raises(RuntimeMissingError, match=said):
        open_session("litert-gpu", FAKE)


def test_it_has_one_device_and_no_option() -> None:
    with pytest.raises(UsageError, match=r"no device 'GPU\.0': leave it out, or say gpu"):
        open_session("litert-gpu", FAKE, device="GPU.0")
    with pytest.raises(UsageError, match="no option 'speed': it has none"):
        open_session("litert-gpu", FAKE, options={"speed": "high"})


SELECTED = (
    "I0000 00:00:17.30 6 environment.cc:532] Selected adapter: {}, backend=Vulkan, adapterType={}"
)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (
            SELECTED.format(
                "SwiftShader Device (Subzero), arch=swiftshader, vendor=google", "CPU / Software"
            ),
            "SwiftShader Device (Subzero) through Vulkan, a software adapter, no GPU",
        ),
        (
            SELECTED.format(
                "llvmpipe (LLVM 15.0.6, 128 bits), arch=, vendor=mesa", "CPU / Software"
            ),
            "llvmpipe (LLVM 15.0.6, 128 bits) through Vulkan, a software adapter, no GPU",
        ),
        (
            SELECTED.format("V3D 7.1.7, arch=, vendor=broadcom", "Integrated GPU"),
            "V3D 7.1.7 through Vulkan",
        ),
        ("something else", "an adapter through Vulkan that the runtime does not name"),
    ],
)
def test_a_software_adapter_is_named_as_such(line: str, name: str) -> None:
    assert litert_gpu.adapter_name(["INFO: before", line, "after"]) == name


def unexpected(*args: object, **_: object) -> NoReturn:
    raise AssertionError(args)


@pytest.mark.gpu
@pytest.mark.usefixtures("models")
class TestOnVulkan:
    @pytest.mark.parametrize("name", MODELS)
    def test_outputs_are_within_a_thousandth_of_the_cpus_range(self, name: str) -> None:
        model = store.load(name)
        inputs = sample_inputs(model)
        shares = differences(answers("litert-gpu", model, inputs), answers("tflite", model, inputs))
        assert max(shares) <= 1e-3

    def test_it_tells_the_adapter(self) -> None:
        with open_session("litert-gpu", store.load("light")) as session:
            described = session.describe()
        assert described.device.endswith((" through Vulkan", "a software adapter, no GPU"))
        assert described.precision == "fp32"

    def test_a_batch_runs_or_is_a_model_error(self) -> None:
        light = store.load("light")
        inputs = [np.concatenate(sample_inputs(light))]
        shares = differences(answers("litert-gpu", light, inputs), answers("tflite", light, inputs))
        assert max(shares) <= 1e-3
        with pytest.raises(ModelError, match="batch of 2: boxes would have the shape"):
            open_session("litert-gpu", store.load("palm-lite"), batch=2)

    def test_two_sessions_run_in_two_threads(self) -> None:
        light = store.load("light")
        inputs = sample_inputs(light)
        expected = answers("tflite", light, inputs)
        found: list[list[tuple[FloatArray, ...]]] = []
        threads = [
            threading.Thread(target=lambda: found.append(answers("litert-gpu", light, inputs)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 2
        assert all(max(differences(one, expected)) <= 1e-3 for one in found)

    def test_native_code_writes_nothing_to_stdout_or_stderr(self) -> None:
        done = run(
            "from edgehands.selection import open_session\n"
            "from edgehands.models import store\n"
            "with open_session('litert-gpu', store.load('light')) as session:\n"
            "    session.run()\n"
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        # A part that the runtime keeps for good says goodbye when the process ends.
        lines = [line for line in done.stderr.splitlines() if "DestroyAccelerator" not in line]
        assert all("a software adapter" in line for line in lines)

    def test_without_a_vulkan_driver_the_error_is_one_line(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(probe, "_works", set())
        monkeypatch.setenv("VK_ICD_FILENAMES", "/nowhere/none.json")
        monkeypatch.setenv("VK_DRIVER_FILES", "/nowhere/none.json")
        with pytest.raises(
            DeviceError, match=r"finds no Vulkan driver: run `apt install"
        ) as caught:
            open_session("litert-gpu", store.load("light"))
        assert "\n" not in str(caught.value)

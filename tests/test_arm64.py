"""The wheel on an emulated Raspberry Pi 4 and 5: it starts, and finds the same landmarks.

Emulation proves "starts, right numbers, no illegal instruction". It says nothing about speed.
`make test-arm64` runs it; it needs root, and qemu-user-static and mmdebstrap from the distribution.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgehands.models import store

PROJECT = Path(__file__).parent.parent
ROOT = PROJECT / ".cache" / "arm64-bookworm"
EMULATOR = "/usr/bin/qemu-aarch64-static"
PYTHON = "3.11"  # bookworm's
GLIBC_MINORS = (17, *range(24, 37))
DEPENDENCIES = (
    *("numpy", "opencv-python-headless", "ai-edge-litert", "msgspec", "paho-mqtt", "typer"),
    *("onnxruntime", "openvino"),
)
# What the kernel says there. The emulator passes on the host's, which no ARM library can read.
BOARDS = {
    "cortex-a72": ("fp asimd evtstrm crc32 cpuid", "0xd08"),
    "cortex-a76": (
        "fp asimd aes pmull sha1 sha2 crc32 atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp",
        "0xd0b",
    ),
}

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("models")]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An aarch64 bookworm with the wheel, its dependencies and the models."""
    if os.geteuid() != 0:
        pytest.skip("chroot needs root")
    for tool in ("mmdebstrap", Path(EMULATOR).name):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}: apt install qemu-user-static mmdebstrap")
    if not (ROOT / "opt" / "site").exists():
        _make_root()
    _install_edgehands(ROOT / "opt" / "site", tmp_path_factory.mktemp("wheel"))
    models = ROOT / "models"
    shutil.rmtree(models, ignore_errors=True)
    models.mkdir()
    for model in ("light", "palm-lite"):
        shutil.copy(store.find(model), models)
        command = ["models", "build", "onnx", "--model", model, "--out", str(models / "derived")]
        run([sys.executable, "-m", "edgehands", *command])
    return ROOT


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frame of the demo clip with one open hand."""
    import cv2

    from edgehands import open_camera
    from edgehands.synthetic import DEMO_CLIP

    path = tmp_path_factory.mktemp("picture") / "hand.png"
    with open_camera(str(DEMO_CLIP)) as camera:
        frame = next(frame for number, frame in enumerate(camera) if number == 40)
    cv2.imwrite(str(path), cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
    return path


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("backend", ["tflite", "onnxruntime", "openvino"])
def test_an_emulated_pi_finds_the_same_landmarks(
    root: Path, picture: Path, tmp_path: Path, board: str, backend: str
) -> None:
    command = ["run", "--static", "--model", "light", "--backend", backend, "--threads", "2"]
    shutil.copy(picture, root / "tmp" / "hand.png")
    out = root / "tmp" / f"{board}-{backend}.jsonl"
    out.unlink(missing_ok=True)
    inside = [*command, "--source", "/tmp/hand.png", "--landmarks", f"/tmp/{out.name}"]
    answer = emulated(root, board, ["-m", "edgehands", *inside])
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"on {backend}" in answer.stderr
    if backend == "tflite":
        assert ", XNNPACK" in answer.stderr
    here = tmp_path / "here.jsonl"
    run([sys.executable, "-m", "edgehands", *command[:4], "--backend", "tflite",
         "--source", str(picture), "--landmarks", str(here)])  # fmt: skip
    assert np.abs(landmarks(out) - landmarks(here)).max() < 0.5  # pixels


def emulated(root: Path, board: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the root's Python as on that board, in a mount namespace that goes with the process."""
    features, part = BOARDS[board]
    core = f"Features\t: {features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
    core += f"CPU variant\t: 0x0\nCPU part\t: {part}\nCPU revision\t: 3\n"
    cpuinfo = root / "tmp" / f"cpuinfo-{board}"
    cpuinfo.write_text("".join(f"processor\t: {n}\nBogoMIPS\t: 108.00\n{core}\n" for n in (0, 1)))
    script = (
        f'mount -t proc proc "{root}/proc" && mount --bind "{cpuinfo}" "{root}/proc/cpuinfo" && '
        f'mount --bind /sys "{root}/sys" && '
        f'exec chroot "{root}" {EMULATOR} -cpu {board} /usr/bin/python3 "$@"'
    )
    environment = {"PYTHONPATH": "/opt/site", "EDGEHANDS_MODELS": "/models", "HOME": "/tmp"}
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", *arguments],
        capture_output=True, text=True, timeout=600, check=False,
        env={"PATH": os.environ["PATH"], **environment},
    )  # fmt: skip


def landmarks(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """[hands, 21, 2] pixels of the first frame."""
    (line,) = path.read_text().splitlines()
    points = np.array([hand["landmarks"] for hand in json.loads(line)["hands"]])
    assert len(points) == 1
    return points[..., :2]


def _make_root() -> None:
    shutil.rmtree(ROOT, ignore_errors=True)
    ROOT.parent.mkdir(parents=True, exist_ok=True)
    packages = "python3,libstdc++6,libgomp1"
    run(["mmdebstrap", "--quiet", "--variant=extract", "--architecture=arm64",
         f"--include={packages}", "bookworm", str(ROOT)])  # fmt: skip
    for folder in ("proc", "sys", "tmp", "opt"):
        (ROOT / folder).mkdir(exist_ok=True)
    shutil.copy(EMULATOR, ROOT / EMULATOR.lstrip("/"))
    platforms = [f"--platform=manylinux_2_{minor}_aarch64" for minor in GLIBC_MINORS]
    new = ROOT / "opt" / "site.new"
    run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(new), *platforms,
         "--platform=manylinux2014_aarch64", f"--python-version={PYTHON}",
         "--only-binary=:all:", *DEPENDENCIES])  # fmt: skip
    new.rename(ROOT / "opt" / "site")


def _install_edgehands(site: Path, folder: Path) -> None:
    run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(folder), str(PROJECT)])  # fmt: skip
    for old in site.glob("edgehands*"):
        shutil.rmtree(old)
    (wheel,) = folder.glob("*.whl")
    shutil.unpack_archive(wheel, site, "zip")


def run(command: list[str]) -> None:
    """Run a command on this machine; it must succeed."""
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr

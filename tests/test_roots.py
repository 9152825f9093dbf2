"""The README's way to install EdgeHands, word for word, in fresh Debian roots without a network.

x86-64 bookworm and trixie, and both on an emulated Raspberry Pi 4 and 5. Emulation proves "starts,
right events, no illegal instruction"; it says nothing about speed. `make test-roots` runs it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

from edgehands.models import store
from tests.roots import PROJECT, Root, lock_of, open_root

if TYPE_CHECKING:
    from pathlib import Path

HEADING = "**On Debian and Raspberry Pi OS**"
MODELS = ("light", "full", "palm-lite", "palm-full")
EXTRAS = ("metrics", "onnxruntime", "openvino", "web")
MARK = "edgehands-test-step"

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("models")]


def recipe() -> list[str]:
    """The lines below the README's heading."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8").partition(HEADING)[2]
    block = re.search(r"```\n(.*?)```", text, re.DOTALL)
    assert block
    return block[1].splitlines()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it is released."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "tools.wheel", str(out)], cwd=PROJECT, check=True)
    (made,) = out.glob("*.whl")
    return made


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_the_readme_installs_it_and_the_demo_sees_hands(
    release: str, machine: str, wheel: Path, tmp_path: Path
) -> None:
    apt, *lines = recipe()
    packages = apt.removeprefix("sudo apt install ").split()
    root = open_root(release, machine, tmp_path, tuple(packages))
    put(root, wheel)
    if root.emulated:
        lines[-1] += " --model light --frames 20"
    said = follow(root, lines)
    doctor, demo = said[lines[-2]], said[lines[-1]]
    assert "Traceback" not in "".join(said.values())
    assert re.search(r"^ok\s+models ", doctor, re.MULTILINE), doctor
    assert re.search(r"^ok\s+.*tflite", doctor, re.MULTILINE), doctor
    if root.emulated:  # twenty frames of the clip end where the first hand comes in
        assert re.search(r"a hand in [1-9]", demo), demo
    else:
        events = [json.loads(line) for line in demo.splitlines() if line.startswith("{")]
        assert "open_palm" in {event["gesture"] for event in events}, demo
    assert versions(root) == locked(release)


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_every_extra_is_installed_by_its_lock_beside_the_others(
    release: str, wheel: Path, tmp_path: Path
) -> None:
    apt, *lines = recipe()
    packages = tuple(apt.removeprefix("sudo apt install ").split())
    root = open_root(release, os.uname().machine, tmp_path, packages, extras=EXTRAS)
    put(root, wheel)
    locks = ["", *EXTRAS]
    for extra in locks:
        shutil.copy(lock_of(release, extra), root.path("/root"))
    files = " ".join(f"-r {lock_of(release, extra).name}" for extra in locks)
    said = follow(
        root,
        [
            *lines[:2],
            f"pip install --quiet --no-deps --require-hashes {files}",
            f"pip install --quiet --no-deps {wheel.name}",
            "edgehands doctor",
        ],
    )
    for backend in ("tflite", "onnxruntime", "openvino"):
        assert re.search(rf"^ok\s+.*{backend}", said["edgehands doctor"], re.MULTILINE), said
    assert versions(root) == {
        name: version for extra in locks for name, version in locked(release, extra).items()
    }


def locked(release: str, extra: str = "") -> dict[str, str]:
    """The versions that a lock names."""
    return dict(re.findall(r"^(\S+)==(\S+)", lock_of(release, extra).read_text(), re.MULTILINE))


def versions(root: Root) -> dict[str, str]:
    """What is installed beside EdgeHands, by name; pip must find it whole."""
    answer = root.run(". ~/edgehands/bin/activate; pip check >&2; pip freeze")
    assert answer.returncode == 0, answer.stderr
    pairs = (line.split("==") for line in answer.stdout.splitlines() if "==" in line)
    return {canonicalize_name(name): version for name, version in pairs}


def put(root: Root, wheel: Path) -> None:
    """Lay the wheel and the models where a user would have them."""
    home = root.path("/root")
    models = home / ".local" / "share" / "edgehands" / "models"
    models.mkdir(parents=True)
    for model in MODELS:
        shutil.copy(store.find(model), models)
    shutil.copy(wheel, home)


def follow(root: Root, lines: list[str]) -> dict[str, str]:
    """Run the lines in one shell; return what each said. Each must succeed."""
    script = "cd\n" + "".join(f"echo '{MARK} {line}'\n{line} 2>&1\n" for line in lines)
    begun = time.perf_counter()
    answer = root.run(script, timeout=3600)  # emulated, on a busy machine
    took = time.perf_counter() - begun
    assert answer.returncode == 0, answer.stdout + answer.stderr
    print(f"{root.name}: {took:.0f} s")  # noqa: T201
    parts = answer.stdout.split(f"{MARK} ")[1:]
    return {first: rest for first, _, rest in (part.partition("\n") for part in parts)}

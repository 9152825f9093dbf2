"""What a user installs: the wheel and the sdist hold everything and work away from the clone."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tools.wheel import lay_out

ROOT = Path(__file__).parent.parent
NEEDED = (
    "edgehands/py.typed",
    "edgehands/backends/tflite.py",
    "edgehands/models/catalog.toml",
    "edgehands/gestures/vocabulary.toml",
    "edgehands/benchmarks/published/paper.toml",
    "edgehands/mqtt/blueprint.yaml",
    "edgehands/systemd/config.schema.json",
    "edgehands/systemd/edgehands.toml",
    "edgehands/systemd/edgehands.service",
    "edgehands/systemd/edgehands.service.d/compiler.conf",
    "edgehands/systemd/70-edgehands-coral.rules",
    "edgehands/systemd/requirements-trixie-web.txt",
    "edgehands/systemd/requirements-bookworm.txt",
    "edgehands/systemd/sbom-trixie.cdx.json",
    "edgehands/web/page/index.html",
    "edgehands/synthetic/demo.mp4",
    "edgehands/synthetic/demo.npz",
    "edgehands/benchmarks/accuracy.py",
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="built from a checkout"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built from what git tracks."""
    clone, out = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("dist")
    lay_out(clone)
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out)], clone)
    return out


def test_the_wheel_holds_every_part_once(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert set(NEEDED) <= set(names)
    assert len(names) == len(set(names))
    tops = {name.split("/")[0] for name in names}
    # Beside edgehands its .dist-info, and .data with the manual page: no generic name.
    assert {top for top in tops if not top.startswith("edgehands-")} == {"edgehands"}


def test_the_sdist_holds_every_part(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert set(NEEDED) <= names
    assert {"LICENSE", "README.md", "pyproject.toml"} <= names


def test_two_builds_of_the_wheel_are_the_same_bytes(tmp_path: Path) -> None:
    wheels = []
    for number, mask in ((1, "022"), (2, "077")):
        out = tmp_path / str(number)
        build = f"umask {mask}; TZ=UTC-{number} PYTHONHASHSEED={number} exec {sys.executable} -m"
        run(["sh", "-c", f"{build} tools.wheel {out}"], ROOT)
        (wheel,) = out.glob("*.whl")
        wheels.append(wheel.read_bytes())
    assert wheels[0] == wheels[1]


@pytest.mark.usefixtures("models")
def test_the_wheel_works_in_an_empty_venv_away_from_the_clone(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)], tmp_path)
    # The dependencies come from here, so that the test needs no network; a path in a .pth file does
    # not bring along an editable edgehands.
    (site,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = run([str(python), "-c", "import edgehands; print(edgehands.__file__)"], tmp_path)
    assert where.startswith(str(site))
    events = run([str(site.parents[2] / "bin" / "edgehands"), "demo", "--frames", "40"], tmp_path)
    assert '"event_type":"open_palm"' in events
    assert (tmp_path / "edgehands-demo" / "demo.mp4").stat().st_size > 10_000
    assert (tmp_path / "edgehands-demo" / "contact-sheet.png").stat().st_size > 10_000


def run(command: list[str], folder: Path) -> str:
    """Run a command in a folder and return what it printed."""
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout

"""Other packages' backends: the example of CONTRIBUTING.md, installed and run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgehands import synthetic
from edgehands.errors import RuntimeMissingError, UsageError
from edgehands.inference import ModelFile, OutputSpec
from edgehands.selection import (
    BACKENDS,
    backend_names,
    load_backend,
    open_session,
    third_party_backends,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable

CONTRIBUTING = Path(__file__).parent.parent / "CONTRIBUTING.md"
CLIP = Path(synthetic.__file__).parent / "demo.mp4"
OUTPUTS = (OutputSpec("landmarks", "Identity", (63,)), OutputSpec("presence", "Identity_1", (1,)))
FAKE = ModelFile("fake", "landmarks", b"", "0" * 64, "/nowhere/fake.tflite", 8, OUTPUTS)


def example(language: str) -> str:
    """The block of code in that language below the heading."""
    _, found, text = CONTRIBUTING.read_text().partition("## A backend of your own")
    assert found
    match = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert match
    return match[1]


def install(folder: Path, package: str, code: str, **backends: str) -> None:
    """Put a package into a folder as an installer would."""
    (folder / f"{package}.py").write_text(code)
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    points = "\n".join(f"{name} = {value}" for name, value in backends.items())
    (info / "entry_points.txt").write_text(f"[edgehands.backends]\n{points}\n")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a package for the rest of the test."""

    def installer(package: str, code: str, **backends: str) -> None:
        install(tmp_path, package, code, **backends)
        monkeypatch.delitem(sys.modules, package, raising=False)
        monkeypatch.syspath_prepend(tmp_path)

    return installer


@pytest.fixture
def blind(installed: Callable[..., None]) -> str:
    """Install the example under the names that it documents; its module's name."""
    project = tomllib.loads(example("toml"))["project"]
    points: dict[str, str] = project["entry-points"]["edgehands.backends"]
    (module,) = points.values()
    installed(module, example("python"), **points)
    return module


def test_the_example_is_opened_by_its_name(blind: str) -> None:
    with open_session("blind", FAKE, batch=2) as session:
        session.input[:] = 1
        assert [output.shape for output in session.run()] == [(2, 63), (2, 1)]
        assert str(session.describe()).startswith("blind (numpy ")
    assert blind in sys.modules


def test_a_backend_of_another_package_is_listed_and_not_imported(blind: str) -> None:
    assert backend_names() == (*BACKENDS, "blind")
    with pytest.raises(UsageError, match=r"did you mean 'blind'.* replay, blind"):
        load_backend("blid")
    assert blind not in sys.modules


@pytest.mark.usefixtures("models")
def test_the_example_runs_on_the_command_line(blind: str, tmp_path: Path) -> None:
    arguments = ["--source", str(CLIP), "--frames", "3", "--backend", "blind"]
    done = subprocess.run(
        [sys.executable, "-m", "edgehands", "-v", "run", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert "full runs on blind (numpy " in done.stderr
    assert "palm-full runs on blind (numpy " in done.stderr
    assert blind == "edgehands_blind"


def test_a_built_in_name_always_means_ours(installed: Callable[..., None]) -> None:
    installed("impostor", "raise SystemExit('imported')", tflite="impostor", auto="impostor")
    assert load_backend("tflite").__name__ == "edgehands.backends.tflite"  # type: ignore[attr-defined]
    assert "tflite" not in third_party_backends()
    assert backend_names().count("tflite") == 1


@pytest.mark.parametrize(
    ("code", "value", "said"),
    [
        ("import no_such_runtime", "broken", "cannot be imported: No module named 'no_such_ru"),
        ("", "broken:backend", "cannot be imported: .* no attribute 'backend'"),
        ("", "broken", "broken has no function open_session"),
    ],
)
def test_a_broken_package_is_named(
    installed: Callable[..., None], code: str, value: str, said: str
) -> None:
    installed("broken", code, mine=value)
    with pytest.raises(RuntimeMissingError, match=f"^backend 'mine' of package broken.*{said}"):
        open_session("mine", FAKE)

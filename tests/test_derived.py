"""Derived files are verified, kept, found again, and built again when they are damaged."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

from edgehands.cli.commands import app
from edgehands.errors import ModelError, RuntimeMissingError, UsageError
from edgehands.models import derived, store
from edgehands.models.convert import graph
from edgehands.models.derived import build, cache_folder, derive, keep
from edgehands.selection import open_session, readable

if TYPE_CHECKING:
    from edgehands.inference import ModelFile

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder, empty; what this machine's model folders may hold is not looked at."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(derived, "SUBFOLDER", "test-derived")
    folder = cache_folder()
    assert folder == tmp_path / "cache" / "edgehands" / "derived"
    return folder


@pytest.fixture
def light() -> ModelFile:
    return store.load("light")


@pytest.fixture
def no_building(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("it was built")

    monkeypatch.setattr(derived, "build", refuse)


def test_what_is_derived_is_kept_with_the_hash_of_its_content(
    light: ModelFile, cache: Path
) -> None:
    file = derive(light, "fp32")
    (path,) = cache.iterdir()
    assert file.path == str(path)
    assert path.read_bytes() == file.data
    assert path.name == f"light-{light.sha256[:16]}-fp32-v1-{file.sha256}.tflite"
    assert (file.id, file.format, file.outputs) == (light.id, "tflite", light.outputs)
    assert path.stat().st_mode & 0o777 == 0o644


def test_what_is_kept_is_not_built_again(light: ModelFile, request: pytest.FixtureRequest) -> None:
    file = derive(light, "fp32")
    request.getfixturevalue("no_building")
    assert derive(light, "fp32") == file


@pytest.mark.parametrize("target", ["int8", "edgetpu"])
def test_what_takes_minutes_is_built_by_its_command_only(light: ModelFile, target: str) -> None:
    for make in (build, derive):
        with pytest.raises(ModelError, match=f"run `edgehands models build {target}`"):
            make(light, target)


def test_another_original_or_recipe_is_built(
    light: ModelFile, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    derive(light, "fp32")
    derive(replace(light, sha256="f" * 64), "fp32")
    recipe = derived.RECIPES["fp32"]
    monkeypatch.setitem(derived.RECIPES, "fp32", replace(recipe, version=recipe.version + 1))
    derive(light, "fp32")
    assert len(list(cache.iterdir())) == 3


@pytest.mark.parametrize("damage", ["flipped", "short", "empty", "renamed"])
def test_a_damaged_file_is_built_again(
    light: ModelFile, cache: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = derive(light, "fp32")
    path = Path(file.path)
    data = bytearray(file.data)
    data[len(data) // 2] ^= 1
    if damage == "renamed":
        path.rename(path.with_name(path.name.replace(file.sha256, "0" * 64)))
    else:
        path.write_bytes({"flipped": bytes(data), "short": file.data[:-1], "empty": b""}[damage])
    assert derive(light, "fp32") == file
    assert "is damaged: its sha256 is" in caplog.text
    assert [each.name for each in cache.iterdir()] == [path.name]
    assert path.read_bytes() == file.data


def test_a_file_that_cannot_be_read_is_built_again(light: ModelFile) -> None:
    file = derive(light, "fp32")
    Path(file.path).unlink()
    os.mkfifo(file.path)  # reading it would block
    assert derive(light, "fp32") == file
    assert Path(file.path).read_bytes() == file.data


def test_the_folders_of_models_are_searched_before_the_cache(
    light: ModelFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    models, system, named = (tmp_path / name for name in ("models", "system", "named"))
    built = build(light, "fp32")
    for folder in (system, models, named):
        keep(built, folder / derived.SUBFOLDER)
    derive(light, "fp32")
    request.getfixturevalue("no_building")
    monkeypatch.setattr(store, "SYSTEM_FOLDER", system)
    assert Path(derive(light, "fp32").path).parent == system / derived.SUBFOLDER
    monkeypatch.setenv("EDGEHANDS_MODELS", str(models))
    assert Path(derive(light, "fp32").path).parent == models / derived.SUBFOLDER
    assert Path(derive(light, "fp32", folder=named).path).parent == named / derived.SUBFOLDER


def test_a_device_with_the_built_file_needs_no_converter(
    light: ModelFile, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    keep(build(light, "onnx"), cache)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with open_session("onnxruntime", light, derive=derive) as session:
        assert len(session.run()) == 4


def test_silent_channels_are_left_out_where_that_can_be_done(
    light: ModelFile, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(readable(light, "tflite", derive).data) < len(light.data)
    assert list(cache.glob("light-*-pruned-*.tflite"))
    shutil.rmtree(cache)
    monkeypatch.setitem(sys.modules, "flatbuffers", None)
    assert readable(light, "tflite", derive) is light
    assert not cache.exists()


def test_without_the_converters_library_nothing_is_built(
    light: ModelFile, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(RuntimeMissingError, match="run `pip install onnxruntime onnx`"):
        derive(light, "onnx")
    assert not cache.exists()


def wrong_weight(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    """Let the converters read one weight of the last layer wrong."""
    real = graph.constant

    def constant(tree: object, tensor: object) -> object:
        data = real(tree, tensor)
        if data is not None and data.dtype == np.float16 and data.shape == (63,):
            data = data.copy()
            data[7] += np.float16(value)
        return data

    monkeypatch.setattr("edgehands.models.convert.fp32.constant", constant)
    monkeypatch.setattr(graph, "constant", constant)


@pytest.mark.parametrize("target", ["fp32", "onnx"])
@pytest.mark.parametrize("value", [0.0625, float("nan")])
def test_a_file_that_says_something_else_is_refused_and_not_kept(
    light: ModelFile, cache: Path, monkeypatch: pytest.MonkeyPatch, target: str, value: float
) -> None:
    pytest.importorskip("onnxruntime")
    wrong_weight(monkeypatch, value)
    with pytest.raises(ModelError, match=f"the {target} file built from light .* is refused"):
        derive(light, target)
    assert not cache.exists()


def test_fp32_may_not_differ_in_a_single_bit(
    light: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong_weight(monkeypatch, 2.0**-6)  # a 64th of a pixel in one of 63 values
    with pytest.raises(ModelError, match=r"differs by 0\.0\d+, allowed is 0"):
        build(light, "fp32")


def test_a_cache_that_cannot_be_written_costs_a_warning(
    light: ModelFile, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    assert derive(light, "fp32").format == "tflite"
    assert "cannot keep light-" in caplog.text
    assert "run `edgehands models build fp32 --out " in caplog.text


def test_a_user_without_a_home_gets_the_file_and_a_warning(
    light: ModelFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(derived, "cache_folder", lambda: None)
    assert derive(light, "fp32").data
    assert "no home to keep the fp32 file of light in" in caplog.text


def test_an_unknown_target_gets_a_suggestion(light: ModelFile) -> None:
    with pytest.raises(UsageError, match="no derived file 'onxx': did you mean 'onnx'"):
        derive(light, "onxx")


def test_two_processes_may_build_at_once(light: ModelFile, cache: Path) -> None:
    code = (
        "import sys\n"
        "from edgehands.models import store\n"
        "from edgehands.models.derived import derive\n"
        "light = store.load('light')\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(derive(light, 'fp32').sha256)"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    hashes = {process.communicate("go\n", timeout=60)[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert hashes == {derive(light, "fp32").sha256}
    assert [path.stem[-64:] for path in cache.iterdir()] == list(hashes)


def test_a_backend_of_another_format_gets_a_derived_file(
    light: ModelFile, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("onnxruntime")
    with caplog.at_level(logging.INFO), open_session("onnxruntime", light, derive=derive):
        assert [path.suffix for path in cache.iterdir()] == [".onnx"]
    assert "building the onnx file of light" in caplog.text


def test_without_a_deriver_the_format_is_named(light: ModelFile) -> None:
    with pytest.raises(UsageError, match=r"onnxruntime reads \.onnx files and light .* is none"):
        open_session("onnxruntime", light)


def test_models_build_says_how_far_each_file_is_off(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["models", "build", "fp32", "--out", str(out)])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["palm-lite", "palm-full", "light", "full"]
    assert "off by landmarks 0.0e+00, presence 0.0e+00" in lines[2]
    assert sorted(line.split()[-1] for line in lines) == sorted(map(str, out.iterdir()))


def test_models_build_of_one_model_goes_into_the_cache(cache: Path) -> None:
    done = CliRunner().invoke(app, ["models", "build", "fp32", "--model", "light"])
    assert done.exit_code == 0, done.output
    assert [path.name[:6] for path in cache.iterdir()] == ["light-"]

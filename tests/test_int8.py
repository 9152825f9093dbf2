"""int8: quantised files are made, judged, refused, and run where they are asked for."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

from edgehands import calibration as calibrating
from edgehands.agreement import QUANTISED, references
from edgehands.calibration import Calibration, calibration
from edgehands.cli.commands import app
from edgehands.errors import InputError, ModelError, RuntimeMissingError, UsageError
from edgehands.int8_gate import judge
from edgehands.models import derived, store
from edgehands.models.convert.channels import hold_biases, prune
from edgehands.models.convert.editor import BIAS, WEIGHTED, WEIGHTS, Editor
from edgehands.models.convert.fp32 import to_fp32
from edgehands.models.convert.int8 import BEST, PLAIN, WHOLE, to_int8
from edgehands.models.derived import derive, keep
from edgehands.models.examples import example_inputs
from edgehands.quantising import build_edgetpus, build_int8
from edgehands.selection import open_session
from edgehands.settings import TrackerSettings
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from edgehands.agreement import LandmarkReference, Outputs, PalmReference
    from edgehands.hand import FloatArray
    from edgehands.inference import ModelFile
    from edgehands.models.convert.int8 import Plan
    from edgehands.models.derived import Built

pytestmark = pytest.mark.usefixtures("models")

GATE = 6
"""Pictures: enough to tell good from bad, not for a figure."""


@pytest.fixture(scope="module")
def _quantiser() -> None:
    pytest.importorskip("ai_edge_quantizer", reason="pip install ai-edge-quantizer")


@pytest.fixture(scope="module")
def pictures() -> Calibration:
    return calibration(pictures=8)


@pytest.fixture(scope="module")
def light() -> ModelFile:
    return store.load("light")


@pytest.fixture(scope="module")
def built(_quantiser: None, light: ModelFile, pictures: Calibration) -> Built:
    return build_int8(light, pictures.of(light), gate_pictures=GATE)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of derived files, empty; what this machine may have is not looked at."""
    monkeypatch.setattr(derived, "cache_folder", lambda: tmp_path / "derived")
    monkeypatch.setattr(derived, "SUBFOLDER", "test-derived")
    return tmp_path / "derived"


def answers(model: ModelFile, inputs: FloatArray) -> list[FloatArray]:
    each = []
    with open_session("tflite", model, threads=1) as session:
        for picture in inputs:
            session.input[0] = picture
            each.append([output.copy() for output in session.run()])
    return [np.concatenate(outputs) for outputs in zip(*each, strict=True)]


def compiler(folder: Path, code: str) -> None:
    """Put a stand-in for the Edge TPU's compiler into a folder."""
    script = folder / "edgetpu_compiler"
    script.write_text(f"#!{sys.executable}\nimport json, pathlib, sys\n{code}\n")
    script.chmod(0o755)


# What the documentation shows of the real one's log, and a suffix to tell the files apart.
COMPILES = """
*options, palm, hand = sys.argv[1:]
out = pathlib.Path(options[options.index("--out_dir") + 1])
for source in map(pathlib.Path, (palm, hand)):
    data = source.read_bytes()
    assert data[4:8] == b"TFL3"
    (out / f"{source.stem}_edgetpu.tflite").write_bytes(data + b"edgetpu-custom-op")
    (out / f"{source.stem}_edgetpu.log").write_text(
        "Edge TPU Compiler version 16.0.384591198\\n"
        "Number of operations that will run on Edge TPU: 31\\n\\n"
        "Operator                       Count      Status\\n\\n"
        "CONV_2D                        31         Mapped to Edge TPU\\n"
        "RESIZE_BILINEAR                2          Operation version not supported\\n"
    )
pathlib.Path(RECORD).write_text(json.dumps(sys.argv[1:]))
"""


def test_the_calibration_pictures_are_what_the_runtime_cuts(pictures: Calibration) -> None:
    assert len(pictures.squares) == 8
    assert len(pictures.crops) >= 12  # each hand as detected and as tracked
    assert pictures.crops[0].shape == (224, 224, 3)
    assert pictures.squares[0].shape == (192, 192, 3)
    crops = np.stack(pictures.crops)
    assert crops.dtype == np.float32
    assert 0 <= crops.min() < 0.1
    assert 0.5 < crops.max() <= 1


def test_calibration_and_gate_use_no_reporting_seed() -> None:
    from edgehands.synthetic.dataset import REPORTING_SEED, TUNING_SEED

    assert len({calibrating.CALIBRATION_SEED, TUNING_SEED, REPORTING_SEED}) == 3
    assert judge.__defaults__
    assert judge.__defaults__[-1] == TUNING_SEED


def test_an_int8_file_is_nearly_as_good_and_a_good_deal_smaller(
    built: Built, light: ModelFile
) -> None:
    assert built.differences["error_after"] < 1.03 * built.differences["error_before"]
    assert 0.001 < built.differences["deviation"] < 0.015
    assert "error " in built.summary
    assert len(built.file.data) < 0.75 * len(light.data)
    inputs = example_inputs(light)
    want, said = answers(light, inputs), answers(built.file, inputs)
    assert [output.shape for output in said] == [output.shape for output in want]
    assert [output.dtype for output in said] == [np.float32] * 4
    assert np.abs(said[0] - want[0]).mean() < 2  # pixels of the crop
    np.testing.assert_allclose(said[1], want[1], atol=0.1)


@pytest.mark.usefixtures("_quantiser")
@pytest.mark.slow
@pytest.mark.parametrize("plan", [BEST, WHOLE], ids=["int8", "edgetpu"])
def test_what_the_gate_lets_pass_verify_does_too_and_it_knows_a_bad_one(
    pictures: Calibration, plan: Plan
) -> None:
    noise = [np.random.default_rng(0).random((192, 192, 3), np.float32)]
    for reference in references("light", frames=30):
        good = to_int8(reference.model, pictures.of(reference.model), plan)
        assert reference.compare(outputs(reference, good)).excesses(QUANTISED) == []
        if reference.model.role == "palm":
            bad = outputs(reference, to_int8(reference.model, noise, plan))
            assert any(
                excess.startswith("palm score, mean")
                for excess in reference.compare(bad).excesses(QUANTISED)
            )


def outputs(reference: PalmReference | LandmarkReference, data: bytes) -> list[Outputs]:
    """What a quantised file of a reference's model says of its inputs."""
    file = replace(reference.model, data=data)
    said = []
    with open_session("tflite", file) as session:
        for picture in reference.inputs:
            session.input[:] = picture
            said.append(tuple(output.copy() for output in session.run()))
    return said


@pytest.mark.usefixtures("_quantiser")
@pytest.mark.parametrize("what", ["one black frame", "noise"])
def test_a_bad_calibration_is_refused_with_the_figures(
    light: ModelFile, cache: Path, what: str
) -> None:
    bad = {
        "one black frame": [np.zeros((224, 224, 3), np.float32)],
        "noise": list(np.random.default_rng(0).random((4, 224, 224, 3), np.float32)),
    }[what]
    with pytest.raises(ModelError, match=r"int8 file built from light .* is refused: ") as caught:
        keep(build_int8(light, bad, gate_pictures=GATE), cache)
    assert "landmarks off by " in str(caught.value)
    assert " -> " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not cache.exists()


def test_the_gate_sees_a_model_that_says_nothing_sensible(light: ModelFile) -> None:
    broken = replace(light, data=store.load("full").data)
    assert not judge(light, light, pictures=3).faults
    assert judge(light, broken, pictures=3).figures["deviation"] > 0.005


@pytest.mark.parametrize("name", ["light", "full"])
def test_dead_channels_go_without_a_trace(name: str) -> None:
    model = store.load(name)
    editor = Editor(model, to_fp32(model))
    assert prune(editor) == {"light": 525, "full": 2712}[name]
    data = editor.pack()
    assert prune(Editor(model, data)) == 0
    inputs = example_inputs(model)[:2]
    for want, said in zip(
        answers(model, inputs), answers(replace(model, data=data), inputs), strict=True
    ):
        np.testing.assert_allclose(said, want, atol=1e-3)


def test_what_a_dead_channel_always_said_goes_into_the_next_bias(light: ModelFile) -> None:
    editor = Editor(light, to_fp32(light))
    first = next(each for each in editor.part.operators if editor.kind(each)[0] == "D")
    weights, bias = editor.get(first, WEIGHTS), editor.get(first, BIAS)
    live = np.flatnonzero(weights.any(axis=(0, 1, 2)))[:3]
    weights[..., live] = 0
    bias[live] = 2.5, -1.5, 7.0  # between the limits of its ReLU6, below and above
    editor.put(first, WEIGHTS, weights)
    editor.put(first, BIAS, bias)
    inputs = example_inputs(light)[:2]
    before = answers(replace(light, data=editor.pack()), inputs)
    assert prune(editor) == 528
    after = answers(replace(light, data=editor.pack()), inputs)
    for want, said in zip(before, after, strict=True):
        np.testing.assert_allclose(said, want, atol=1e-3)


def test_every_bias_fits_into_32_bits_of_its_steps(light: ModelFile) -> None:
    editor = Editor(light, to_fp32(light))

    def reach() -> float:
        worst = 0.0
        for operator in editor.part.operators:
            if editor.kind(operator) in WEIGHTED:
                weights = np.abs(editor.get(operator, WEIGHTS))
                axes = (
                    (0, 1, 2) if editor.kind(operator)[0] == "D" else (1, 2, 3)[: weights.ndim - 1]
                )
                step = weights.max(axis=axes) / 127 * 0.003
                bias = np.abs(editor.get(operator, BIAS))
                worst = max(worst, float((bias / np.maximum(step, 1e-30)).max()))
        return worst

    assert reach() > 2.0**31
    assert hold_biases(editor) > 500
    assert reach() < 2.0**31
    assert hold_biases(editor) == 0


def test_a_file_that_was_not_built_is_not_built_at_a_start(cache: Path) -> None:
    settings = TrackerSettings(precision="int8")
    with pytest.raises(ModelError, match=r"no int8 file of light .*`edgehands models build int8`"):
        HandTracker("light", "tflite", settings=settings)
    assert not cache.exists()


def test_precision_int8_runs_the_built_file_and_says_so(built: Built, cache: Path) -> None:
    keep(built, cache)
    light = store.load("light")
    for backend in ("tflite", "auto"):
        with open_session(backend, light, derive=derive, precision="int8") as session:
            assert session.describe().precision == "int8"
            assert session.describe().backend == "tflite"
    with open_session("tflite", light, derive=derive) as session:
        assert session.describe().precision == "fp32"


def test_heavy_runs_int8_on_both_its_views_at_once(built: Built) -> None:
    inputs = example_inputs(built.file)[:2]
    with open_session("tflite", built.file, batch=2) as session:
        session.input[:] = inputs
        together = session.run()[0].copy()
    np.testing.assert_allclose(together, answers(built.file, inputs)[0], atol=0.5)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime", "litert-gpu", "replay"])
def test_a_backend_without_int8_says_who_has_it(light: ModelFile, backend: str) -> None:
    with pytest.raises(UsageError, match=f"backend {backend} has no precision int8: choose tflite"):
        open_session(backend, light, derive=derive, precision="int8")


def test_without_the_quantiser_its_command_is_named(
    light: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    with pytest.raises(RuntimeMissingError, match=r"run `pip install ai-edge-quantizer`"):
        to_int8(light, [])
    done = CliRunner().invoke(app, ["models", "build", "int8"])
    assert isinstance(done.exception, RuntimeMissingError)


def test_a_clip_is_only_for_what_needs_calibration() -> None:
    done = CliRunner().invoke(app, ["models", "build", "fp32", "--clip", "a.mp4"])
    assert isinstance(done.exception, UsageError)
    assert "--clip is for int8 and edgetpu" in str(done.exception)


def test_a_clip_without_a_hand_is_named(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "grey.png"), np.full((240, 320, 3), 90, np.uint8))
    with pytest.raises(InputError, match=r"grey\.png shows no hand"):
        calibration([str(tmp_path / "grey.png")], pictures=0)


def test_a_users_clip_joins_the_calibration() -> None:
    from edgehands.synthetic import DEMO_CLIP

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrating, "_EVERY", 50)
        patch.setattr(calibrating, "_CLIP_FRAMES", 3)
        found = calibration([str(DEMO_CLIP)], pictures=0)
    assert len(found.squares) == 3
    assert found.crops


@pytest.mark.usefixtures("_quantiser")
def test_whole_models_take_and_give_int8_and_the_session_hides_it(
    light: ModelFile, pictures: Calibration
) -> None:
    interpreters = pytest.importorskip("ai_edge_litert.interpreter")
    whole = replace(light, data=to_int8(light, pictures.of(light), WHOLE))
    interpreter = interpreters.Interpreter(model_content=whole.data)
    ends = [*interpreter.get_input_details(), *interpreter.get_output_details()]
    assert {detail["dtype"] for detail in ends} == {np.int8}
    inputs = example_inputs(light)
    want, said = answers(light, inputs), answers(whole, inputs)
    assert np.abs(said[0] - want[0]).mean() < 3
    np.testing.assert_allclose(said[1], want[1], atol=0.15)


@pytest.mark.usefixtures("_quantiser")
def test_models_that_run_in_turn_are_compiled_in_one_call(
    light: ModelFile,
    pictures: Calibration,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = tmp_path / "argv.json"
    compiler(tmp_path, COMPILES.replace("RECORD", repr(str(record))))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    palm = store.load("palm-lite")
    built = build_edgetpus([palm, light], pictures, gate_pictures=2)
    argv = record.read_text()
    assert argv.startswith('["--show_operations", "--out_dir", ')
    assert argv.endswith('light.tflite"]')
    assert argv.count(".tflite") == 2
    assert [each.file.id for each in built] == ["palm-lite", "light"]
    for each in built:
        assert each.file.data.endswith(b"edgetpu-custom-op")
        assert each.target == "edgetpu"
        assert "31 of 33 operations on the Edge TPU" in each.summary
        assert "2 RESIZE_BILINEAR (Operation version not supported)" in each.summary
    kept = keep(built[1], tmp_path / "derived")
    assert Path(kept.path).name.startswith("light-048edd3645c9bf73-edgetpu-v1-")
    interpreters = pytest.importorskip("ai_edge_litert.interpreter")
    graph = interpreters.Interpreter(model_content=built[0].file.data)
    kinds = {np.dtype(each["dtype"]).name for each in graph.get_tensor_details()}
    assert "float32" not in kinds


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("sys.exit('ERROR: Model not quantized')", "refused light: ERROR: Model not quantized"),
        ("", "wrote no light_edgetpu.tflite for light"),
    ],
)
def test_a_compiler_that_fails_is_quoted(
    light: ModelFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    from edgehands.models.convert.edgetpu import compile_together

    compiler(tmp_path, code)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelError, match=message):
        compile_together([light])


def test_without_the_compiler_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ai_edge_quantizer")
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(app, ["models", "build", "edgetpu"])
    assert isinstance(done.exception, RuntimeMissingError)
    for part in ("edgetpu_compiler is not on PATH", "x86-64", "16.0", "apt install", "Colab"):
        assert part in str(done.exception)


@pytest.mark.usefixtures("_quantiser")
@pytest.mark.system
def test_models_build_int8_makes_all_four_and_a_tracker_runs_on_them(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgehands.cameras import open_camera
    from edgehands.landmarks import distance_in_palms
    from edgehands.synthetic import DEMO_CLIP

    monkeypatch.setattr("edgehands.models.derived.cache_folder", lambda: cache)
    done = CliRunner().invoke(app, ["models", "build", "int8"])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["palm-lite", "palm-full", "light", "full"]
    assert "recall " in lines[0]
    assert "error " in lines[3]
    assert len(list(cache.glob("*-int8-*"))) == 4
    with open_camera(str(DEMO_CLIP)) as camera:
        frames = [(frame.image, frame.time) for frame in camera][:90]  # few at first have a hand
    open_tracker = partial(HandTracker, "full", "tflite", smoothing=False)
    with open_tracker() as one, open_tracker(settings=TrackerSettings(precision="int8")) as two:
        assert "int8" in two.describe()
        off = [
            distance_in_palms(b.landmarks, a.landmarks)
            for image, time in frames
            for a, b in zip(one.update(image, time), two.update(image, time), strict=False)
        ]
    assert len(off) > 40
    assert np.mean(off) < 0.02


@pytest.mark.usefixtures("_quantiser")
@pytest.mark.slow
def test_our_way_loses_less_than_the_quantiser_by_itself() -> None:
    full = store.load("full")
    pictures = calibration(pictures=24).of(full)
    ours = build_int8(full, pictures, gate_pictures=24)
    plain = replace(full, data=to_int8(full, pictures, PLAIN))
    theirs = judge(full, plain, pictures=24)
    assert ours.differences["deviation"] < 0.6 * theirs.figures["deviation"]

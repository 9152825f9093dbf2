"""`edgehands bench`: rows that are complete, and marked ones that stop nobody."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from edgehands.benchmarks.bench import rows
from edgehands.benchmarks.bench.accuracy import Accuracy
from edgehands.benchmarks.bench.judging import losses
from edgehands.benchmarks.bench.measuring import Measuring
from edgehands.benchmarks.bench.plan import make_cases, make_plan
from edgehands.cli import STOPPED
from edgehands.cli.commands import app
from edgehands.errors import DeviceError, InputError, UsageError
from edgehands.models import store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edgehands.benchmarks.bench.rows import Row

pytestmark = pytest.mark.usefixtures("models")

SHORT = 0.03
"""Seconds of each round's third: enough to have figures, not to believe them."""


def measured(model: str, backend: str, *, timeout: float = 60, **options: Any) -> Row:
    """Return the row of one case."""
    plan = make_plan(make_cases([model], [backend], [1], **options), SHORT)
    measuring = Measuring(plan, timeout=timeout)
    measuring.run()
    (row,) = measuring.rows()
    return row


def bench(*arguments: str) -> Any:
    """Run the command in this process and return its exit code."""
    return app(["bench", *arguments], standalone_mode=False)


@pytest.mark.slow
@pytest.mark.usefixtures("odd_backends")
def test_one_that_crashes_hangs_or_lies_is_a_marked_row_and_the_rest_is_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bench.json"
    odd = [f"--backend={name}" for name in ("crash", "hang", "shifted", "gone", "twin")]
    limits = ["--threads=1", "--duration=0.1", "--timeout=8"]
    code = bench("--model=light", "--backend=tflite", *odd, *limits, "--json", str(file))
    assert code == 0
    report = json.loads(file.read_bytes())
    status = {row["backend"]: row["status"] for row in report["rows"]}
    assert status == {
        "tflite": "ok",
        "crash": "crashed",
        "hang": "hung",
        "shifted": "wrong outputs",
        "gone": "not here",
        "twin": "ok",
    }
    reasons = {row["backend"]: row["reason"] for row in report["rows"]}
    assert "SIGSEGV while opening it" in reasons["crash"]
    assert "killed after 8" in reasons["hang"]
    assert reasons["shifted"].startswith("landmarks, ")
    assert reasons["gone"] == "no oddity is plugged in"
    for row in report["rows"]:
        assert (row["speed"] is not None) == (row["status"] == "ok")
    for name in ("tflite", "twin"):
        (row,) = [row for row in report["rows"] if row["backend"] == name]
        assert row["speed"]["latency_ms"]["p50"] > 0
        assert 0.002 < row["accuracy"]["mse"] < 0.03
    printed = capsys.readouterr().out
    assert "hang (light): hung" in printed
    assert printed.index("twin") < printed.index("wrong outputs")  # ranked ones come first


def test_a_row_has_speed_accuracy_and_the_model_that_it_is_of() -> None:
    row = measured("light", "tflite")
    assert (row.status, row.reason, row.precision) == ("ok", "", "fp32")
    assert (row.params, row.macs, row.sha256) == (
        1_012_000,
        146_000_000,
        store.load("light").sha256,
    )
    assert row.runtime.startswith("ai-edge-litert ")
    assert row.accuracy is not None
    assert row.accuracy.pictures == 64
    speed = row.speed
    assert speed is not None
    times = speed.latency_ms
    assert 0 < times.min <= times.p50 <= times.p90 <= times.p99
    assert times.runs == sum(each.runs for each in speed.rounds) >= 9
    assert len(speed.rounds) == 3
    assert speed.gflops == pytest.approx(2 * 0.146 / times.p50 * 1000, rel=1e-6)
    assert 0 < speed.peak_share < 1.5
    assert 50 < speed.rss_mb < 2000
    assert speed.init_ms > 0
    assert speed.cpu_ms > 0


def test_heavy_is_both_its_views_and_a_palm_model_has_an_average_precision() -> None:
    plan = make_plan(make_cases(["heavy", "palm-lite"], ["tflite"], [1]), SHORT)
    measuring = Measuring(plan)
    measuring.run()
    heavy, palm = measuring.rows()
    assert (heavy.status, palm.status) == ("ok", "ok")
    assert heavy.macs == 2 * 331_000_000
    assert heavy.accuracy is not None
    assert heavy.accuracy.mse is not None
    assert palm.accuracy is not None
    assert palm.accuracy.ap is not None
    assert palm.accuracy.ap > 0.8


@pytest.mark.usefixtures("odd_backends")
@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("nan", "are not numbers"),
        ("mirror", "on the other side"),
        ("short", "are of another shape"),
    ],
)
def test_wrong_outputs_are_never_ranked(backend: str, words: str) -> None:
    row = measured("light", backend)
    assert (row.status, row.speed) == ("wrong outputs", None)
    assert words in row.reason


@pytest.mark.usefixtures("odd_backends")
def test_int8_is_held_to_the_truth_as_it_cannot_be_exact() -> None:
    row = measured("light", "coarse")
    assert (row.status, row.precision) == ("ok", "int8")
    good = Accuracy(pictures=64, mean_error=0.07)
    assert losses(Accuracy(pictures=64, mean_error=0.075), good) == ""
    assert losses(Accuracy(pictures=64, mean_error=0.08), good) == (
        "the error is 14.3% above that of fp32, 8% is allowed"
    )
    assert "not numbers" in losses(Accuracy(pictures=64), good)
    assert "falls by 10.0%" in losses(Accuracy(pictures=9, ap=0.8), Accuracy(pictures=9, ap=0.9))
    assert losses(Accuracy(pictures=9, ap=0.89), Accuracy(pictures=9, ap=0.9)) == ""


def test_a_precision_that_a_backend_does_not_have_is_a_row_with_the_reason() -> None:
    row = measured("light", "onnxruntime", precision="int8")
    assert row.status == "failed"
    assert "has no precision int8" in row.reason


@pytest.mark.usefixtures("odd_backends")
def test_a_backend_that_is_not_here_is_one_row_however_many_threads() -> None:
    measuring = Measuring(make_plan(make_cases(["light"], ["gone"], [1, 2, 4]), SHORT))
    measuring.run()
    (row,) = measuring.rows()
    assert (row.backend, row.status) == ("gone", "not here")


def test_the_plan_takes_every_model_and_backend_and_divides_the_time() -> None:
    cases = make_cases(["all"], ["all"], [2, 1, 2])
    assert {case.model for case in cases} == {"light", "full", "heavy", "palm-lite", "palm-full"}
    assert {"tflite", "openvino", "coral"} <= {case.backend for case in cases}
    assert "replay" not in {case.backend for case in cases}
    assert [case.threads for case in cases[:2]] == [1, 2]
    plan = make_plan(cases, 6.0)
    assert (plan.rounds, plan.seconds) == (15, 0.4)
    assert make_plan(cases, 0.1).rounds == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "ful"], "did you mean 'full'"),
        (["--backend", "tflight"], "did you mean 'tflite'"),
        (["--threads", "0"], "threads '0'"),
        (["--threads", "two"], "threads 'two'"),
        (["--duration", "fast"], "duration 'fast'"),
        (["--device", "GPU"], "name it with --backend"),
        (["--dataset", "freehand:x"], "no dataset"),
        (["--plot", "x.txt"], "must end with .png"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_measured(
    arguments: list[str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        bench(*arguments)


def test_an_old_result_that_is_none_is_an_input_error(tmp_path: Path) -> None:
    for content in (b"", b"{}", b'{"version": 99}', b"\xff"):
        (tmp_path / "old.json").write_bytes(content)
        with pytest.raises(InputError, match="is no result of edgehands bench"):
            bench("--compare", str(tmp_path / "old.json"))
    with pytest.raises(InputError, match="No such file"):
        bench("--compare", str(tmp_path / "nothing.json"))


def test_without_matplotlib_a_plot_is_refused_with_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(DeviceError, match="pip install matplotlib"):
        bench("--plot", str(tmp_path / "x.png"))


@pytest.mark.usefixtures("odd_backends")
def test_a_pipeline_that_cannot_run_costs_no_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bench.json"
    words = ["--backend=gone", "--threads=1", "--pipeline", f"--json={file}"]
    assert bench("--model=light", *words) == 0
    report = rows.read(file)
    assert [row.status for row in report.rows] == ["not here"]
    assert not report.pipeline
    assert "the pipeline does not run here: no oddity" in capsys.readouterr().err


def test_ctrl_c_keeps_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def impatient(steps: int) -> Iterator[Callable[[str], None]]:
        said: list[str] = []

        def watch(what: str) -> None:
            said.append(what)
            if len(said) == steps:
                raise KeyboardInterrupt

        yield watch

    monkeypatch.setattr("edgehands.cli.bench.progress", impatient)
    file = tmp_path / "bench.json"
    words = ["--backend=tflite", "--threads=1", "--duration=0.1", f"--json={file}"]
    assert bench("--model=light", *words) == STOPPED
    (row,) = rows.read(file).rows
    assert row.speed is not None
    assert row.accuracy is not None
    assert len(row.speed.rounds) == 2  # of three
    assert "light  tflite" in capsys.readouterr().out


@pytest.mark.slow
def test_a_comparison_measures_the_same_cases_and_ends_with_its_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    words = ["--backend=tflite", "--threads=1", "--duration=0.1", f"--json={old}"]
    assert bench("--model=light", *words) == 0
    report = json.loads(old.read_bytes())
    for each in report["rows"][0]["speed"]["rounds"]:
        each["p10_ms"] /= 4
    old.write_text(json.dumps(report))
    assert bench("--compare", str(old), "--json", str(new)) == 1
    (row,) = rows.read(new).rows
    assert (row.model, row.backend, row.threads) == ("light", "tflite", 1)
    assert row.speed is not None
    assert len(row.speed.rounds) == 9  # measured three times before it was called slower
    assert capsys.readouterr().out.endswith("1 × regression\n")

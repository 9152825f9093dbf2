"""A backend that kills its process, hangs or lies is found out, and nothing happens to ours."""

from __future__ import annotations

import re
import signal
import sys
import textwrap
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands import probe
from edgehands.errors import DeviceError, ModelError, RuntimeMissingError
from edgehands.inference import ModelFile, OutputSpec
from edgehands.models import store
from edgehands.probe import answers, differences, sample_inputs
from edgehands.selection import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.hand import FloatArray
    from edgehands.probe import Trial

OUTPUTS = (OutputSpec("landmarks", "Identity", (4,)), OutputSpec("presence", "Identity_1", (1,)))
FAKE = ModelFile("fake", "landmarks", b"bytes", "0" * 64, "/nowhere/fake.tflite", 8, OUTPUTS)

# A backend that answers 0, 1, 2, 3 and 0.5, and does something else on top of it.
CODE = """
import os, signal, sys, time
import numpy as np
from edgehands import errors, probe
from edgehands.inference import Description, Session

class Fake(Session):
    def __init__(self, batch, options):
        self.input = np.zeros((batch, 8, 8, 3), np.float32)
        self.options = options
    def run(self):
        self.act("run")
        points = np.arange(4, dtype=np.float32)[np.newaxis] * float(self.options.get("scale", 1))
        return points, np.full((1, 1), float(self.options.get("presence", 0.5)), np.float32)
    def describe(self):
        return Description("fake", "fake", "1", "device", "fp32")
    def close(self):
        self.act("close")
    def act(self, stage):
        what = self.options.get(stage, "nothing")
        if what.isdigit():
            os.kill(os.getpid(), int(what))
        if what == "hang":
            time.sleep(60)

def open_session(model, *, batch, device, threads, options):
    probe.ensure(
        "fake", model, batch=batch, device=device, threads=threads, options=options, tolerance=None
    )
    if options.get("open") == "error":
        raise errors.RuntimeMissingError("install the fake")
    if options.get("open") == "bug":
        raise ZeroDivisionError("oops")
    session = Fake(batch, options)
    session.act("open")
    return session
"""


@pytest.fixture(autouse=True)
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package that offers the backend `fake`."""
    (tmp_path / "fake_backend.py").write_text(textwrap.dedent(CODE))
    info = tmp_path / "fake_backend-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-backend\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[edgehands.backends]\nfake = fake_backend\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fake_backend", raising=False)


def expected() -> list[tuple[FloatArray, ...]]:
    points = np.arange(4, dtype=np.float32)[np.newaxis]
    return [(points, np.full((1, 1), 0.5, np.float32))] * 2


def tried(timeout: float = 30, **options: str) -> Trial:
    return probe.probe("fake", FAKE, expected=expected(), options=options, timeout=timeout)


def test_a_backend_that_works_gives_figures() -> None:
    verdict = probe.probe("fake", FAKE, expected=expected(), timed_runs=3)
    assert (verdict.outcome, verdict.difference) == ("ok", 0.0)
    assert verdict.description is not None
    assert verdict.description.backend == "fake"
    assert verdict.open_seconds is not None
    assert len(verdict.run_seconds) == 2 + 3
    assert "fake works on fake (fake 1, device, fp32): opened in " in verdict.message
    verdict.raise_for_failure()


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGILL, signal.SIGKILL])
@pytest.mark.parametrize(
    ("stage", "when"), [("open", "opening"), ("run", "running"), ("close", "closing")]
)
def test_this_process_survives_a_signal_that_kills_the_other(
    number: signal.Signals, stage: str, when: str
) -> None:
    verdict = probe.probe("fake", FAKE, options={stage: str(int(number))})
    assert verdict.outcome == "died"
    assert f"died by signal {number.name} while {when} it" in verdict.message
    with pytest.raises(DeviceError, match=number.name):
        verdict.raise_for_failure()


def test_the_log_says_where_it_died() -> None:
    assert "Fatal Python error: Segmentation fault" in tried(run=str(int(signal.SIGSEGV))).log


def test_one_that_hangs_is_killed_in_time() -> None:
    before = time.monotonic()
    verdict = tried(timeout=2, run="hang")
    assert time.monotonic() - before < 10
    assert verdict.outcome == "timed out"
    assert "hung while running it: killed after 2 s" in verdict.message


def test_wrong_outputs_are_named_with_their_difference() -> None:
    verdict = tried(scale="1.1")
    assert verdict.outcome == "wrong"
    assert verdict.difference == pytest.approx(0.1, rel=1e-3)
    assert "gives wrong landmarks for fake: off by 0.1 of their range" in verdict.message


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_what_is_no_number_is_wrong_even_without_a_reference(value: str) -> None:
    verdict = probe.probe("fake", FAKE, options={"presence": value})
    assert verdict.outcome == "wrong"
    assert "wrong presence" in verdict.message


def test_outputs_of_other_shapes_than_the_catalogs_are_wrong() -> None:
    verdict = probe.probe("fake", replace(FAKE, outputs=OUTPUTS[:1]))
    assert verdict.outcome == "wrong"
    assert "outputs of the shapes [(1, 4), (1, 1)], not [(1, 4)]" in verdict.message


def test_an_error_that_it_raises_is_raised_here() -> None:
    with pytest.raises(RuntimeMissingError, match=r"^install the fake$"):
        tried(open="error").raise_for_failure()


def test_a_bug_in_it_is_told_in_one_line() -> None:
    verdict = tried(open="bug")
    assert verdict.outcome == "error"
    assert verdict.message.endswith("failed while opening it: ZeroDivisionError: oops")
    assert "Traceback" in verdict.log


def test_a_python_that_cannot_be_started_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    verdict = tried()
    assert verdict.outcome == "error"
    assert "/nowhere/python" in verdict.message


def test_modules_of_the_current_folder_are_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "numpy.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    assert tried().outcome == "ok"


def test_it_is_tried_before_it_is_opened() -> None:
    with pytest.raises(DeviceError, match="died by signal SIGSEGV"):
        open_session("fake", FAKE, options={"run": str(int(signal.SIGSEGV))})


def test_what_worked_is_not_tried_again_and_what_did_not_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = []
    real = probe.probe

    def counted(*args: object, **named: object) -> Trial:
        tries.append(args)
        return real(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(probe, "probe", counted)
    monkeypatch.setattr(probe, "_works", set())
    for _ in range(2):
        open_session("fake", FAKE).close()
    assert len(tries) == 1
    for _ in range(2):
        with pytest.raises(RuntimeMissingError):
            open_session("fake", FAKE, options={"open": "error"})
    assert len(tries) == 3


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    tried(run=str(int(signal.SIGSEGV)))
    assert not list((tmp_path / "temp").iterdir())


def test_differences_are_shares_of_each_outputs_range() -> None:
    ours = [(np.array([[0.0, 10.0]], np.float32), np.array([[0.25]], np.float32))]
    theirs = [(np.array([[1.0, 11.0]], np.float32), np.array([[0.5]], np.float32))]
    assert differences(ours, theirs) == pytest.approx([0.1, 0.25])


def test_another_shape_is_infinitely_far_off() -> None:
    ours = [(np.zeros((1, 3), np.float32),)]
    assert differences(ours, [(np.zeros((1, 4), np.float32),)]) == [np.inf]


@pytest.mark.usefixtures("models")
def test_tflite_in_another_process_answers_as_here() -> None:
    light = store.load("light")
    verdict = probe.probe("tflite", light, expected=answers("tflite", light, sample_inputs(light)))
    assert (verdict.outcome, verdict.difference) == ("ok", 0.0)


def test_a_bad_model_is_a_model_error() -> None:
    verdict = probe.probe("tflite", FAKE)
    assert isinstance(verdict.error, ModelError)
    assert re.match("tflite cannot run fake", verdict.message)

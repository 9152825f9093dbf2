"""What needs minutes: times against an independent loop, and comparisons that do not cry wolf."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from edgehands import isolated
from edgehands.benchmarks.bench import child, yardstick
from edgehands.benchmarks.bench.accuracy import crops
from edgehands.benchmarks.bench.compare import confirmed
from edgehands.benchmarks.bench.plan import make_cases, make_plan
from edgehands.benchmarks.bench.process import come_first
from edgehands.benchmarks.bench.study import Study, Whole
from edgehands.models import store
from edgehands.models.catalog import PLAIN
from edgehands.selection import load_backend

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.benchmarks.bench.compare import Change
    from edgehands.benchmarks.bench.rows import Report
    from edgehands.isolated import Watch

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("models")]

SLEEPY = """
import os, time
from edgehands.backends import tflite
from edgehands.inference import Session

class Sleepy(Session):
    def __init__(self, inner):
        self.inner, self.input = inner, inner.input
        self.share = float(os.environ.get("SLEEP", "0"))

    def run(self):
        begin = time.perf_counter()
        outputs = self.inner.run()
        if self.share:
            time.sleep(self.share * (time.perf_counter() - begin))
        return outputs

    def describe(self):
        return self.inner.describe()

    def close(self):
        self.inner.close()

def open_session(model, **arguments):
    return Sleepy(tflite.open_session(model, **arguments))
"""


@pytest.fixture
def sleepy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a backend that is tflite, and sleeps for $SLEEP of each run's time after it."""
    folder = tmp_path / "sleepy"
    info = folder / "sleepy-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "sleepy_backend.py").write_text(SLEEPY)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sleepy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[edgehands.backends]\nsleepy = sleepy_backend\n")
    monkeypatch.syspath_prepend(folder)


def study() -> Study:
    """`edgehands bench --model light --backend sleepy --threads 1 --duration 2`."""
    cases = make_cases(["light"], ["sleepy"], [1])
    return Study(make_plan(cases, 2.0), Whole(["light"]), "edgehands bench")


def change_since(old: Report) -> tuple[Report, Change]:
    """Measure again and compare."""
    now = study()
    report, (change,) = confirmed(old, now.run(), now.again)
    return report, change


@pytest.mark.usefixtures("sleepy")
def test_the_same_build_never_changed_and_a_sleep_of_15_per_cent_is_a_regression(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last = study().run()
    found = []
    for _ in range(10):
        last, change = change_since(last)
        found.append(change)
    assert [change.verdict for change in found] == ["no change"] * 10, found
    monkeypatch.setenv("SLEEP", "0.15")
    _, change = change_since(last)
    assert change.verdict == "regression", change


def in_turns(job: bytes, watch: Watch) -> bytes:
    """Time runs by the benchmark and by a loop of its own, one by one; the median of either, ms."""
    come_first()
    inner = load_backend("tflite").open_session(
        store.load("light"), batch=1, device=None, threads=int(job), options={}
    )
    interpreter = inner._interpreter  # type: ignore[attr-defined]
    index = interpreter.get_input_details()[0]["index"]
    pictures = crops()
    inputs = [picture[np.newaxis] * np.float32(1 / 255) for picture in pictures.inputs]
    session = child.Timed(inner)
    once = child.passes(session, pictures, PLAIN, "landmarks")
    watch("timing both")
    ours, theirs = [], []
    for number in range(600):
        (wall,), _ = child.times(session, once, 0, least=1)
        interpreter.set_tensor(index, inputs[number % len(inputs)])
        begin = time.perf_counter()
        interpreter.invoke()
        theirs.append(time.perf_counter() - begin)
        ours.append(wall)
    session.close()
    return msgspec.msgpack.encode([1000 * float(np.median(each[50:])) for each in (ours, theirs)])


@pytest.mark.parametrize("threads", [1, 2])
def test_the_times_of_tflite_are_those_of_an_independent_loop(threads: int) -> None:
    ending = isolated.run(f"{__name__}:in_turns", str(threads).encode(), 120, yardstick.ENVIRONMENT)
    assert ending.how == "answered", ending
    ours, theirs = msgspec.msgpack.decode(ending.answer)
    assert ours == pytest.approx(theirs, rel=0.1)

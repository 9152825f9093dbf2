"""The pipeline in each of its states, on the shipped clip and on trackers that only pretend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np
import pytest

from edgehands.benchmarks.bench.pipeline import measure
from edgehands.benchmarks.bench.pipeline_engine import Engine
from edgehands.benchmarks.bench.pipeline_figures import PipelineRow, Spread
from edgehands.benchmarks.bench.pipeline_run import MIN_FRAMES, flat_out, live
from edgehands.benchmarks.bench.pipeline_scenes import FPS, LIVE, SCENES, Clip, Scene
from edgehands.benchmarks.bench.pipeline_sustained import hottest, mean_clock, sustained
from edgehands.doctor.findings import Machine
from edgehands.errors import UsageError
from edgehands.imaging import read_frames
from edgehands.report import FrameReport
from edgehands.synthetic import DEMO_CLIP
from edgehands.synthetic.truth import load_clip_truth

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.hand import Hand, ImageArray
    from edgehands.tracker import HandTracker

TFLITE = Engine("light", "tflite", 2)
SEARCHED = 1 / 6
"""Of frames, where the detector is due every 0.2 s."""


def clip(first: int, count: int) -> Clip:
    """A part of the shipped clip."""
    numbers = range(first, first + count)
    truths = load_clip_truth().frames
    return Clip(list(read_frames(DEMO_CLIP, numbers)), [truths[number] for number in numbers])


def scene(state: str) -> Scene:
    return next(each for each in (*SCENES, LIVE) if each.state == state)


def run(state: str, first: int) -> PipelineRow:
    return flat_out(TFLITE, scene(state), clip(first, 10), 0.0)


def test_a_clip_runs_to_and_fro_and_its_hands_are_known() -> None:
    pictures = [np.full((2, 2, 3), number, np.uint8) for number in range(3)]
    shown = Clip(pictures, [(), (), ()])
    assert [shown.frame_at(n / FPS)[0][0, 0, 0] for n in range(9)] == [0, 1, 2, 1, 0, 1, 2, 1, 0]
    assert len(clip(305, 2).frame_at(0.0)[1]) == 2


@pytest.mark.usefixtures("models")
def test_with_every_hand_in_view_nothing_is_searched() -> None:
    row = run("one hand", first=40)
    assert row.state == "one hand"
    assert row.runs_on.startswith("tflite (")
    assert row.frame_ms.count == MIN_FRAMES
    assert (row.right, row.duty_cycle) == (1, 0)
    assert {"landmarks", "smoothing", "gestures"} <= set(row.stages)
    assert "palm" not in row.stages
    assert row.stages["landmarks"].share == 1
    assert 0 < row.stages["landmarks"].p50_ms < row.frame_ms.p50 <= row.frame_ms.p99
    assert 0 <= row.rest_ms < row.frame_ms.p50
    assert row.cpu_ms > 0
    assert 0 < row.fps < 1000 / row.frame_ms.mean
    assert row.age is None
    assert msgspec.json.decode(msgspec.json.encode(row), type=PipelineRow) == row


@pytest.mark.usefixtures("models")
def test_one_hand_of_two_is_searched_by_the_cadence() -> None:
    row = run("searching", first=40)
    assert row.right == 1
    assert row.duty_cycle == pytest.approx(SEARCHED, abs=0.05)
    assert row.stages["palm"].share == pytest.approx(row.duty_cycle, abs=0.05)


@pytest.mark.usefixtures("models")
def test_an_empty_picture_is_measured_when_the_detector_already_rests() -> None:
    row = run("empty", first=3)
    assert row.right == 1
    assert row.duty_cycle == pytest.approx(SEARCHED, abs=0.05)
    assert "landmarks" not in row.stages


@pytest.mark.usefixtures("models")
def test_a_row_that_is_not_of_its_state_says_so() -> None:
    assert run("two hands", first=40).right == 0
    # The second hand joins a frame after the search that found it.
    assert run("two hands", first=300).right == pytest.approx(1, abs=0.05)


@pytest.mark.usefixtures("models")
def test_live_frames_have_an_age_and_so_have_their_events() -> None:
    row = live(TFLITE, LIVE, clip(52, 22), 1.8)  # a hand that closes, opens, closes
    assert row.age is not None
    assert row.fps <= FPS * 1.05
    assert row.age.frame_ms.count == row.frame_ms.count
    assert row.age.frame_ms.min > row.frame_ms.min
    assert row.age.event_ms is not None
    assert row.age.event_ms.count >= 2
    assert row.age.event_ms.min >= row.frame_ms.min - 0.1


@dataclass
class Pretender:
    """A tracker that reports what it is told to."""

    last: FrameReport
    frames: int = 0
    closed: bool = False

    def update(self, image: ImageArray, time: float) -> list[Hand]:  # noqa: ARG002
        self.frames += 1
        return []

    def describe(self) -> str:
        return "nothing"

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class Pretence(Engine):
    tracked: Pretender | None = None

    def tracker(self, max_hands: int, *, static: bool = False) -> HandTracker:  # noqa: ARG002
        return cast("HandTracker", self.tracked)


def test_stages_that_run_beside_each_other_leave_no_negative_rest() -> None:
    report = FrameReport(0.0, detection="search", stage_ms={"palm, beside": 50.0, "landmarks": 9.0})
    tracker = Pretender(report)
    row = flat_out(Pretence(tracked=tracker), scene("empty"), clip(3, 2), 0.0)
    assert set(row.stages) == {"palm, beside", "landmarks", "gestures"}
    assert row.stages["palm, beside"].p50_ms == 50
    assert (row.rest_ms, row.duty_cycle, row.runs_on) == (0, 1, "nothing")
    assert tracker.closed
    assert tracker.frames > row.frame_ms.count == MIN_FRAMES  # the warm-up is not counted


def test_a_spread_has_the_usual_percentiles() -> None:
    spread = Spread.of([float(value) for value in range(1, 102)])
    assert (spread.p50, spread.p90, spread.p99) == (51, 91, 100)
    assert (spread.min, spread.mean, spread.count) == (1, 51, 101)


def test_heat_and_clock_are_those_of_the_board(tmp_path: Path) -> None:
    def write(name: str, text: str) -> None:
        path = tmp_path / "sys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    machine = Machine(root=tmp_path)
    assert (hottest(machine), mean_clock(machine)) == (None, None)
    write("class/hwmon/hwmon0/temp1_input", "44000\n")
    assert hottest(machine) == 44
    write("class/thermal/thermal_zone0/temp", "40000\n")
    write("class/thermal/thermal_zone1/temp", "61500\n")
    write("class/thermal/thermal_zone2/temp", "-274000\n")  # a sensor that is not there
    assert hottest(machine) == 61.5
    for core, khz in ((0, 1_800_000), (1, 600_000)):
        write(f"devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq", f"{khz}\n")
    assert mean_clock(machine) == 1200


@pytest.mark.slow
@pytest.mark.usefixtures("models")
def test_a_sustained_run_has_its_moments_with_speed_and_heat(tmp_path: Path) -> None:
    zone = tmp_path / "sys" / "class" / "thermal" / "thermal_zone0" / "temp"
    zone.parent.mkdir(parents=True)
    zone.write_text("50000\n")
    moments = []
    for moment in sustained(
        "light", "tflite", 2, duration=0.6, parts=3, machine=Machine(root=tmp_path)
    ):
        moments.append(moment)
        zone.write_text(f"{50 + len(moments)}000\n")
    assert [moment.celsius for moment in moments] == [50, 51, 52]
    assert [moment.seconds for moment in moments] == sorted(moment.seconds for moment in moments)
    assert moments[-1].seconds >= 0.6
    assert all(moment.fps > 0 and moment.p50_ms <= moment.p99_ms for moment in moments)


@pytest.mark.slow
@pytest.mark.usefixtures("models")
def test_every_state_is_measured_in_turn() -> None:
    found = measure("light", "tflite", 2, duration=0.3)
    assert [row.state for row in found] == ["empty", "searching", "one hand", "two hands", "live"]
    assert min(row.right for row in found) > 0.9
    assert [row.age is not None for row in found] == [False, False, False, False, True]
    duty = {row.state: row.duty_cycle for row in found}
    assert duty["one hand"] == duty["two hands"] == 0


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(UsageError, match="no landmark model 'lite'"):
        flat_out(Engine("lite", "tflite"), scene("empty"), clip(3, 2), 0.0)

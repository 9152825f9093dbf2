"""The contest: its arithmetic on made-up runs, one real run of ours, and, on demand, the whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
import typer

from edgehands.benchmarks.vs_mediapipe import contest, peers, play, scenarios, show
from edgehands.benchmarks.vs_mediapipe.__main__ import main
from edgehands.benchmarks.vs_mediapipe.contest import Contender, Rules
from edgehands.benchmarks.vs_mediapipe.figures import (
    Figures,
    agreement,
    best,
    figures,
    middle,
    ratios,
)
from edgehands.benchmarks.vs_mediapipe.play import Account, Job
from edgehands.errors import DeviceError
from edgehands.synthetic import DEMO_CLIP

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.hand import FloatArray


def account(ms: list[float], cpu_ms: float = 0.0) -> Account:
    return Account(ms, cpu_ms, rss_mb=100.0, first_ms=400.0, pixels=7, about={})


def hand(x: float, y: float = 0.0, palm: float = 10.0) -> FloatArray:
    """21 points on a line; the palm's size is `palm`."""
    steps = np.linspace(0, 20 / 9, 21, dtype=np.float32) * palm
    return np.column_stack([np.full(21, x, np.float32), y + steps])


def frame(*hands: FloatArray) -> FloatArray:
    return np.stack(hands) if hands else np.empty((0, 21, 2), np.float32)


def test_a_runs_figures_leave_out_what_decoding_costs() -> None:
    run = account([float(ms) for ms in range(1, 102)], cpu_ms=1010.0)
    cost = figures(run, account([0.0] * 101, cpu_ms=505.0))
    assert cost == Figures(p50=51.0, mean=51.0, p99=100.0, cpu=5.0, rss=100.0, first=400.0)


def test_ratios_are_of_medians_to_the_best_in_each_figure() -> None:
    runs = [Figures(1, 1, 1, 1, 1, 1), Figures(9, 9, 9, 9, 9, 9), Figures(2, 3, 4, 5, 6, 7)]
    ours = middle(runs)
    assert ours == runs[2]
    theirs = best([Figures(4, 9, 8, 10, 60, 14), Figures(5, 6, 9, 11, 12, 70)])
    assert theirs == Figures(4, 6, 8, 10, 12, 14)
    assert ratios(ours, theirs) == Figures(0.5, 0.5, 0.5, 0.5, 0.5, 0.5)


def test_agreement_pairs_the_nearest_hands_whatever_their_order() -> None:
    ours = [frame(hand(101), hand(2)), frame(hand(0))]
    theirs = [frame(hand(0), hand(100)), frame(hand(0), hand(100))]
    found = agreement(ours, theirs)
    assert found.frames == 2
    assert found.distance == pytest.approx((0.1 + 0.2 + 0.0) / 3)
    assert found.same_count == 0.5
    assert found.matched == 0.75


def test_a_hand_elsewhere_agrees_in_number_only() -> None:
    found = agreement([frame(hand(50))], [frame(hand(0))])
    assert (found.distance, found.same_count, found.matched) == (None, 1.0, 0.0)


def test_two_empty_scenes_agree() -> None:
    found = agreement([frame()], [frame()])
    assert (found.distance, found.same_count, found.matched) == (None, 1.0, None)


def test_the_runner_needs_no_edgehands() -> None:
    code = (
        "import runpy, sys; sys.path[:] = [p for p in sys.path if p]; "
        f"runpy.run_path({play.__file__!r}); "
        "print(*[name for name in sys.modules if name.startswith('edgehands.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()


@pytest.mark.usefixtures("models")
def test_a_run_of_edgehands_tells_cost_and_hands(tmp_path: Path) -> None:
    path = tmp_path / "hands.npz"
    job = Job("", str(DEMO_CLIP), 0.0, 1, frames=40, warm_up=30, landmarks=str(path))
    run = contest.start(contest.edgehands("tflite"), job)
    assert len(run.ms) == 10
    assert min(run.ms) > 0
    assert run.cpu_ms > 0
    assert 30 < run.rss_mb < 1000
    assert max(run.ms) < run.first_ms < 60_000
    assert run.about["runs_on"].startswith("tflite")
    hands = play.read_landmarks(path)
    assert len(hands) == 40
    assert hands[-1].shape == (1, 21, 2)
    decoding = contest.start(contest.edgehands("tflite"), Job("decode", str(DEMO_CLIP), 0.0))
    assert decoding.pixels == run.pixels
    assert decoding.rss_mb < run.rss_mb


def test_landmarks_survive_their_file(tmp_path: Path) -> None:
    path = tmp_path / "hands.npz"
    play._write([[], [hand(1), hand(2)], [], [hand(3)]], path)
    assert [len(hands) for hands in play.read_landmarks(path)] == [0, 2, 0, 1]
    play._write([[], []], path)
    assert [hands.shape for hands in play.read_landmarks(path)] == [(0, 21, 2)] * 2


def test_a_run_that_fails_says_its_last_words() -> None:
    broken = Contender("broken", "decode", (sys.executable, "-c", "raise SystemExit('no hands')"))
    with pytest.raises(DeviceError, match="broken failed on clip: no hands"):
        contest.start(broken, Job("", "clip", 0.0))


def test_everybody_runs_in_every_round_and_nobody_always_begins() -> None:
    command = (sys.executable, play.__file__)
    contenders = [Contender(name, "decode", command) for name in "ABC"]
    steps: list[str] = []
    scenario = scenarios.Scenario("demo", "the demo", 1, lambda _media: DEMO_CLIP)
    rules = Rules(repeat=2, frames=20)
    result = contest.compete(scenario, DEMO_CLIP, contenders, rules, steps.append)
    assert "".join(steps) == "ABCBCA"
    assert result.frames == 10
    assert {name: len(rounds) for name, rounds in result.rounds.items()} == dict.fromkeys("ABC", 2)


def test_a_run_beside_busy_neighbours_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = os.cpu_count() or 1
    clock, worked = iter(range(100)), iter([0, 0.5 * cores, 5, 5 + 0.1 * cores])
    monkeypatch.setattr(contest, "monotonic", lambda: next(clock))
    monkeypatch.setattr(contest, "_others_seconds", lambda: next(worked))
    monkeypatch.setattr(contest, "sleep", lambda _seconds: None)
    runs = iter([account([9.0]), account([4.0])])
    monkeypatch.setattr(contest, "start", lambda _contender, _job: next(runs))
    run, others = contest._calmly(contest.edgehands("tflite"), Job("", "clip", 0.0), calm=0.2)
    assert run.ms == [4.0]
    assert others == pytest.approx(0.1)


def made_up_result() -> contest.Result:
    result = contest.Result("asl-1", "one hand")
    theirs = [Contender("mediapipe solutions", "solutions"), Contender("mediapipe tasks", "tasks")]
    everybody = [*theirs, Contender("edgehands tflite", "edgehands")]
    costs = {
        everybody[0].name: [Figures(10, 10, 20, 10, 200, 800), Figures(12, 10, 20, 10, 200, 800)],
        everybody[1].name: [Figures(11, 11, 16, 12, 250, 700), Figures(11, 11, 16, 12, 250, 700)],
        everybody[2].name: [Figures(5, 5, 8, 10, 100, 350), Figures(7, 5, 8, 10, 100, 350)],
    }
    result.rounds = costs
    hands = {
        everybody[0].name: [frame(hand(0))],
        everybody[1].name: [frame(hand(0.5))],
        everybody[2].name: [frame(hand(0.1))],
    }
    contest._conclude(result, everybody, hands)
    return result


def test_the_table_has_ratios_their_range_and_the_agreement() -> None:
    (row,) = show.ratio_rows([made_up_result()])
    assert row == (
        *("one hand", "edgehands tflite", "0.55", "0.50–0.64"),
        *("0.50", "0.50", "1.00", "0.50", "0.50", "1.0%", "5.0%", "100%"),
    )
    assert len(row) == len(show.RATIO_HEADS)
    assert show.markdown(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_what_makes_the_figures_less_sure_is_said() -> None:
    result = made_up_result()
    assert show.noise([result]) == ""
    result.others = {"edgehands tflite": [0.02, 0.3, 0.4]}
    assert "took 30% of the cores" in show.noise([result])
    result.about = {name: {"pixels": 7} for name in result.figures}
    assert show.other_pixels(result) == ""
    result.about["mediapipe solutions"] = {"pixels": 8}
    assert "the OpenCV of mediapipe solutions decodes it" in show.other_pixels(result)


def test_the_plot_is_drawn_or_its_absence_told(tmp_path: Path) -> None:
    drawn = show.plot([made_up_result()], tmp_path / "plot.png")
    assert drawn == (tmp_path / "plot.png").exists()


def test_without_real_media_the_drawn_scenarios_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGEHANDS_MEDIA", raising=False)
    assert not any(scenario.real for scenario in scenarios.default_scenarios(None))
    assert {each.max_hands for each in scenarios.default_scenarios(None)} == {1, 2}
    with pytest.raises(typer.Exit) as exit_:
        main(scenario=["asl-1"])
    assert exit_.value.exit_code == 66


def test_a_wrong_name_is_refused_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as exit_:
        main(scenario=["als-1"])
    assert exit_.value.exit_code == 2
    assert "no scenario 'als-1': did you mean" in capsys.readouterr().err


def test_the_moving_view_is_the_same_each_time(tmp_path: Path) -> None:
    from edgehands.outputs.video import write_picture

    picture = np.random.default_rng(3).integers(0, 255, (48, 64, 3), np.uint8)
    write_picture(tmp_path / "photo.png", picture)
    views = [list(islice(scenarios.pan_and_zoom(tmp_path / "photo.png", 5), 3)) for _ in range(2)]
    assert [view.shape for view in views[0]] == [(720, 1280, 3)] * 3
    assert all(np.array_equal(a, b) for a, b in zip(*views, strict=True))
    assert not np.array_equal(views[0][0], views[0][1])


@pytest.mark.usefixtures("models")
def test_the_command_writes_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(skipped: object) -> list[Contender]:
        skipped("mediapipe: no wheel")  # type: ignore[operator]
        return []

    monkeypatch.setattr(contest, "mediapipe", nobody)
    main(scenario=["demo"], backend=["tflite"], repeat=1, frames=20, out=tmp_path)
    record = json.loads((tmp_path / "vs_mediapipe.json").read_text())
    assert record["skipped"] == ["mediapipe: no wheel"]
    (scenario,) = record["scenarios"]
    assert scenario["figures"]["edgehands tflite"]["p50"] > 0
    assert "| edgehands tflite |" in (tmp_path / "vs_mediapipe.md").read_text()


@pytest.mark.system
def test_a_package_that_cannot_be_had_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(peers, "_interpreters", lambda: [sys.executable])
    with pytest.raises(peers.NoPeerError, match=r"nothing\.whl"):
        peers.environment(peers.Package("nothing", "/nowhere/nothing.whl"))
    assert not (tmp_path / "edgehands" / "peers" / "nothing").exists()


@pytest.mark.system
@pytest.mark.usefixtures("models")
def test_both_mediapipes_and_edgehands_see_the_same_hand(tmp_path: Path) -> None:
    main(scenario=["drawn-1"], backend=["tflite"], repeat=1, frames=40, out=tmp_path)
    record = json.loads((tmp_path / "vs_mediapipe.json").read_text())
    if record["skipped"]:
        pytest.skip("; ".join(record["skipped"]))
    (scenario,) = record["scenarios"]
    assert len(scenario["figures"]) == 3
    for agreed in scenario["agreement"]["edgehands tflite"].values():
        assert agreed["same_count"] == 1
        assert agreed["distance"] < 0.05
    assert scenario["ratios"]["edgehands tflite"]["rss"] < 1

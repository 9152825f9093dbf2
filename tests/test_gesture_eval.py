"""The evaluation of gestures: its hands, how it imitates the model, its sums, its command."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

from edgehands.benchmarks.gestures import positives, rendered, show, tally
from edgehands.benchmarks.gestures.evaluation import Effort, Report
from edgehands.benchmarks.gestures.trial import Start, Trial, judge, starts
from edgehands.cli.commands import app
from edgehands.gestures.motions import MOTIONS
from edgehands.gestures.vocabulary import shipped_vocabulary
from edgehands.hand import Landmark
from edgehands.synthetic import anatomy
from edgehands.synthetic.camera import Placement
from edgehands.synthetic.dataset import REPORTING_SEED, TUNING_SEED
from edgehands.synthetic.gesturing import film
from edgehands.synthetic.gesturing.idle import KINDS, idle_scene
from edgehands.synthetic.gesturing.imitation import Canonical, load_imitation
from edgehands.synthetic.gesturing.kinematics import joints_of, rotations
from edgehands.synthetic.gesturing.moves import dynamic_scene
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.performance import CAMERA, Performance
from edgehands.synthetic.gesturing.scenes import static_scene
from edgehands.synthetic.gesturing.shapes import SHAPES
from edgehands.synthetic.gesturing.stage import rng_of, tip_gap
from edgehands.synthetic.pose import pose_skeleton
from edgehands.synthetic.scene import Actor

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.synthetic.gesturing.performance import Scene

SEED = 8


def test_many_poses_at_once_are_what_each_is_alone() -> None:
    poses = [shape.pose for variants in SHAPES.values() for shape in variants]
    person = anatomy.varied(anatomy.ADULT, np.random.default_rng(1))
    together = joints_of(person, np.array([pose.to_array() for pose in poses]))
    for joints, pose in zip(together, poses, strict=True):
        assert np.allclose(joints, pose_skeleton(person, pose).joints)
    turn = Placement((0.0, 0.0, 1.0), 20.0, 30.0, 40.0)
    assert np.allclose(rotations(np.array([[20.0, 30.0, 40.0]]))[0], turn.rotation)


@pytest.mark.parametrize("left", [False, True])
def test_a_performance_has_the_truth_of_the_picture(left: bool) -> None:
    shape = SHAPES["victory"][0]
    part = Performance(
        shape.pose.to_array()[None],
        np.array([[20.0, -30.0, 600.0]]),
        np.array([[9.0, 8.0, 7.0]]),
        left,
    )
    placement = Placement((20.0, -30.0, 600.0), 9.0, 8.0, 7.0, left)
    truth = Actor(placement, shape.pose).truth(CAMERA)
    landmarks, world = part.truth()
    assert np.allclose(landmarks[0], truth.landmarks, atol=1e-3)
    assert np.allclose(world[0], truth.world_landmarks, atol=1e-6)


def test_every_static_gesture_of_the_vocabulary_is_shown() -> None:
    assert set(shipped_vocabulary()) == set(SHAPES)
    assert set(positives.GESTURES) == {*shipped_vocabulary(), *MOTIONS}


def test_a_scene_is_known_by_its_seed_and_number() -> None:
    one, same = (static_scene("rock", SEED, 3).performances[0] for _ in range(2))
    other = static_scene("rock", SEED, 4).performances[0]
    assert np.array_equal(one.angles, same.angles)
    assert not np.array_equal(one.angles[0], other.angles[0])


@pytest.mark.parametrize("gesture", ["pinch", "ok"])
def test_fingertips_that_should_meet_do_for_everybody(gesture: str) -> None:
    for number in range(12):
        scene = static_scene(gesture, SEED, number)
        (part,) = scene.performances
        middle = np.searchsorted(scene.times, sum(scene.shown) / 2)
        assert tip_gap(part.anatomy, part.angles[middle]) < 0.24


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"changing"}))
def test_hands_that_mean_nothing_do_not_pinch(kind: str) -> None:
    scene = idle_scene(kind, SEED, 1, seconds=10.0)
    (part,) = scene.performances
    gaps = [tip_gap(part.anatomy, angles) for angles in part.angles[::5]]
    assert min(gaps) > 0.35


@pytest.mark.parametrize("kind", ["random", "reaching", "resting"])
def test_nor_do_they_seem_to_as_the_camera_sees_them(kind: str) -> None:
    near = []
    for number in range(3):
        (part,) = idle_scene(kind, SEED, number, seconds=20.0).performances
        _, world = part.truth()
        tips = world[:, Landmark.THUMB_TIP, :2] - world[:, Landmark.INDEX_TIP, :2]
        palm = world[:, Landmark.MIDDLE_MCP] - world[:, Landmark.WRIST]
        near.append(np.linalg.norm(tips, axis=1) / np.linalg.norm(palm, axis=1) < 0.25)
    assert np.mean(np.concatenate(near)) < 0.002


def test_four_films_of_each_kind_of_idle_hand_are_five_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is drawn here: the pictures are empty, and so is what starts in them."""
    picture = np.zeros((360, 480, 3), np.uint8)
    monkeypatch.setattr(
        rendered, "film", lambda scene, *_, **__: ((time, picture) for time in scene.times[:1])
    )
    shot = [
        rendered.try_idle_film(SEED, kind, number)
        for kind in rendered.NOTHING
        for number in range(4)
    ]
    assert sum(seconds for _, seconds in shot) >= 5 * 60
    assert {trial.gesture for trial, _ in shot} == {""}
    assert not any(trial.wrong for trial, _ in shot)


@pytest.mark.slow
@pytest.mark.usefixtures("models")
def test_open_hands_about_to_clap_are_no_four() -> None:
    """Their thumbs seem to lie across the palm, so far are they turned aside."""
    seed, number = 86453, 3
    scene = rendered.filmed("clap", seed, number)
    pictures = rendered.watched(scene, seed, skin=film.SKINS[number])
    seen = list(islice(pictures, 6))
    assert all(hands for _, hands in seen)
    assert "four" not in {start.gesture for start in starts(seen)}


def test_a_film_is_drawn_anew_when_anything_that_makes_it_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def remember(name: str, make: object) -> bytes:  # noqa: ARG001
        asked.append(name)
        raise InterruptedError

    def name_of(scene: Scene, **look: int) -> str:
        with pytest.raises(InterruptedError):
            next(film.film(scene, SEED, skin=look.get("skin", 1)))
        return asked[-1]

    monkeypatch.setattr(film, "cached", remember)
    scene = static_scene("rock", SEED, 3)
    before = name_of(scene)
    assert name_of(scene) == before
    (part,) = scene.performances
    moved = replace(scene, performances=(replace(part, angles=part.angles + 0.01),))
    assert name_of(moved) != before
    assert name_of(scene, skin=3) != before
    monkeypatch.setattr(film, "CAMERA", replace(CAMERA, focal=500.0))
    assert name_of(scene) != before


def test_the_imitation_flattens_depth_as_the_model_does() -> None:
    imitation = load_imitation()
    true, said = [], []
    for number in range(60):
        scene = static_scene("open_palm", SEED, number)
        (part,) = scene.performances
        hands = Canonical.of(*part.truth(), left=part.left)
        _, world = imitation.measured(part, scene.times, rng_of(SEED, "noise", number))
        brought = hands.brought_here(world, world)[1]
        tips = brought[:, Landmark.MIDDLE_TIP, 2] - brought[:, Landmark.WRIST, 2]
        said.append(tips.mean())
        true.append((hands.world[:, Landmark.MIDDLE_TIP, 2] - hands.world[:, 0, 2]).mean())
    slope = np.polyfit(true, said, 1)[0]
    assert 0.3 < slope < 0.95
    assert imitation.world_slopes[2] == pytest.approx(0.64, abs=0.12)


def test_the_imitation_is_the_same_for_both_hands() -> None:
    scene = static_scene("three_american", SEED, 0)
    (part,) = scene.performances
    mirrored = replace(
        part,
        left=not part.left,
        places=part.places * (-1, 1, 1),
        turns=part.turns * (-1, 1, -1),
    )
    one, other = (
        load_imitation().measured(each, scene.times, rng_of(SEED, "noise", 0))
        for each in (part, mirrored)
    )
    assert np.allclose(one[1], other[1] * (-1, 1, 1), atol=1e-6)


def test_a_hand_that_comes_back_into_the_picture_has_a_new_id() -> None:
    scene = idle_scene("passing", SEED, 0, seconds=12.0, fps=10.0)
    ids = [hands[0].id for _, hands in observe(scene, rng_of(SEED, "noise", 0)) if hands]
    assert len(set(ids)) > 2
    assert ids == sorted(ids)


def test_a_trial_counts_the_first_start_in_time_and_nothing_twice() -> None:
    scene = dynamic_scene("swipe_left", SEED, 0)
    begin, over = scene.shown
    starts = [
        *(Start("open_palm", 0.2), Start("swipe_left", begin - 0.4)),
        *(Start("swipe_left", over + 0.1), Start("swipe_left", over + 0.2), Start("clap", over)),
    ]
    trial = judge(scene, starts)
    assert trial.delay == pytest.approx(over + 0.1 - begin)
    assert Counter(start.gesture for start in trial.wrong) == {"swipe_left": 2, "clap": 1}
    assert judge(scene, []).delay is None


def test_rows_count_recall_precision_and_false_starts() -> None:
    trials = [
        Trial("fist", 10.0, 0.2, ()),
        Trial("fist", 10.0, None, (Start("clap", 1.0),)),
        Trial("fist", 30.0, 0.4, ()),
        Trial("clap", 10.0, 0.1, (Start("fist", 1.0),)),
    ]
    films = [Trial("fist", 5.0, 0.3, ()), Trial("clap", 5.0, None, (Start("fist", 0.1),))]
    fist, clap = tally.rows(["fist", "clap"], trials, films, Counter({"clap": 3}), 6.0)
    assert (fist.recall.share, fist.recall_beyond.share) == (0.5, 1.0)
    assert fist.precision == pytest.approx(2 / 3)
    assert fist.delay_p50 == pytest.approx(0.3)
    assert (fist.rendered.found, fist.rendered_false) == (1, 1)
    assert (clap.false_starts, clap.false_per_hour, clap.precision) == (3, 0.5, 0.5)


def test_markdown_has_a_line_for_each_gesture_and_the_command() -> None:
    rows = tally.rows(["fist"], [Trial("fist", 1.0, 0.2, ())], [], Counter(), 1.0)
    report = Report("edgehands gestures eval", SEED, Effort(), rows, 0.0, {}, [])
    text = show.markdown(report)
    assert "`edgehands gestures eval`: seed 8" in text
    assert "| fist | 100.0% of 1 | – | – | 100.0% | 0.20 | 0.20 | 0 | – |" in text


def test_what_is_reported_was_not_tuned_on() -> None:
    assert REPORTING_SEED != TUNING_SEED


def test_eval_prints_every_gesture_as_json(tmp_path: Path) -> None:
    file = tmp_path / "gestures.md"
    words = ["gestures", "eval", "--quick", "--scenes", "1", "--hours", "0.017", "--json"]
    result = CliRunner().invoke(app, [*words, "--markdown", str(file)])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert {row["gesture"] for row in report["rows"]} == set(positives.GESTURES)
    assert report["command"] == "edgehands gestures eval --quick --scenes 1 --hours 0.017"
    assert report["seed"] == REPORTING_SEED
    assert "| open_palm |" in file.read_text()

"""Gestures learned by example: seen on other hands and views, and nothing else taken for them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from edgehands.errors import ConfigError, InputError
from edgehands.gestures.learned import LearnedMotion, LearnedMotions, LearnedPose, LearnedPoses
from edgehands.gestures.learned.shapes import hand_shape
from edgehands.gestures.learned.store import load_learned, read_learned, save_learned
from edgehands.gestures.learned.warping import straight_distances, warped_distance
from edgehands.hand import Hand, Roi
from edgehands.learning.motions import learn_motion
from edgehands.learning.poses import learn_pose
from edgehands.learning.takes import Take, cut
from edgehands.recording import Entry, Header, Writer
from edgehands.replay import interpreter_of
from edgehands.settings import GestureRules
from edgehands.synthetic.dataset import TUNING_SEED
from edgehands.synthetic.gesturing.moves import dynamic_scene
from edgehands.synthetic.gesturing.novel import NOVEL, novel_motion_scene, novel_scene
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.scenes import static_scene
from edgehands.synthetic.pose import rotation_x, rotation_y, rotation_z

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.gestures.learned import Learned
    from edgehands.synthetic.gesturing.performance import Scene


def seen(scene: Scene) -> list[tuple[float, list[Hand]]]:
    """What the tracker would report of a scene, always the same."""
    return list(observe(scene, np.random.default_rng(4)))


def takes_of(scene: Scene) -> list[Take]:
    return cut("take", seen(scene)).takes


def held(scene: Scene) -> list[Hand]:
    """The hands of a scene while its pose is held."""
    begin, end = scene.shown
    return [hand for time, hands in seen(scene) if begin + 0.1 <= time <= end for hand in hands]


@pytest.fixture(scope="module")
def poses() -> tuple[LearnedPose, ...]:
    """Two new poses, from five takes each."""
    learned = []
    for name in ("pinky_up", "ring_pinky_up"):
        scenes = [novel_scene(name, TUNING_SEED, n, max_tilt=15.0, hold=2.0) for n in range(5)]
        takes = [take for scene in scenes for take in takes_of(scene)]
        gesture = learn_pose(name, takes).gesture
        assert isinstance(gesture, LearnedPose)
        learned.append(gesture)
    return tuple(learned)


@pytest.fixture(scope="module")
def motion() -> LearnedMotion:
    """A zigzag in the air, from five takes."""
    scenes = [novel_motion_scene("zigzag", TUNING_SEED, n, max_tilt=15.0) for n in range(5)]
    takes = [take for scene in scenes for take in takes_of(scene)]
    gesture = learn_motion("zigzag", takes).gesture
    assert isinstance(gesture, LearnedMotion)
    return gesture


def test_a_shape_is_free_of_place_size_side_and_turn() -> None:
    (hand,) = held(novel_scene("pinky_up", TUNING_SEED, 0, fps=10.0))[:1]
    shape = hand_shape(hand)
    turn = (rotation_z(50.0) @ rotation_x(30.0) @ rotation_y(-70.0)).astype(np.float32)
    moved = hand.world_landmarks @ turn.T * 1.3 + np.float32(0.2)
    np.testing.assert_allclose(
        hand_shape(replace(hand, world_landmarks=moved)).points, shape.points, atol=1e-4
    )
    mirrored = replace(
        hand,
        world_landmarks=hand.world_landmarks * np.array((-1, 1, 1), np.float32),
        handedness="left" if hand.handedness == "right" else "right",
    )
    np.testing.assert_allclose(hand_shape(mirrored).points, shape.points, atol=1e-4)
    np.testing.assert_allclose(shape.attitude @ shape.attitude.T, np.eye(3), atol=1e-4)
    assert np.linalg.det(shape.attitude) == pytest.approx(1.0, abs=1e-4)


def test_two_poses_from_five_takes_are_seen_on_other_hands(poses: tuple[LearnedPose, ...]) -> None:
    interpreter = interpreter_of(Header(run="r", camera="c", learned=poses))
    for gesture in poses:
        found = [
            interpreter.pose(hand)
            for number in range(100, 130)
            for hand in held(novel_scene(gesture.name, TUNING_SEED, number, fps=5.0))
        ]
        right = sum(pose is not None and pose.gesture == gesture.name for pose in found)
        assert right >= 0.95 * len(found)


def test_the_vocabulary_is_not_taken_for_what_was_learned(poses: tuple[LearnedPose, ...]) -> None:
    interpreter = interpreter_of(Header(run="r", camera="c", learned=poses))
    for name in ("call_me", "fist", "open_palm", "rock", "spiderman", "four", "ok"):
        found = [
            interpreter.pose(hand)
            for number in range(12)
            for hand in held(static_scene(name, TUNING_SEED, number, max_tilt=25.0, fps=5.0))
        ]
        wrong = sum(pose is not None and pose.gesture in NOVEL for pose in found)
        assert wrong <= 0.02 * len(found), name


def test_a_learned_pose_becomes_events_with_rules(poses: tuple[LearnedPose, ...]) -> None:
    scene = novel_scene("pinky_up", TUNING_SEED, 300, fps=30.0)

    def events(**rules: GestureRules) -> list[str]:
        header = Header(run="r", camera="c", learned=poses, gestures=rules)
        interpreter = interpreter_of(header)
        frames = seen(scene)
        found = [
            event
            for time, hands in frames
            for event in interpreter.update(hands, time, time, (480, 360))
        ]
        return [event.event_type for event in found if event.gesture == "pinky_up"]

    assert events()[0] == "pinky_up"
    assert "pinky_up_end" in events()
    assert events(pinky_up=GestureRules(enabled=False)) == []


def test_the_nearest_example_decides_and_its_distance_is_told(
    poses: tuple[LearnedPose, ...],
) -> None:
    reader = LearnedPoses(poses)
    (hand,) = held(novel_scene("pinky_up", TUNING_SEED, 101, fps=10.0))[-1:]
    mine, other = reader.explain(hand)
    assert mine.gesture == "pinky_up"
    assert mine.score > 0.5 > other.score
    near, nearest = mine.conditions
    assert near.measured == nearest.measured < min(near.high, nearest.high)
    assert near.high == poses[0].within
    assert [pose.score for pose in reader.scores(hand)] == [mine.score, other.score]


def test_how_a_hand_is_turned_can_belong_to_the_gesture() -> None:
    scenes = [novel_scene("pinky_up", TUNING_SEED, n, max_tilt=10.0, hold=2.0) for n in range(3)]
    takes = [take for scene in scenes for take in takes_of(scene)]
    gesture = learn_pose("upright", takes, attitude=True).gesture
    assert isinstance(gesture, LearnedPose)
    reader = LearnedPoses([gesture])
    (hand,) = held(novel_scene("pinky_up", TUNING_SEED, 102, max_tilt=5.0, fps=10.0))[-1:]
    turn = rotation_z(90.0).astype(np.float32)
    aside = replace(hand, world_landmarks=hand.world_landmarks @ turn.T)
    assert reader.best(hand) is not None
    assert reader.best(aside) is None
    assert [condition.measure for condition in reader.explain(aside)[0].conditions][-1] == "turn"


def test_what_the_vocabulary_has_already_is_refused() -> None:
    takes = [
        take
        for number in range(3)
        for take in takes_of(static_scene("fist", TUNING_SEED, number, max_tilt=10.0, hold=2.0))
    ]
    with pytest.raises(InputError, match="examples look like 'fist', which EdgeHands knows"):
        learn_pose("hammer", takes)


def test_negatives_of_the_user_are_kept_with_it() -> None:
    takes = [
        take
        for number in range(3)
        for take in takes_of(novel_scene("pinky_up", TUNING_SEED, number, max_tilt=15.0, hold=2.0))
    ]
    away = held(novel_scene("ring_pinky_up", TUNING_SEED, 7, fps=10.0))
    gesture = learn_pose("little_finger", takes, away).gesture
    assert isinstance(gesture, LearnedPose)
    others = np.array(gesture.others) / 1000
    points = hand_shape(away[0]).points
    assert np.linalg.norm(others - points, axis=1).min() < 0.01


def test_a_take_goes_on_while_one_hand_is_alone_in_view() -> None:
    points = np.zeros((21, 3), np.float32)

    def hand(id_: int) -> Hand:
        return Hand(id_, points, points, 1.0, "right", 1.0, Roi(0.0, 0.0, 1.0, 0.0))

    one, two = hand(1), hand(2)
    found = cut("x", [(0.0, []), (0.1, [one]), (0.2, [one]), (0.3, [one, two]), (0.4, [two])])
    assert [take.times for take in found.takes] == [[0.1, 0.2], [0.4]]
    assert (found.empty, found.crowded) == (1, 1)
    assert len(cut("x", [(0.1, [one]), (0.2, [one])], single=True).takes) == 2


def test_warping_forgives_a_change_of_pace_but_not_of_way() -> None:
    time = np.linspace(0.0, 1.0, 20)

    def way(
        moments: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.column_stack([np.sin(6 * moments), np.cos(6 * moments)]).astype(np.float32)

    even, uneven, back = way(time), way(time**1.4), way(1 - time)
    assert warped_distance(even, even) == pytest.approx(0.0, abs=1e-6)
    assert warped_distance(even, uneven) < 0.3 * straight_distances(even, uneven[None])[0]
    assert warped_distance(even, back) > 4 * warped_distance(even, uneven)


def starts(scene: Scene, motion: LearnedMotion, rules: GestureRules | None = None) -> list[str]:
    reader = LearnedMotions([motion], {motion.name: rules} if rules else None)
    return [found.gesture for time, hands in seen(scene) for found in reader.update(hands, time)]


def test_a_motion_from_five_takes_is_seen_once_each_time(motion: LearnedMotion) -> None:
    scenes = [novel_motion_scene("zigzag", TUNING_SEED, number) for number in range(100, 121)]
    found = [starts(scene, motion) for scene in scenes]
    assert sum(each == ["zigzag"] for each in found) >= 20
    assert starts(scenes[0], motion, GestureRules(enabled=False)) == []


@pytest.mark.parametrize("name", ["swipe_right", "wave", "circle_clockwise", "push", "grab"])
def test_other_motions_are_not_taken_for_it(name: str, motion: LearnedMotion) -> None:
    for number in range(4):
        assert starts(dynamic_scene(name, TUNING_SEED, number), motion) == []


def test_a_take_at_rest_is_no_motion() -> None:
    takes = takes_of(static_scene("fist", TUNING_SEED, 1, fps=30.0))
    still = [Take("rest", take.times[20:30], [take.hands[20]] * 10) for take in takes]
    with pytest.raises(InputError, match=r"rest: no motion of 0\.2 to 4\.0 s in it"):
        learn_motion("nothing_much", still)


def test_what_was_learned_comes_back_from_its_file(
    poses: tuple[LearnedPose, ...], motion: LearnedMotion, tmp_path: Path
) -> None:
    gestures: tuple[Learned, ...] = (*poses, motion)
    for gesture in gestures:
        save_learned(gesture, tmp_path)
    assert load_learned(tmp_path) == (*poses, motion)
    content = msgspec.msgpack.encode(Header(run="r", camera="c", learned=(*poses, motion)))
    assert msgspec.msgpack.decode(content, type=Header).learned == (*poses, motion)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"kind":"pose","name":"x","within":0.2,"takes":1,"examples":[]}',
        b'{"kind":"pose","name":"x","within":0.2,"takes":1,"examples":[[1,2,3]]}',
        b'{"kind":"motion","name":"x","within":0.2,"takes":1,"examples":[[1]],"seconds":[1]}',
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"x\.json: no learned gesture .*: rm "):
        read_learned(path)


def test_a_folder_that_is_not_there_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder of learned gestures"):
        load_learned(tmp_path / "none")


def edgehands(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgehands", "gestures", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Four takes of a new pose."""
    folder = tmp_path_factory.mktemp("takes")
    names = []
    for number in range(4):
        scene = novel_scene("pinky_up", TUNING_SEED, number, max_tilt=15.0, hold=2.0)
        path = folder / f"{number}.hands"
        with Writer(path, Header(run="r", camera="c", width=480, height=360)) as writer:
            for time, hands in seen(scene):
                writer.write(Entry(time, time, hands))
            writer.end()
        names.append(str(path))
    return names


def test_a_gesture_is_learned_tried_listed_and_forgotten(
    recordings: list[str], tmp_path: Path
) -> None:
    folder = ("--folder", str(tmp_path))
    sources = [part for name in recordings[:3] for part in ("--from", name)]
    learned = edgehands("learn", "pinky_up", *sources, *folder)
    assert learned.returncode == 0, learned.stderr
    assert "pinky_up: 24 examples from 3 takes" in learned.stdout
    assert f"kept in {tmp_path}/pinky_up.json" in learned.stderr
    tried = edgehands("test", f"pinky_up={recordings[3]}", *folder, "--json")
    counts = json.loads(tried.stdout)["pinky_up"]
    assert counts["pinky_up"] > 0.5 * sum(counts.values())  # the way there and back is in it
    assert set(counts) <= {"pinky_up", "nothing"}
    assert "pinky_up: pose, 24 examples from 3 takes" in edgehands("list", *folder).stdout
    assert edgehands("forget", "pinky_up", *folder).returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("learn", "fist", "--from", "x"), 2, "there is a gesture 'fist' already"),
        (("learn", "My Sign", "--from", "x"), 2, "'My Sign' is no name for a gesture"),
        (("learn", "sign", "--from", "/none.mp4"), 66, "/none.mp4"),
        (("learn", "sign"), 2, "--from"),
        (("test", "fist"), 2, "'fist' is not NAME=SOURCE"),
        (("test", "fst=x"), 2, "no gesture 'fst': did you mean 'fist'?"),
        (("forget", "sign"), 2, "no learned gesture 'sign'"),
    ],
)
def test_a_mistake_is_answered_in_one_line(
    arguments: tuple[str, ...], code: int, message: str
) -> None:
    answer = edgehands(*arguments)
    assert answer.returncode == code
    assert message in answer.stderr.splitlines()[-1]
    assert "Traceback" not in answer.stderr

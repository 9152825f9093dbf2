"""Finger states and static gestures, read from hands built joint by joint."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands.errors import ConfigError
from edgehands.gestures.fingers import joint_angles, read_fingers
from edgehands.gestures.poses import PoseReader
from edgehands.gestures.vocabulary import read_vocabulary, shipped_vocabulary
from edgehands.hand import FINGERS, FloatArray, Hand, Handedness, Roi
from edgehands.settings import GestureRules

if TYPE_CHECKING:
    from pathlib import Path

PALM = 0.09  # metres

_BASES = {
    "index": (0.25, -0.97),
    "middle": (0.0, -1.0),
    "ring": (-0.22, -0.94),
    "pinky": (-0.42, -0.84),
}
_BONES = (0.45, 0.28, 0.22)
_THUMBS = {
    "apart": [(0.3, -0.2, -0.1), (0.55, -0.45, -0.15), (0.8, -0.6, -0.15), (1.0, -0.75, -0.15)],
    "in": [(0.3, -0.2, -0.15), (0.4, -0.5, -0.3), (0.3, -0.75, -0.4), (0.1, -0.9, -0.35)],
}
HITCHHIKER = [(0.3, -0.3, -0.1), (0.6, -0.4, -0.1), (0.9, -0.42, -0.1), (1.2, -0.43, -0.1)]


def turned(points: FloatArray, axis: str, degrees: float) -> FloatArray:
    """Turn about x, y or z; about z it is clockwise in the image."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    a, b = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    turn = np.eye(3, dtype=np.float32)
    turn[a, a] = turn[b, b] = cos
    turn[a, b], turn[b, a] = sin, -sin
    return points @ turn


def skeleton(
    straight: str = "",
    thumb: str = "in",
    thumb_points: list[tuple[float, float, float]] | None = None,
    bends: dict[str, float] | None = None,
) -> FloatArray:
    """World landmarks of an upright hand, palm to the camera.

    Args:
        straight: the straight fingers; the others are curled into the palm.
        thumb: "apart" or "in".
        thumb_points: instead of `thumb`.
        bends: degrees at each joint of a finger, instead of straight or curled.
    """
    points = np.zeros((21, 3), np.float32)
    points[1:5] = thumb_points or _THUMBS[thumb]
    for name, base in _BASES.items():
        bend = (bends or {}).get(name, 10.0 if name in straight.split() else 80.0)
        at = np.array([*base, 0.0])
        angle = 0.0
        points[FINGERS[name][0]] = at
        for joint, length in zip(FINGERS[name][1:], _BONES, strict=True):
            angle += math.radians(bend)
            at = at + length * np.array([0, -math.cos(angle), -math.sin(angle)])
            points[joint] = at
    return points * np.float32(PALM)


ALL = "index middle ring pinky"
POSES = {
    "open_palm": skeleton(ALL, "apart"),
    "fist": skeleton(),
    "victory": skeleton("index middle"),
    "pointing_up": skeleton("index"),
    "thumb_up": turned(skeleton(thumb_points=HITCHHIKER), "z", -80),
}


def hand(world: FloatArray, side: Handedness = "right") -> Hand:
    """The hand as a camera straight ahead sees it, 1000 pixels a metre."""
    pixels = world * np.float32(1000) + np.array([320, 400, 0], np.float32)
    return Hand(1, pixels, world, 0.9, side, 0.9, Roi(320, 300, 400, 0))


def mirrored(world: FloatArray) -> FloatArray:
    return world * np.array([-1, 1, 1], np.float32)


def named(world: FloatArray) -> str | None:
    best = PoseReader(shipped_vocabulary()).best(hand(world))
    return best.gesture if best else None


@pytest.mark.parametrize("finger", list(_BASES))
def test_each_finger_is_read_for_itself(finger: str) -> None:
    fingers = read_fingers(skeleton(finger))
    states = {name: fingers[name].state for name in _BASES}
    assert states == {name: "straight" if name == finger else "curled" for name in _BASES}


@pytest.mark.parametrize(("bend", "state"), [(10, "straight"), (38, "bent"), (80, "curled")])
def test_a_finger_between_straight_and_curled_is_bent(bend: float, state: str) -> None:
    finger = read_fingers(skeleton(bends={"middle": bend}))["middle"]
    assert finger.state == state
    assert finger.bend == pytest.approx(3 * bend, abs=1)


def test_joint_angles_are_zero_along_a_line() -> None:
    angles = joint_angles(skeleton(bends={"middle": 0}))
    assert angles.shape == (5, 3)
    assert angles[2] == pytest.approx(0, abs=0.1)


def test_degrees_of_straight_and_curled_change_gradually() -> None:
    degrees = [read_fingers(skeleton(bends={"index": bend}))["index"] for bend in range(10, 100, 5)]
    straight = [finger.straight for finger in degrees]
    curled = [finger.curled for finger in degrees]
    assert straight == sorted(straight, reverse=True)
    assert curled == sorted(curled)
    assert (straight[0] > 0.99, curled[-1] > 0.99) == (True, True)


@pytest.mark.parametrize(("thumb", "state"), [("apart", "straight"), ("in", "curled")])
@pytest.mark.parametrize("straight", ["", ALL])
def test_the_thumb_is_straight_when_it_stands_off(thumb: str, state: str, straight: str) -> None:
    assert read_fingers(skeleton(straight, thumb))["thumb"].state == state


@pytest.mark.parametrize("name", list(POSES))
def test_fingers_read_the_same_in_any_attitude_size_and_place(name: str) -> None:
    rng = np.random.default_rng(5)
    plain = read_fingers(POSES[name])
    for _ in range(20):
        world = POSES[name]
        for axis in "xyz":
            world = turned(world, axis, float(rng.uniform(-180, 180)))
        world = world * np.float32(rng.uniform(0.5, 2)) + rng.uniform(-1, 1, 3).astype(np.float32)
        fingers = read_fingers(mirrored(world))
        for finger, read in fingers.items():
            assert read.state == plain[finger].state
            assert read.straight == pytest.approx(plain[finger].straight, abs=0.02)
            assert read.bend == pytest.approx(plain[finger].bend, abs=0.5)


def test_a_hand_of_a_single_point_is_read_without_trouble() -> None:
    fingers = read_fingers(np.zeros((21, 3), np.float32))
    assert all(math.isfinite(finger.bend) for finger in fingers.values())


@pytest.mark.parametrize("name", list(POSES))
def test_each_pose_of_the_vocabulary_is_named_on_both_sides(name: str) -> None:
    assert set(POSES) == set(shipped_vocabulary())
    assert named(POSES[name]) == name
    assert named(mirrored(POSES[name])) == name


@pytest.mark.parametrize("name", list(POSES))
@pytest.mark.parametrize("axis", ["x", "y", "z"])
@pytest.mark.parametrize("degrees", [-25, 25])
def test_a_tilted_hand_shows_the_same_pose(name: str, axis: str, degrees: float) -> None:
    assert named(turned(POSES[name], axis, degrees)) == name


@pytest.mark.parametrize(
    ("degrees", "name"), [(-60, None), (-40, "pointing_up"), (40, "pointing_up"), (60, None)]
)
def test_pointing_up_ends_at_its_cone(degrees: float, name: str | None) -> None:
    assert named(turned(POSES["pointing_up"], "z", degrees)) == name


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_thumb_that_points_elsewhere_is_not_up(degrees: float) -> None:
    assert named(turned(POSES["thumb_up"], "z", degrees)) is None


@pytest.mark.parametrize("degrees", range(0, 360, 45))
def test_a_pose_without_a_direction_is_the_same_all_around(degrees: float) -> None:
    for name in ("open_palm", "fist", "victory"):
        assert named(turned(POSES[name], "z", degrees)) == name


@pytest.mark.parametrize(
    "world",
    [skeleton("pinky"), skeleton("index middle ring"), skeleton("index pinky", "apart")],
    ids=["little finger", "three", "horns"],
)
def test_a_hand_in_no_known_pose_has_no_name(world: FloatArray) -> None:
    assert named(world) is None


def test_every_pose_is_scored_by_its_weakest_condition() -> None:
    reader = PoseReader(shipped_vocabulary())
    scores = {pose.gesture: pose.score for pose in reader.scores(hand(POSES["victory"]))}
    assert list(scores) == list(shipped_vocabulary())
    assert all(0 <= score <= 1 for score in scores.values())
    fingers = read_fingers(POSES["victory"])
    conditions = [fingers[name].straight for name in ("index", "middle")]
    conditions += [fingers[name].curled for name in ("thumb", "ring", "pinky")]
    assert scores["victory"] == pytest.approx(min(conditions))
    assert scores["open_palm"] < 0.01


@pytest.mark.parametrize(
    ("direction", "degrees"),
    [("up", 0), ("right", 90), ("down", 170), ("down", -170), ("left", -90)],
)
def test_directions_are_the_images(tmp_path: Path, direction: str, degrees: float) -> None:
    file = tmp_path / "vocabulary.toml"
    file.write_text(
        "".join(
            f'[{way}]\npoints = {{ finger = "index", direction = "{way}" }}\n'
            for way in ("up", "right", "down", "left")
        )
    )
    best = PoseReader(read_vocabulary(file)).best(hand(turned(skeleton("index"), "z", degrees)))
    assert best is not None
    assert best.gesture == direction


def test_a_finger_left_out_may_do_as_it_likes(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary.toml"
    file.write_text('[point]\nindex = "straight"\nmiddle = "curled"\n')
    reader = PoseReader(read_vocabulary(file))
    for straight in ("index", "index ring", "index ring pinky"):
        for thumb in ("in", "apart"):
            best = reader.best(hand(skeleton(straight, thumb)))
            assert best is not None
            assert best.gesture == "point"


def test_a_pose_without_conditions_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary.toml"
    file.write_text("[nothing]\n")
    assert PoseReader(read_vocabulary(file)).best(hand(POSES["fist"])) is None


def test_the_rules_say_which_poses_count(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary.toml"
    file.write_text(
        '[up]\npoints = { finger = "index", direction = "up" }\n'
        '[right]\npoints = { finger = "index", direction = "right" }\n'
    )
    vocabulary = read_vocabulary(file)
    pointing = hand(turned(skeleton("index"), "z", 55))  # 10° outside of up, inside of right
    off = hand(turned(skeleton("index"), "z", -50))  # 5° outside of up

    def best(shown: Hand, **rules: GestureRules) -> str | None:
        pose = PoseReader(vocabulary, rules).best(shown)
        return pose.gesture if pose else None

    assert best(off) is None
    assert best(off, up=GestureRules(min_score=0.2)) == "up"
    assert best(off, up=GestureRules(min_score=0.2, enabled=False)) is None
    assert best(pointing) == "right"
    # What does not count hides nothing.
    lenient = GestureRules(min_score=0.1)
    assert best(pointing, up=lenient) == "right"
    assert best(pointing, up=lenient, right=GestureRules(min_score=0.95)) == "up"
    assert best(pointing, up=lenient, right=GestureRules(enabled=False)) == "up"


def test_an_empty_vocabulary_names_nothing(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary.toml"
    file.write_text("")
    assert PoseReader(read_vocabulary(file)).best(hand(POSES["fist"])) is None


@pytest.mark.parametrize(
    "content",
    [
        b'[fist]\nthumb = "curly"\n',
        b'[fist]\nthumbs = "curled"\n',
        b'[fist]\npoints = { finger = "index" }\n',
        b'[fist]\npoints = { finger = "toe", direction = "up" }\n',
        b"fist = 3\n",
        b"[fist\n",
        b"\xff\xfe\n",
    ],
    ids=["state", "finger", "no direction", "toe", "no table", "no TOML", "no text"],
)
def test_a_bad_vocabulary_is_one_line_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "vocabulary.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_vocabulary(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_vocabulary_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        read_vocabulary(tmp_path / "nowhere.toml")

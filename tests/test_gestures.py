"""Finger states and static gestures, read from hands whose joints are known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from edgehands.gestures.fingers import read_fingers
from edgehands.gestures.measures import UNITS, measure
from edgehands.gestures.poses import PoseReader
from edgehands.gestures.vocabulary import Points, Pose, shipped_vocabulary
from edgehands.hand import Hand, Handedness, Roi
from edgehands.settings import GestureRules
from edgehands.synthetic.camera import Camera, Placement
from edgehands.synthetic.dataset import TUNING_SEED
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.scenes import static_scene
from edgehands.synthetic.gesturing.shapes import RELAXED, SHAPES, Shape, roll_of
from edgehands.synthetic.pose import GESTURES
from edgehands.synthetic.pose import Pose as Angles
from edgehands.synthetic.scene import Actor

if TYPE_CHECKING:
    from collections.abc import Iterator

CAMERA = Camera()
NO_TILT = (0.0, 0.0, 0.0)
TILTS = [
    (yaw, pitch, roll)
    for size in (-20.0, 20.0)
    for yaw, pitch, roll in ((size, 0.0, 0.0), (0.0, size, 0.0), (0.0, 0.0, size))
]
READER = PoseReader(shipped_vocabulary())


def show(
    angles: Angles,
    *,
    yaw: float = 0.0,
    roll: float = 0.0,
    left: bool = False,
    tilt: tuple[float, float, float] = NO_TILT,
    depth: float = 1.0,
) -> Hand:
    """The hand as a camera straight ahead sees it.

    Args:
        angles: its joints.
        yaw: 0 shows the palm of a right hand.
        roll: degrees clockwise.
        left: a left hand.
        tilt: on top, about each axis.
        depth: what z is multiplied with, as by a model that sees less of it.
    """
    side: Handedness = "left" if left else "right"
    turned = yaw + tilt[0]
    placement = Placement((0, 60, 560), -turned if left else turned, tilt[1], roll + tilt[2], left)
    truth = Actor(placement, angles).truth(CAMERA)
    flat = np.array([1, 1, depth], np.float32)
    return Hand(1, truth.landmarks * flat, truth.world_landmarks * flat, 0.9, side, 0.95, ROI)


ROI = Roi(320, 240, 300, 0)


def ways(gesture: str) -> Iterator[tuple[Shape, float, bool]]:
    """Every way to hold a gesture, with either hand, from every side that people show."""
    for shape in SHAPES[gesture]:
        for yaw in shape.yaws:
            yield shape, yaw, False
            yield shape, yaw, True


def shown(gesture: str, tilt: tuple[float, float, float] = NO_TILT, depth: float = 1.0) -> set[str]:
    """What the hands that show a gesture are called."""
    hands = (
        show(
            shape.pose,
            yaw=yaw,
            roll=roll_of(gesture, shape, left=left, yaw=yaw),
            left=left,
            tilt=tilt,
            depth=depth,
        )
        for shape, yaw, left in ways(gesture)
    )
    return {name_of(hand) for hand in hands}


def name_of(hand: Hand, reader: PoseReader = READER) -> str:
    best = reader.best(hand)
    return best.gesture if best else "-"


def pointing(degrees: float) -> Hand:
    """A hand whose index finger points so many degrees clockwise from up."""
    base, tip = show(GESTURES["pointing_up"]).landmarks[[5, 8], :2]
    lean = math.degrees(math.atan2(tip[0] - base[0], base[1] - tip[1]))
    return show(GESTURES["pointing_up"], roll=degrees - lean)


def mirrored(hand: Hand) -> Hand:
    """The hand as a selfie camera shows it, its side swapped back by the tracker."""
    flip = np.array([-1, 1, 1], np.float32)
    return replace(
        hand, landmarks=hand.landmarks * flip, world_landmarks=hand.world_landmarks * flip
    )


def test_there_is_a_drawn_hand_for_every_gesture() -> None:
    assert set(SHAPES) == set(shipped_vocabulary())


@pytest.mark.parametrize("gesture", SHAPES)
def test_each_gesture_is_named_with_both_hands_and_from_both_sides(gesture: str) -> None:
    assert shown(gesture) == {gesture}


@pytest.mark.parametrize("gesture", SHAPES)
def test_a_tilted_hand_shows_the_same_gesture(gesture: str) -> None:
    assert set().union(*(shown(gesture, tilt) for tilt in TILTS)) == {gesture}


@pytest.mark.parametrize("gesture", [name for name in SHAPES if name != "hook"])
@pytest.mark.parametrize("depth", [0.5, 1.3])
def test_a_model_that_sees_half_the_depth_names_the_same(gesture: str, depth: float) -> None:
    """The model's depth is about half the truth. A hook cannot be told from a fist then."""
    assert set().union(*(shown(gesture, tilt, depth) for tilt in (NO_TILT, *TILTS))) == {gesture}


@pytest.mark.parametrize("gesture", ["open_palm", "victory", "pointing_left", "pointing_right"])
def test_a_mirrored_picture_is_read_the_right_way_round(gesture: str) -> None:
    shape = SHAPES[gesture][0]
    hand = mirrored(show(shape.pose, roll=roll_of(gesture, shape, left=False, yaw=0.0)))
    reader = PoseReader(shipped_vocabulary(), mirrored=True)
    assert name_of(hand, reader) == gesture


def test_a_resting_hand_shows_nothing() -> None:
    for tilt in (NO_TILT, *TILTS):
        assert name_of(show(RELAXED, tilt=tilt)) == "-"


def test_size_and_place_do_not_matter() -> None:
    hand = show(GESTURES["victory"])
    far = replace(
        hand,
        landmarks=hand.landmarks * np.float32(0.2) + np.float32(40),
        world_landmarks=hand.world_landmarks * np.float32(1.4) + np.float32(0.3),
    )
    assert measure(far) == pytest.approx(measure(hand), rel=1e-3, abs=1e-2)


def test_each_measure_has_a_name_and_is_a_number_even_of_a_hand_of_a_single_point() -> None:
    point = np.zeros((21, 3), np.float32)
    hand = Hand(1, point, point, 0.9, "left", 0.9, ROI)
    assert len(measure(hand)) == len(UNITS)
    assert np.isfinite(measure(hand)).all()
    READER.best(hand)


@pytest.mark.parametrize(
    ("gesture", "states"),
    [
        ("fist", "folded curled curled curled curled"),
        ("victory", "folded straight straight curled curled"),
        ("open_palm", "up straight straight straight straight"),
        ("rock", "folded straight curled curled straight"),
        ("hook", "folded bent curled curled curled"),
        ("four", "across straight straight straight straight"),
    ],
)
def test_fingers_have_states(gesture: str, states: str) -> None:
    fingers = read_fingers(show(SHAPES[gesture][0].pose))
    assert list(fingers) == ["thumb", "index", "middle", "ring", "pinky"]
    assert [finger.state for finger in fingers.values()] == states.split()


def test_a_thumb_that_points_up_is_up() -> None:
    shape = SHAPES["thumb_up"][0]
    assert read_fingers(show(shape.pose, roll=shape.roll))["thumb"].state == "up"
    assert read_fingers(show(shape.pose, roll=shape.roll + 180))["thumb"].state == "apart"


def test_bending_is_continuous() -> None:
    straight, curled = np.array(GESTURES["pointing_up"].to_array()), GESTURES["fist"].to_array()
    shares = np.linspace(0, 1, 9)
    fingers = [
        read_fingers(show(Angles.from_array(straight + share * (curled - straight))))["index"]
        for share in shares
    ]
    bends = [finger.bend for finger in fingers]
    assert bends == sorted(bends)
    assert [finger.state for finger in fingers[:: len(fingers) - 1]] == ["straight", "curled"]
    assert "bent" in {finger.state for finger in fingers}


@pytest.mark.parametrize(
    ("degrees", "name"),
    [
        *((0, "pointing_up"), (40, "pointing_up"), (50, "pointing_right"), (130, "pointing_right")),
        *((140, "pointing_down"), (180, "pointing_down"), (-50, "pointing_left")),
    ],
)
def test_directions_are_the_pictures_and_each_has_its_quarter(degrees: float, name: str) -> None:
    assert name_of(pointing(degrees)) == name


def test_a_score_is_that_of_the_weakest_condition() -> None:
    hand = show(GESTURES["victory"])
    scores = {pose.gesture: pose.score for pose in READER.scores(hand)}
    assert list(scores) == list(shipped_vocabulary())
    for explanation in READER.explain(hand):
        degrees = [condition.degree for condition in explanation.conditions]
        assert explanation.score == pytest.approx(min(degrees))
        assert scores[explanation.gesture] == pytest.approx(explanation.score)
    assert scores["victory"] > 0.9


def test_an_explanation_names_what_was_measured_and_what_was_needed() -> None:
    explained = {each.gesture: each for each in READER.explain(show(GESTURES["fist"]))}
    conditions = {each.subject: each for each in explained["pointing_up"].conditions}
    index = conditions["index"]
    assert (index.states, index.measure) == (("straight",), "index stretch")
    assert index.measured < index.low < index.high == math.inf
    assert index.degree < 0.01
    assert conditions["middle"].degree > 0.9
    assert conditions["index_points"].unit == "°"
    assert conditions["straight over folded"].measured < 0


def test_odd_fingers_do_not_spoil_hands_that_are_like_the_shape_as_a_whole() -> None:
    """As the model would measure fours of ten people who hold them as they please."""
    four = shipped_vocabulary()["four"]
    both = PoseReader({"strict": msgspec.structs.replace(four, like=None), "four": four})
    scores = []
    for number in range(10):
        scene = static_scene("four", TUNING_SEED, number, max_tilt=25.0, fps=5.0, habit=6.0)
        for time, hands in observe(scene, np.random.default_rng(number)):
            if scene.shown[0] + 0.2 <= time <= scene.shown[1]:
                scores.append([pose.score for hand in hands for pose in both.scores(hand)])
    strict, whole = (np.array(scores) > 0.5).mean(axis=0)
    assert strict < 0.8
    assert whole > 0.9


def test_straight_fingers_must_stand_out_from_folded_ones() -> None:
    """Taken alone the index is just straight here, and the middle finger just not."""
    reader = PoseReader({"point": Pose(index="straight", middle="folded")})
    hand = show(half_curled(index=0.25, middle=0.4))
    alone = {each.subject: each.degree for each in reader.explain(hand)[0].conditions}
    contrast = alone.pop("straight over folded")
    assert min(alone.values()) > 0.6
    assert contrast < 0.4
    assert name_of(hand, reader) == "-"
    assert name_of(show(half_curled(index=0.0, middle=0.4)), reader) == "point"


def half_curled(index: float, middle: float) -> Angles:
    """A fist whose index and middle finger are only so much (0 to 1) curled."""
    straight, fist = GESTURES["open_palm"].to_array(), GESTURES["fist"].to_array()
    angles = fist.copy()
    for first, share in ((5, index), (9, middle)):
        finger = slice(first, first + 4)
        angles[finger] = straight[finger] + share * (fist - straight)[finger]
    return Angles.from_array(angles)


def test_tips_that_touch_are_near_in_the_picture_and_in_space() -> None:
    def apart(gesture: str, depth: float = 1.0) -> float:
        measures = measure(show(GESTURES[gesture], tilt=(35.0, 0.0, 0.0), depth=depth))
        return float(measures[list(UNITS).index("thumb to index")])

    assert apart("ok") < 0.3
    assert apart("open_palm") > 0.8
    assert apart("open_palm", depth=0.3) > 0.7


def test_a_thumb_that_is_misplaced_in_depth_still_touches() -> None:
    hand = show(GESTURES["ok"])
    world = hand.world_landmarks.copy()
    world[4, 2] += 0.04
    assert name_of(replace(hand, world_landmarks=world)) == "ok"


def test_two_shapes_that_exclude_each_other_need_a_lead() -> None:
    def best(margin: float) -> str:
        directions = {
            name: Pose(points=Points(index=name), margin=margin)
            for name in ("up", "right", "down", "left")
        }
        rules = dict.fromkeys(directions, GestureRules(min_score=0.2))
        return name_of(pointing(44), PoseReader(directions, rules))

    assert best(margin=0.0) == "up"
    assert best(margin=0.4) == "-"


def test_of_two_that_a_hand_can_show_at_once_the_one_that_says_more_wins() -> None:
    loose = {"point": Pose(index="straight", middle="folded")}
    one, all_ = GESTURES["pointing_up"], GESTURES["open_palm"]
    odd = Angles(one.thumb, one.index, one.middle, all_.ring, one.pinky)
    for vocabulary in ({**loose, **shipped_vocabulary()}, {**shipped_vocabulary(), **loose}):
        reader = PoseReader(vocabulary)
        assert name_of(pointing(0), reader) == "pointing_up"
        assert name_of(show(SHAPES["rock"][0].pose), reader) == "rock"
        assert name_of(show(odd), reader) == "point"


def test_the_rules_say_which_poses_count() -> None:
    hand = show(GESTURES["victory"])
    assert name_of(hand, reader_with(victory=GestureRules(enabled=False))) == "-"
    assert name_of(hand, reader_with(victory=GestureRules(min_score=1.0))) == "-"
    assert name_of(hand, reader_with(fist=GestureRules(enabled=False))) == "victory"


def test_what_does_not_count_hides_nothing() -> None:
    lenient = {"pointing_up": GestureRules(min_score=0.2)}
    disabled = {"pointing_right": GestureRules(enabled=False)}
    assert name_of(pointing(49), reader_with(**lenient)) == "pointing_right"
    assert name_of(pointing(49), reader_with(**lenient, **disabled)) == "pointing_up"


def reader_with(**rules: GestureRules) -> PoseReader:
    return PoseReader(shipped_vocabulary(), rules)


def test_a_pose_without_conditions_is_never_shown() -> None:
    assert name_of(show(GESTURES["fist"]), PoseReader({"nothing": Pose()})) == "-"


def test_an_empty_vocabulary_names_nothing() -> None:
    reader = PoseReader({})
    assert name_of(show(GESTURES["fist"]), reader) == "-"
    assert reader.scores(show(GESTURES["fist"])) == []

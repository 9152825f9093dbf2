"""Dynamic gestures, read from hands whose joints are known: nothing here has noise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands.gestures.motions import CONTINUOUS, MOTIONS, MotionReader
from edgehands.gestures.motions.moment import read_moment
from edgehands.hand import Hand, Roi
from edgehands.settings import GestureRules
from edgehands.synthetic.gesturing.moves import dynamic_scene
from edgehands.synthetic.gesturing.performance import eased
from edgehands.synthetic.gesturing.scenes import static_scene

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edgehands.gestures.motions import Motion
    from edgehands.hand import FloatArray
    from edgehands.synthetic.gesturing.performance import Scene

SEED = 4
WIDTH = 480.0


def hand(landmarks: FloatArray, world: FloatArray, id_: int = 1) -> Hand:
    roi = Roi(0.0, 0.0, 1.0, 0.0)
    return Hand(id_, landmarks, world, 1.0, "right", 1.0, roi)


def moments(scene: Scene) -> Iterator[tuple[float, list[Hand]]]:
    """Time and hands of each moment of a scene, exactly."""
    truths = [part.truth() for part in scene.performances]
    for index, time in enumerate(scene.times):
        hands = [
            hand(points[index].astype(np.float32), world[index].astype(np.float32), number)
            for number, (points, world) in enumerate(truths)
        ]
        yield float(time), hands


def scene(gesture: str, number: int = 0, fps: float = 30.0) -> Scene:
    return dynamic_scene(gesture, SEED, number, max_tilt=8.0, fps=fps)


def read(
    frames: Iterable[tuple[float, list[Hand]]], reader: MotionReader | None = None
) -> list[Motion]:
    reader = reader or MotionReader()
    return [motion for time, hands in frames for motion in reader.update(hands, time)]


def started(motions: Iterable[Motion]) -> list[str]:
    return [motion.gesture for motion in motions if motion.phase == "start"]


@pytest.mark.parametrize("fps", [10.0, 30.0, 60.0])
@pytest.mark.parametrize("gesture", MOTIONS)
def test_a_motion_starts_once_at_any_frame_rate(gesture: str, fps: float) -> None:
    assert started(read(moments(scene(gesture, fps=fps)))) == [gesture]


@pytest.mark.parametrize("gesture", MOTIONS)
def test_near_and_far_hands_are_alike(gesture: str) -> None:
    def magnified(hands: list[Hand]) -> list[Hand]:
        return [hand(one.landmarks * np.float32(3), one.world_landmarks, one.id) for one in hands]

    frames = [(time, magnified(hands)) for time, hands in moments(scene(gesture))]
    assert started(read(frames)) == [gesture]


@pytest.mark.parametrize("gesture", CONTINUOUS)
def test_a_continuous_motion_starts_streams_values_and_ends(gesture: str) -> None:
    motions = read(moments(scene(gesture)))
    phases = [motion.phase for motion in motions]
    assert phases[0] == "start"
    assert phases[-1] == "end"
    assert set(phases[1:-1]) == {"value"}
    assert all(motion.value for motion in motions)


def test_a_drag_under_way_has_a_value_in_every_frame() -> None:
    frames = list(moments(scene("pinch_drag", fps=60.0)))
    reader = MotionReader({"pinch_drag": GestureRules(value_rate=5.0)})
    phases = [[motion.phase for motion in reader.update(hands, time)] for time, hands in frames]
    begun, ended = phases.index(["start"]), phases.index(["end"])
    assert phases[begun + 1 : ended] == [["value"]] * (ended - begun - 1)


def test_a_drag_tells_how_far_it_went_in_palm_sizes() -> None:
    shown = scene("pinch_drag")
    (part,) = shown.performances
    way = part.places[-1] - part.places[0]
    end = next(motion for motion in read(moments(shown)) if motion.phase == "end")
    assert end.value is not None
    told = np.array([end.value["dx"], end.value["dy"]])
    true = way[:2] / 92.0
    assert np.linalg.norm(told - true) < 0.35 * np.linalg.norm(true)


def test_a_twist_tells_its_angle_clockwise() -> None:
    shown = scene("twist")
    (part,) = shown.performances
    turned = part.turns[-1, 2] - part.turns[0, 2]
    end = next(motion for motion in read(moments(shown)) if motion.phase == "end")
    assert end.value is not None
    assert end.value["angle"] == pytest.approx(turned, abs=15.0)


def test_a_zoom_tells_its_scale() -> None:
    shown = scene("pinch_zoom")
    a, b = (part.truth()[0][:, [4, 8], :2].mean(axis=1) for part in shown.performances)
    gaps = np.linalg.norm(a - b, axis=1)[(shown.times > shown.shown[0] - 0.1)]
    over = int(np.searchsorted(shown.times, shown.shown[1])) - len(shown.times)
    end = next(motion for motion in read(moments(shown)) if motion.phase == "end")
    assert end.value is not None
    assert len(end.hands) == 2
    assert end.value["scale"] == pytest.approx(gaps[over] / gaps[0], rel=0.1)


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ("swipe_left", "swipe_right"),
        ("swipe_up", "swipe_up"),
        ("circle_clockwise", "circle_counterclockwise"),
    ],
)
def test_mirrored_pictures_are_swapped_back(shown: str, told: str) -> None:
    assert started(read(moments(scene(shown)), MotionReader(mirrored=True))) == [told]


def test_a_hand_that_comes_into_the_picture_fast_does_not_swipe() -> None:
    frames = list(moments(scene("swipe_right")))
    begin, over = scene("swipe_right").shown
    late = [(time, hands) for time, hands in frames if time > (begin + over) / 2 - 0.05]
    assert started(read(late)) == []


def test_a_hand_that_leaves_the_picture_fast_does_not_swipe() -> None:
    shown = scene("swipe_right")
    gone = [
        (time, hands if time < sum(shown.shown) / 2 + 0.05 else [])
        for time, hands in moments(shown)
    ]
    assert started(read(gone)) == []


def test_a_swipe_goes_on_when_the_tracker_finds_the_hand_as_another() -> None:
    frames = list(moments(scene("swipe_right", fps=15.0)))
    begin, over = scene("swipe_right").shown
    renamed = [
        (time, [hand(one.landmarks, one.world_landmarks, 1 + int((time > begin) + (time > over)))])
        for time, (one,) in frames
    ]
    assert started(read(renamed)) == ["swipe_right"]


def test_a_closed_hand_does_not_swipe() -> None:
    _, fists = next(frame for frame in reversed(list(moments(scene("grab")))) if frame[1])
    fist = fists[0]
    frames = []
    for time, hands in moments(scene("swipe_right")):
        way = hands[0].landmarks[0] - fist.landmarks[0]
        frames.append((time, [hand(fist.landmarks + way, fist.world_landmarks)]))
    assert started(read(frames)) == []


def test_the_way_back_is_no_swipe() -> None:
    there = list(moments(scene("swipe_right")))
    last = there[-1][0]
    back = [(last + 0.05 + (last - time), hands) for time, hands in reversed(there)]
    assert started(read(there[:-8] + [(t - 0.3, hands) for t, hands in back[8:]])) == [
        "swipe_right"
    ]


def moving(gesture: str, *ways: tuple[float, float]) -> Scene:
    """The hand that makes a gesture; it goes from place to place: seconds from rest to rest, and
    palm sizes to the right."""
    shown = scene(gesture)
    (part,) = shown.performances
    keys = np.cumsum([0.6, *(seconds for seconds, _ in ways)])
    places = np.cumsum([0.0, *(way for _, way in ways)])[:, None] * (92.0, 0.0, 0.0)
    times = np.arange(0.0, keys[-1] + 0.6, 1 / 30)
    middle = part.places.mean(axis=0) - places.mean(axis=0)
    goes = replace(
        part,
        angles=np.repeat(part.angles[:1], len(times), axis=0),
        places=middle + eased(times, keys, places),
        turns=np.repeat(part.turns[:1], len(times), axis=0),
    )
    return replace(shown, times=times, performances=(goes,))


def test_a_hand_that_swipes_again_and_again_needs_no_rest_before() -> None:
    again = moving("swipe_right", (0.3, 3.0), (0.15, 0.0), (0.6, -3.0), (0.3, 3.0))
    assert started(read(moments(again))) == ["swipe_right", "swipe_right"]


def test_a_slow_way_does_not_stop_the_swipe_back() -> None:
    slow = moving("swipe_left", (1.0, 3.0), (0.3, 0.0), (0.3, -3.0))
    assert started(read(moments(slow))) == ["swipe_left"]


def on_its_way(shown: Scene, speed: float = 3.0) -> Scene:
    """The same hand, but all the while it goes to the right, palm sizes a second."""
    (part,) = shown.performances
    way = (shown.times - shown.times.mean())[:, None] * (speed * 92.0, 0.0, 0.0)
    return replace(shown, performances=(replace(part, places=part.places + way),))


def test_a_pinch_that_never_rests_drags_nothing() -> None:
    assert started(read(moments(scene("pinch_drag")))) == ["pinch_drag"]
    assert started(read(moments(on_its_way(scene("pinch_drag"))))) == []


def test_a_hand_that_comes_to_where_it_pinches_drags_nothing() -> None:
    shown = scene("pinch_drag")
    (part,) = shown.performances
    keys, places = np.array([0.0, 0.7]), np.array([[-3.0 * 92.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    coming = replace(part, places=part.places + eased(shown.times, keys, places))
    assert started(read(moments(replace(shown, performances=(coming,))))) == []


def test_a_hand_on_its_way_taps_and_grabs_nothing() -> None:
    for gesture in ("double_tap", "grab", "release"):
        assert started(read(moments(on_its_way(scene(gesture), 6.0)))) == []


@pytest.mark.parametrize("gesture", ["push", "pull", "swipe_right"])
def test_one_moment_that_is_seen_wrong_spoils_nothing(gesture: str) -> None:
    shown = scene(gesture)
    (part,) = shown.performances
    middle = int(np.searchsorted(shown.times, sum(shown.shown) / 2))
    bent = part.angles.copy()
    bent[middle, [7, 11, 15, 19]] += 72.0
    frames = list(moments(shown))
    wrong = list(moments(replace(shown, performances=(replace(part, angles=bent),))))
    frames[middle] = wrong[middle]
    assert read_moment(frames[middle][1][0], 0.0).open < 0
    assert started(read(frames)) == [gesture]


def test_a_hand_that_turns_as_it_comes_nearer_pushes_nothing() -> None:
    shown = scene("push")
    (part,) = shown.performances
    share = np.clip((shown.times - 0.5) / 0.4, 0, 1)[:, None]
    turning = replace(part, turns=part.turns + share * (0.0, 0.0, 30.0))
    assert started(read(moments(replace(shown, performances=(turning,))))) == []


@pytest.mark.parametrize(
    ("pace", "told"), [(1.0, ["double_tap"]), (0.8, ["double_tap"]), (0.4, [])]
)
def test_a_double_tap_is_quick(pace: float, told: list[str]) -> None:
    frames = [(time / pace, hands) for time, hands in moments(scene("double_tap", fps=30.0 / pace))]
    assert started(read(frames)) == told


def test_a_hand_that_comes_to_point_elsewhere_draws_no_circle() -> None:
    shown = scene("circle_clockwise")
    (part,) = shown.performances
    share = np.clip((shown.times - 0.5) / 1.2, 0, 1)[:, None]
    round_ = part.turns[:1] + share * (0.0, 0.0, 380.0)
    turning = replace(part, places=np.repeat(part.places[:1], len(share), axis=0), turns=round_)
    assert started(read(moments(replace(shown, performances=(turning,))))) == []


@pytest.mark.parametrize(
    ("gesture", "told"), [("open_palm", "open"), ("fist", "closed"), ("ok", "pinching")]
)
@pytest.mark.parametrize("depth", [0.5, 1.0, 1.3])
def test_a_hand_is_told_to_be_open_closed_or_pinching(
    gesture: str, told: str, depth: float
) -> None:
    for number in range(4):
        shown = static_scene(gesture, SEED, number, max_tilt=15.0)
        (part,) = shown.performances
        index = int(np.searchsorted(shown.times, sum(shown.shown) / 2))
        points, world = (each[index] * np.array((1, 1, depth)) for each in part.truth())
        moment = read_moment(hand(points.astype(np.float32), world.astype(np.float32)), 0.0)
        how = {"open": moment.open, "closed": moment.closed, "pinching": moment.pinching}
        assert max(how, key=lambda name: how[name]) == told
        assert how[told] > 0


def test_a_short_gap_does_not_end_a_drag_and_a_long_one_does() -> None:
    frames = list(moments(scene("pinch_drag")))
    begun = sum(scene("pinch_drag").shown) / 2
    short = [(t, [] if begun <= t < begun + 0.2 else hands) for t, hands in frames]
    assert [m.phase for m in read(short) if m.phase != "value"] == ["start", "end"]
    long = [(t, hands if t < begun else []) for t, hands in frames]
    ends = [motion for motion in read(long) if motion.phase == "end"]
    assert len(ends) == 1


def test_finish_ends_what_is_under_way() -> None:
    reader = MotionReader()
    half = sum(scene("pinch_drag").shown) / 2
    begun = read(((t, h) for t, h in moments(scene("pinch_drag")) if t < half + 0.1), reader)
    assert started(begun) == ["pinch_drag"]
    assert [motion.phase for motion in reader.finish(half + 0.2)] == ["end"]


def test_a_disabled_motion_never_starts_and_never_ends() -> None:
    reader = MotionReader({"pinch_drag": GestureRules(enabled=False)})
    assert read(moments(scene("pinch_drag")), reader) == []


def test_a_higher_minimum_score_asks_for_more() -> None:
    shown = scene("swipe_right")
    (motion,) = read(moments(shown))
    assert 0.5 <= motion.score <= 1.0
    strict = GestureRules(min_score=min(motion.score + 0.001, 1.0))
    assert read(moments(shown), MotionReader({"swipe_right": strict})) == []


def test_a_still_hand_makes_no_motion() -> None:
    (_, hands), *_ = moments(scene("swipe_right"))
    assert read((number / 30, hands) for number in range(300)) == []

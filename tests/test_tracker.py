"""The tracker with stages of its own: a scene of known hands instead of pictures and models."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands.errors import DeviceError, UsageError
from edgehands.hand import Palm, Roi
from edgehands.landmarks import Measurement, next_roi
from edgehands.settings import TrackerSettings
from edgehands.tracker import HandTracker, StageTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgehands.detection import Reason
    from edgehands.hand import FloatArray, Hand, ImageArray

IMAGE = np.zeros((480, 640, 3), np.uint8)

_PALM_POINTS = [0, 5, 9, 13, 17, 1, 2]


def flat_hand() -> FloatArray:
    """Landmarks of an open hand, wrist at the origin, palm size 1."""
    points = np.zeros((21, 3), np.float32)
    points[1:5, :2] = [(0.3, -0.2), (0.5, -0.5), (0.65, -0.75), (0.8, -0.95)]
    for base, across in ((5, 0.25), (9, 0.0), (13, -0.2), (17, -0.4)):
        points[base : base + 4, 0] = across
        points[base : base + 4, 1] = [-1.0, -1.4, -1.65, -1.85]
    return points


@dataclass
class Actor:
    """A hand of the scene; what a test sets is what the models see."""

    x: float
    y: float = 300.0
    size: float = 60.0
    presence: float = 0.9
    right: float = 0.8
    poison: float = 0.0
    """Added to one landmark."""
    world_poison: float = 0.0

    @property
    def landmarks(self) -> FloatArray:
        points = flat_hand() * np.float32(self.size)
        points[:, :2] += np.array([self.x, self.y], np.float32)
        points[17, 1] += np.float32(self.poison)
        return points


class Scene:
    """Both stages at once: palms of the actors, measurements of whoever is in a region."""

    def __init__(self, *actors: Actor) -> None:
        self.actors = list(actors)
        self.extra_palms: list[Actor] = []
        self.detections = 0
        self.measured: list[Roi] = []
        self.closed: list[str] = []
        self.threads: set[str] = set()
        self.patience = threading.Event()
        """Whether a detection may get done."""
        self.patience.set()
        self.palm_stage = _PalmStage(self)
        self.landmark_stage = _LandmarkStage(self)

    def tracker(self, **options: object) -> StageTracker:
        return StageTracker(self.palm_stage, self.landmark_stage, **options)  # type: ignore[arg-type]


class _PalmStage:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.failure: Exception | None = None

    def prepare(self, image: ImageArray) -> Callable[[], list[Palm]]:
        assert image.flags.c_contiguous
        self._scene.detections += 1
        palms = [_palm(actor) for actor in (*self._scene.actors, *self._scene.extra_palms)]
        return partial(self._detect, palms)

    def _detect(self, palms: list[Palm]) -> list[Palm]:
        assert self._scene.patience.wait(5)
        assert not self._scene.closed
        self._scene.threads.add(threading.current_thread().name)
        if self.failure:
            raise self.failure
        return palms

    def close(self) -> None:
        self._scene.closed.append("palm")


class _LandmarkStage:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.failure: Exception | None = None

    def measure(self, image: ImageArray, rois: Sequence[Roi]) -> list[Measurement]:
        assert image.flags.c_contiguous
        assert all(math.isfinite(roi.cx + roi.cy + roi.size + roi.angle) for roi in rois)
        if self.failure:
            raise self.failure
        self._scene.measured += rois
        return [self._measure(roi) for roi in rois]

    def _measure(self, roi: Roi) -> Measurement:
        def off(actor: Actor) -> float:
            own = next_roi(replace(actor, poison=0).landmarks)
            return math.hypot(own.cx - roi.cx, own.cy - roi.cy)

        nearest = min(self._scene.actors, key=off, default=None)
        if nearest is None or not off(nearest) < roi.size / 2:
            nothing = Actor(roi.cx, roi.cy, roi.size / 4)
            return Measurement(nothing.landmarks, flat_hand(), 0.01, 0.5, roi)
        world = flat_hand() + np.float32(nearest.world_poison)
        return Measurement(nearest.landmarks, world, nearest.presence, nearest.right, roi)

    def close(self) -> None:
        self._scene.closed.append("landmarks")


def _palm(actor: Actor) -> Palm:
    points = replace(actor, poison=0).landmarks[_PALM_POINTS, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    box = float(low[0]), float(low[1]), float(high[0]), float(high[1])
    return Palm(box, points, 0.9)


def run(
    tracker: StageTracker, frames: int, step: float = 1 / 16, start: float = 0.0
) -> list[list[Hand]]:
    return [tracker.update(IMAGE, start + frame * step) for frame in range(frames)]


def ids(hands: Sequence[Hand]) -> list[int]:
    return [hand.id for hand in hands]


def test_a_hand_is_there_from_the_first_frame() -> None:
    (hand,) = Scene(Actor(200)).tracker().update(IMAGE, 0.0)
    assert hand.id == 1
    assert hand.landmarks == pytest.approx(Actor(200).landmarks)
    assert hand.world_landmarks == pytest.approx(flat_hand())
    assert hand.presence == 0.9


def test_an_empty_scene_has_no_hands_and_is_searched_every_frame() -> None:
    scene = Scene()
    assert run(scene.tracker(), 5) == [[]] * 5
    assert scene.detections == 5


def test_no_detection_while_all_hands_are_tracked() -> None:
    scene = Scene(Actor(150), Actor(450))
    tracker = scene.tracker(max_hands=2)
    assert [ids(hands) for hands in run(tracker, 50, step=1.0)] == [[1, 2]] * 50
    assert scene.detections == 1
    assert tracker.last.detection is None
    assert tracker.last.duty_cycle == pytest.approx(1 / 50)


def test_with_some_hands_missing_the_detector_runs_once_an_interval() -> None:
    scene = Scene(Actor(150))
    tracker = scene.tracker(max_hands=2, settings=TrackerSettings(search_interval=0.25))
    reasons: list[Reason | None] = []
    for frame in range(9):
        tracker.update(IMAGE, frame / 16)
        reasons.append(tracker.last.detection)
    assert reasons == ["no hand", *[None] * 3, "search", *[None] * 3, "search"]


def test_a_hand_that_appears_joins_the_frame_after_the_next_search_and_comes_last() -> None:
    scene = Scene(Actor(450))
    tracker = scene.tracker(max_hands=2, settings=TrackerSettings(search_interval=0.25))
    run(tracker, 2)
    scene.actors.insert(0, Actor(150))
    assert [ids(hands) for hands in run(tracker, 4, start=2 / 16)] == [[1], [1], [1], [1, 2]]


def test_a_search_runs_beside_the_frame_and_joins_the_next_however_long_it_takes() -> None:
    scene = Scene(Actor(450))
    tracker = scene.tracker(settings=TrackerSettings(search_interval=0))
    tracker.update(IMAGE, 0.0)
    assert scene.threads == {threading.current_thread().name}
    scene.actors.append(Actor(150))
    scene.patience.clear()
    assert ids(tracker.update(IMAGE, 0.1)) == [1]
    assert tracker.last.palms == []
    threading.Timer(0.05, scene.patience.set).start()
    assert ids(tracker.update(IMAGE, 0.2)) == [1, 2]
    assert len(tracker.last.palms) == 2
    assert len(scene.threads) == 2


def test_what_breaks_in_a_search_is_raised_in_the_next_frame() -> None:
    scene = Scene(Actor(450))
    tracker = scene.tracker(settings=TrackerSettings(search_interval=0))
    tracker.update(IMAGE, 0.0)
    scene.palm_stage.failure = DeviceError("unplugged")
    tracker.update(IMAGE, 0.1)
    with pytest.raises(DeviceError, match="unplugged"):
        tracker.update(IMAGE, 0.2)


def test_closing_waits_for_the_search_under_way() -> None:
    scene = Scene(Actor(450))
    tracker = scene.tracker(settings=TrackerSettings(search_interval=0))
    tracker.update(IMAGE, 0.0)
    scene.patience.clear()
    tracker.update(IMAGE, 0.1)
    threading.Timer(0.05, scene.patience.set).start()
    tracker.close()
    assert scene.patience.is_set()


def test_a_moving_hand_is_followed_by_its_own_landmarks() -> None:
    scene = Scene(Actor(100))
    tracker = scene.tracker(max_hands=1)
    for frame in range(40):
        scene.actors[0].x += 10
        (hand,) = tracker.update(IMAGE, frame / 16)
        assert hand.id == 1
        assert hand.landmarks == pytest.approx(scene.actors[0].landmarks)
    assert scene.detections == 1


def test_each_frame_looks_where_the_hand_was_in_the_last() -> None:
    scene = Scene(Actor(100))
    tracker = scene.tracker(max_hands=1)
    tracker.update(IMAGE, 0.0)
    before = next_roi(scene.actors[0].landmarks)
    scene.actors[0].x += 10
    (hand,) = tracker.update(IMAGE, 0.1)
    assert hand.roi == scene.measured[-1] == before


def test_a_hand_lost_and_found_in_one_frame_is_a_new_hand() -> None:
    scene = Scene(Actor(100))
    tracker = scene.tracker(max_hands=1)
    run(tracker, 3)
    scene.actors[0].x = 500  # too far for its region
    assert ids(tracker.update(IMAGE, 0.5)) == [2]
    assert tracker.last.detection == "no hand"


@pytest.mark.parametrize(("presence", "kept"), [(0.51, True), (0.5, False), (math.nan, False)])
def test_only_presence_above_the_threshold_keeps_a_hand(presence: float, kept: bool) -> None:
    scene = Scene(Actor(100))
    tracker = scene.tracker(max_hands=1)
    run(tracker, 1)
    scene.actors[0].presence = presence
    assert bool(tracker.update(IMAGE, 0.1)) is kept
    assert scene.detections == (1 if kept else 2)


def test_the_presence_threshold_is_a_setting() -> None:
    tracker = Scene(Actor(100, presence=0.6)).tracker(settings=TrackerSettings(min_presence=0.7))
    assert tracker.update(IMAGE, 0.0) == []


def test_ids_are_never_used_again_once_a_hand_is_forgotten() -> None:
    scene = Scene(Actor(150), Actor(450))
    tracker = scene.tracker(settings=TrackerSettings(search_interval=0, id_memory=0.9))
    seen = []
    for round_ in range(4):
        seen += ids(tracker.update(IMAGE, round_ * 1.0))
        for actor in scene.actors:
            actor.presence = 0.0
        assert tracker.update(IMAGE, round_ + 0.5) == []
        for actor in scene.actors:
            actor.presence = 0.9
    assert seen == list(range(1, 9))


def test_which_of_two_hands_was_in_front_shows_when_they_part() -> None:
    """Seen as one, in one place, with one side: only how they came tells which is which."""
    going, coming = Actor(100, right=0.5), Actor(500, right=0.5)
    for in_front in (going, coming):
        going.x, coming.x = 100, 500
        scene = Scene(going, coming)
        tracker = scene.tracker(settings=TrackerSettings(search_interval=0))
        before = {hand.id: float(hand.landmarks[0, 0]) for hand in tracker.update(IMAGE, 0.0)}
        for frame in range(1, 41):
            going.x += 10
            coming.x -= 10
            scene.actors = [in_front] if abs(going.x - coming.x) < 70 else [going, coming]
            hands = tracker.update(IMAGE, frame / 30)
        assert {hand.id: 600 - float(hand.landmarks[0, 0]) for hand in hands} == before


def test_a_palm_on_a_tracked_hand_is_not_measured_again() -> None:
    scene = Scene(Actor(150))
    tracker = scene.tracker(settings=TrackerSettings(search_interval=0))
    run(tracker, 1)
    scene.measured.clear()
    run(tracker, 2, start=0.1)
    assert scene.detections == 3
    assert len(scene.measured) == 2  # the tracked region alone


@pytest.mark.parametrize(
    ("gap", "moved", "right", "same"),
    [
        (0.3, 0, 0.8, True),
        (0.3, 80, 0.8, True),
        (0.3, 0, 0.1, True),  # near by, sides are often mistaken at first
        (0.3, 300, 0.8, False),  # five palms away
        (1.2, 0, 0.8, False),  # forgotten
    ],
)
def test_a_hand_lost_for_a_moment_keeps_its_id(
    gap: float, moved: float, right: float, same: bool
) -> None:
    scene = Scene(Actor(150))
    tracker = scene.tracker()
    run(tracker, 4)
    scene.actors[0].presence = 0.0
    assert tracker.update(IMAGE, 0.25) == []
    scene.actors[0] = Actor(150 + moved, right=right)
    assert ids(tracker.update(IMAGE, 0.1875 + gap)) == [1 if same else 2]


def test_a_hand_of_another_size_is_another_hand() -> None:
    scene = Scene(Actor(150))
    tracker = scene.tracker()
    run(tracker, 4)
    scene.actors[0].presence = 0.0
    tracker.update(IMAGE, 0.25)
    scene.actors[0] = Actor(150, size=120)
    assert ids(tracker.update(IMAGE, 0.3)) == [2]


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_hands_that_cross_the_one_in_front_stays_and_the_other_returns(first: int) -> None:
    """Both regions come to lie on the hand in front: it must not get the other one's id."""
    left, right = Actor(100, right=0.1), Actor(500, right=0.9)
    scene = Scene(*((left, right) if first == 0 else (right, left)))
    tracker = scene.tracker(settings=TrackerSettings(search_interval=0))
    before = {hand.id: float(hand.landmarks[0, 0]) for hand in tracker.update(IMAGE, 0.0)}
    for frame in range(1, 41):
        left.x += 10
        right.x -= 10
        hidden = abs(left.x - right.x) < 50
        scene.actors = [left] if hidden else [left, right]
        hands = tracker.update(IMAGE, frame / 30)
        if hidden:
            assert len(hands) == 1
    assert {hand.id: 600 - float(hand.landmarks[0, 0]) for hand in hands} == before


def test_how_much_overlap_makes_a_palm_the_same_hand_is_a_setting() -> None:
    scene = Scene(Actor(150))
    settings = TrackerSettings(search_interval=0, association_iou=1.0)
    tracker = scene.tracker(settings=settings)
    run(tracker, 1)
    scene.measured.clear()
    assert ids(tracker.update(IMAGE, 0.1)) == [1]
    assert ids(tracker.update(IMAGE, 0.2)) == [1]  # measured again, and known as a duplicate
    assert len(scene.measured) == 3


def test_two_palms_on_one_hand_make_one_hand() -> None:
    scene = Scene(Actor(150))
    scene.extra_palms = [Actor(170)]
    assert ids(scene.tracker().update(IMAGE, 0.0)) == [1]
    assert len(scene.measured) == 2


def test_of_two_tracks_that_meet_on_one_hand_the_older_stays() -> None:
    scene = Scene(Actor(200), Actor(330))
    tracker = scene.tracker()
    assert ids(tracker.update(IMAGE, 0.0)) == [1, 2]
    scene.actors = [Actor(265)]
    assert ids(tracker.update(IMAGE, 0.01)) == [1]


@pytest.mark.parametrize("max_hands", [1, 2, 3])
def test_there_are_never_more_hands_than_asked_for(max_hands: int) -> None:
    scene = Scene(*(Actor(x, size=30) for x in (60, 200, 340, 480, 620)))
    tracker = scene.tracker(max_hands=max_hands, settings=TrackerSettings(search_interval=0))
    for hands in run(tracker, 5):
        assert ids(hands) == list(range(1, max_hands + 1))
    assert scene.detections == 1


def test_a_false_palm_does_not_take_a_hands_place() -> None:
    scene = Scene(Actor(100, presence=0.1), Actor(400))
    (hand,) = scene.tracker(max_hands=1).update(IMAGE, 0.0)
    assert hand.landmarks == pytest.approx(Actor(400).landmarks)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("what", ["poison", "world_poison"])
@pytest.mark.parametrize("static", [False, True])
def test_landmarks_that_are_no_numbers_are_no_hand(value: float, what: str, static: bool) -> None:
    scene = Scene(Actor(100), Actor(400))
    tracker = scene.tracker(static=static, settings=TrackerSettings(second_pass=static))
    assert len(tracker.update(IMAGE, 0.0)) == 2
    setattr(scene.actors[0], what, value)
    (hand,) = tracker.update(IMAGE, 0.01)
    assert hand.landmarks == pytest.approx(scene.actors[1].landmarks)


@pytest.mark.parametrize(
    ("right", "mirrored", "side", "score"),
    [
        (0.9, False, "right", 0.9),
        (0.2, False, "left", 0.8),
        (0.9, True, "left", 0.9),
        (0.2, True, "right", 0.8),
    ],
)
def test_mirrored_images_swap_the_side(
    right: float, mirrored: bool, side: str, score: float
) -> None:
    (hand,) = Scene(Actor(100, right=right)).tracker(mirrored=mirrored).update(IMAGE, 0.0)
    assert hand.handedness == side
    assert hand.handedness_score == pytest.approx(score)


def test_the_side_is_averaged_over_the_track() -> None:
    scene = Scene(Actor(100))
    tracker = scene.tracker(max_hands=1)
    for frame, right in enumerate((1.0, 1.0, 0.0, 0.0)):
        scene.actors[0].right = right
        (hand,) = tracker.update(IMAGE, frame / 16)
        mean = (1.0, 1.0, 2 / 3, 0.5)[frame]
        assert hand.handedness == "right"
        assert hand.handedness_score == pytest.approx(mean)


def test_a_wrong_start_is_forgotten() -> None:
    scene = Scene(Actor(100, right=0.9))
    tracker = scene.tracker(max_hands=1)
    run(tracker, 300)
    scene.actors[0].right = 0.1
    (hand,) = run(tracker, 60, start=300 / 16)[-1]
    assert hand.handedness == "left"


def test_the_side_does_not_flicker_when_it_is_unsure() -> None:
    scene = Scene(Actor(100, right=0.9))
    tracker = scene.tracker(max_hands=1)
    run(tracker, 30)
    sides = set()
    for frame in range(200):
        scene.actors[0].right = 0.4 if frame % 40 < 20 else 0.6
        (hand,) = tracker.update(IMAGE, 2 + frame / 30)
        sides.add(hand.handedness)
        assert 0.5 <= hand.handedness_score <= 1
    assert sides == {"right"}


def test_a_new_hand_starts_its_own_average() -> None:
    scene = Scene(Actor(100, right=0.9))
    tracker = scene.tracker(max_hands=1)
    run(tracker, 10)
    scene.actors = [Actor(500, right=0.2)]
    (hand,) = tracker.update(IMAGE, 1.0)
    assert hand.handedness == "left"
    assert hand.handedness_score == pytest.approx(0.8)


def test_static_images_stand_alone() -> None:
    scene = Scene(Actor(150), Actor(450))
    tracker = scene.tracker(static=True)
    assert [ids(tracker.update(IMAGE)) for _ in range(3)] == [[1, 2], [3, 4], [5, 6]]
    assert scene.detections == 3
    assert len(scene.measured) == 6


def test_static_images_may_have_any_time() -> None:
    tracker = Scene(Actor(150)).tracker(static=True)
    for time in (5.0, 1.0, None):
        assert len(tracker.update(IMAGE, time)) == 1


def test_a_second_pass_measures_in_the_region_of_the_first_answer() -> None:
    scene = Scene(Actor(150))
    tracker = scene.tracker(static=True, settings=TrackerSettings(second_pass=True))
    (hand,) = tracker.update(IMAGE)
    assert len(scene.measured) == 2
    assert hand.roi == scene.measured[1] == next_roi(Actor(150).landmarks)
    assert tracker.last.rois == scene.measured


def test_a_second_pass_is_for_static_images_only() -> None:
    scene = Scene(Actor(150))
    scene.tracker(settings=TrackerSettings(second_pass=True)).update(IMAGE, 0.0)
    assert len(scene.measured) == 1


class Shifter:
    """A smoother that moves everything by a thousand."""

    def __init__(self) -> None:
        self.forgotten: list[int] = []
        self.calls: list[tuple[int, float]] = []

    def smooth(
        self, hand: int, time: float, landmarks: FloatArray, world_landmarks: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        self.calls.append((hand, time))
        return landmarks + np.float32(1000), world_landmarks + np.float32(1)

    def forget(self, hand: int) -> None:
        self.forgotten.append(hand)


def test_hands_are_what_the_smoother_returns_and_regions_what_was_measured() -> None:
    scene = Scene(Actor(150))
    tracker = scene.tracker(smoother=Shifter())
    for time in (0.0, 0.1):
        (hand,) = tracker.update(IMAGE, time)
        assert hand.landmarks == pytest.approx(Actor(150).landmarks + 1000)
        assert hand.world_landmarks == pytest.approx(flat_hand() + 1)
    assert hand.roi == next_roi(Actor(150).landmarks)


def test_the_smoother_hears_of_each_hand_and_of_its_end() -> None:
    scene = Scene(Actor(150), Actor(450))
    smoother = Shifter()
    tracker = scene.tracker(smoother=smoother)
    tracker.update(IMAGE, 0.0)
    scene.actors[0].presence = 0.0
    tracker.update(IMAGE, 0.1)
    assert smoother.calls == [(1, 0.0), (2, 0.0), (2, 0.1)]
    assert smoother.forgotten == [1]


def noise(grey_levels: float) -> ImageArray:
    """A grey picture as a sensor sees it; the same one each time."""
    values = np.random.default_rng(1).normal(128, grey_levels, IMAGE.shape)
    return values.clip(0, 255).astype(np.uint8)


def measured(tracker: StageTracker, scene: Scene, images: Sequence[ImageArray]) -> list[int]:
    """How many regions each picture made the tracker measure."""
    counts = []
    for frame, image in enumerate(images):
        scene.measured.clear()
        assert len(tracker.update(image, frame / 16)) == 1
        counts.append(len(scene.measured))
    return counts


def test_a_hand_that_has_not_moved_is_measured_again_after_a_few_frames_only() -> None:
    scene = Scene(Actor(150))
    tracker = scene.tracker(smoother=Shifter(), max_hands=1)
    assert measured(tracker, scene, [IMAGE] * 8) == [1, 1, 0, 0, 1, 0, 0, 1]
    assert tracker.last.still == 0
    tracker.update(IMAGE, 1.0)
    assert tracker.last.still == 1


def test_a_sensors_noise_is_no_movement_and_a_moved_finger_is() -> None:
    scene = Scene(Actor(150))
    tracker = scene.tracker(smoother=Shifter(), max_hands=1)
    quiet, other = noise(1.0), IMAGE + np.uint8(128)
    finger = quiet.copy()
    finger[200:240, 145:155] += 60
    assert measured(tracker, scene, [quiet, quiet, other, finger, finger, finger]) == [
        *(1, 1, 0, 1, 0, 0)
    ]


@pytest.mark.parametrize(("still_frames", "smoother"), [(0, Shifter()), (2, None)])
def test_each_frame_is_measured_where_that_is_asked_for(
    still_frames: int, smoother: Shifter | None
) -> None:
    scene = Scene(Actor(150))
    settings = TrackerSettings(still_frames=still_frames)
    tracker = scene.tracker(smoother=smoother, max_hands=1, settings=settings)
    assert measured(tracker, scene, [IMAGE] * 5) == [1] * 5


def test_static_images_are_not_smoothed() -> None:
    smoother = Shifter()
    Scene(Actor(150)).tracker(smoother=smoother, static=True).update(IMAGE)
    assert smoother.calls == []


class OnlyAt:
    """A policy that detects at one time only."""

    def __init__(self, time: float) -> None:
        self._time = time
        self.tracked: list[int] = []

    def due(self, time: float, tracked: int, image: ImageArray) -> Reason | None:  # noqa: ARG002
        self.tracked.append(tracked)
        return "search" if time == self._time else None


def test_the_policy_alone_says_when_to_detect() -> None:
    scene = Scene(Actor(150))
    policy = OnlyAt(2.0)
    found = [ids(hands) for hands in run(scene.tracker(policy=policy), 5, step=1.0)]
    assert found == [[], [], [1], [1], [1]]
    assert scene.detections == 1
    assert policy.tracked == [0, 0, 0, 1, 1]


def test_the_report_tells_what_was_done() -> None:
    scene = Scene(Actor(150), Actor(450, presence=0.3))
    tracker = scene.tracker(smoother=Shifter())
    tracker.update(IMAGE, 1.5)
    report = tracker.last
    assert (report.time, report.detection, report.duty_cycle) == (1.5, "no hand", 1.0)
    assert len(report.palms) == 2
    assert report.rois == scene.measured
    assert report.presences == [0.9, 0.3]
    assert set(report.stage_ms) == {"palm", "landmarks", "smoothing"}


def test_a_stage_that_did_not_run_is_not_in_the_report() -> None:
    tracker = Scene().tracker()
    tracker.update(IMAGE, 0.0)
    assert set(tracker.last.stage_ms) == {"palm"}


def test_a_returned_hand_cannot_be_written_to() -> None:
    scene = Scene(Actor(150))
    (hand,) = scene.tracker().update(IMAGE, 0.0)
    for array in (hand.landmarks, hand.world_landmarks):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 5


def test_after_a_failed_frame_the_hands_are_still_known() -> None:
    scene = Scene(Actor(150))
    tracker = scene.tracker(max_hands=1)
    tracker.update(IMAGE, 0.0)
    scene.landmark_stage.failure = DeviceError("unplugged")
    with pytest.raises(DeviceError, match="unplugged"):
        tracker.update(IMAGE, 0.1)
    scene.landmark_stage.failure = None
    assert ids(tracker.update(IMAGE, 0.1)) == [1]


def test_closing_closes_each_stage_once() -> None:
    scene = Scene()
    with scene.tracker() as tracker:
        tracker.update(IMAGE, 0.0)
    tracker.close()
    assert sorted(scene.closed) == ["landmarks", "palm"]


def test_a_stage_that_fails_to_close_does_not_keep_the_other_open() -> None:
    scene = Scene()

    def fail() -> None:
        raise DeviceError("stuck")

    scene.palm_stage.close = fail  # type: ignore[method-assign]
    with pytest.raises(DeviceError, match="stuck"):
        scene.tracker().close()
    assert scene.closed == ["landmarks"]


def test_a_closed_tracker_says_so() -> None:
    tracker = Scene().tracker()
    tracker.close()
    with pytest.raises(UsageError, match="tracker is closed: make another"):
        tracker.update(IMAGE, 0.0)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (None, "the image is NoneType: it must be a numpy array of uint8"),
        ([[1, 2], [3, 4]], "the image is list"),
        (np.zeros((4, 4, 3), np.float32), "the image is float32"),
        (np.zeros((4, 4), np.uint8), r"shape \(4, 4\): it must be \[height, width, 3\]"),
        (np.zeros((4, 4, 1), np.uint8), r"shape \(4, 4, 1\)"),
        (np.zeros((4, 4, 4), np.uint8), r"shape \(4, 4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), r"shape \(0, 4, 3\)"),
    ],
    ids=["none", "list", "float", "gray", "one channel", "four channels", "empty"],
)
def test_what_is_no_image_is_refused_by_its_kind(image: object, said: str) -> None:
    tracker = Scene().tracker()
    with pytest.raises(UsageError, match=said):
        tracker.update(image, 0.0)  # type: ignore[arg-type]
    assert tracker.update(IMAGE, 0.0) == []


@pytest.mark.parametrize(
    "view",
    [
        lambda image: image[:, ::-1],
        lambda image: image[..., ::-1],
        lambda image: image[::2, ::2],
        lambda image: image.transpose(1, 0, 2),
        lambda image: image[:1, :1],
    ],
    ids=["mirrored", "BGR", "every second", "turned", "one pixel"],
)
def test_any_view_of_an_image_is_an_image(view: Callable[[ImageArray], ImageArray]) -> None:
    assert len(Scene(Actor(150)).tracker().update(view(IMAGE), 0.0)) == 1


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (None, r"needs the image's time in seconds, or static=True"),
        (0.5, r"time 0.5 is before the last image's 1.0"),
        (math.nan, "time nan is no time"),
        (math.inf, "time inf is no time"),
    ],
)
def test_a_time_that_cannot_follow_is_refused(time: float | None, said: str) -> None:
    tracker = Scene(Actor(150)).tracker()
    tracker.update(IMAGE, 1.0)
    with pytest.raises(UsageError, match=said):
        tracker.update(IMAGE, time)
    assert tracker.last.time == 1.0
    assert ids(tracker.update(IMAGE, 1.0)) == [1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_hands": 0}, "max_hands is 0: it must be 1 or more"),
        ({"threads": 0}, "threads is 0"),
        ({"model": "ful"}, "no landmarks? model 'ful': did you mean 'full'"),
        ({"model": "palm-full"}, "no landmarks? model 'palm-full': .*choose light, full"),
        (
            {"settings": TrackerSettings(palm_model="light")},
            "no palm model 'light': choose palm-lite",
        ),
        ({"settings": TrackerSettings(min_presence=1.5)}, r"min_presence"),
    ],
)
def test_a_wrong_argument_is_named_before_any_file_is_read(
    options: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgehands.models.store.load", None)
    with pytest.raises(UsageError, match=said):
        HandTracker(**options)  # type: ignore[arg-type]


@pytest.mark.usefixtures("models")
def test_there_is_no_hand_in_noise() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)
    with HandTracker(model="light") as tracker:
        assert tracker.update(noise, 0.0) == []
        assert tracker.last.detection == "no hand"
        assert tracker.describe().startswith("tflite (")


@pytest.fixture
def closed_sessions(models: None, monkeypatch: pytest.MonkeyPatch) -> list[object]:  # noqa: ARG001
    """Every real session that was closed."""
    from edgehands.backends.tflite import TfliteSession

    closed: list[object] = []

    def close(session: TfliteSession) -> None:
        closed.append(session)

    monkeypatch.setattr(TfliteSession, "close", close)
    return closed


def test_closing_the_tracker_closes_its_sessions(closed_sessions: list[object]) -> None:
    tracker = HandTracker(model="light")
    assert closed_sessions == []
    tracker.close()
    assert len(set(map(id, closed_sessions))) == 2


def test_a_palm_model_that_does_not_open_closes_the_landmark_session(
    closed_sessions: list[object],
) -> None:
    with pytest.raises(UsageError, match="no backend 'tflight'"):
        HandTracker(model="light", settings=TrackerSettings(palm_backend="tflight"))
    assert len(closed_sessions) == 1

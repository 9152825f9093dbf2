"""The shipped vocabulary: what it counts, what MediaPipe calls it, and real hands that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgehands import HandTracker, open_camera
from edgehands.errors import ConfigError
from edgehands.gestures.vocabulary import (
    MEDIAPIPE_NAMES,
    default_rules,
    numbers,
    read_vocabulary,
    shipped_vocabulary,
)
from edgehands.hand import Hand, Roi
from edgehands.interpreter import Interpreter
from edgehands.settings import EventSettings, GestureRules
from edgehands.synthetic import DEMO_CLIP
from edgehands.synthetic.camera import Camera, Placement
from edgehands.synthetic.gesturing.shapes import SHAPES
from edgehands.synthetic.scene import Actor

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.events import Event
    from edgehands.settings import Culture


TRUTH = Actor(Placement((0, 60, 560), 0, 0, 0, left=False), SHAPES["hook"][0].pose).truth(Camera())
POINTS = TRUTH.landmarks, TRUTH.world_landmarks
ONE_TO_FIVE = "fist pointing_up victory three_american four open_palm"


def test_mediapipes_seven_names_map_one_to_one() -> None:
    assert len(set(MEDIAPIPE_NAMES.values())) == len(MEDIAPIPE_NAMES) == 7
    assert set(MEDIAPIPE_NAMES.values()) <= set(shipped_vocabulary())


@pytest.mark.parametrize(
    ("culture", "counted"),
    [
        ("american", ONE_TO_FIVE),
        ("european", "fist thumb_up gun three_european four open_palm"),
        ("chinese", f"{ONE_TO_FIVE} call_me pinch gun hook crossed_fingers"),
    ],
)
def test_each_culture_counts_without_a_gap(culture: Culture, counted: str) -> None:
    counts = numbers(shipped_vocabulary(), culture)
    assert sorted(counts, key=lambda name: counts[name]) == counted.split()
    assert sorted(counts.values()) == list(range(len(counts)))


@pytest.mark.parametrize(
    "content",
    [
        b'[fist]\nthumb = "curly"\n',
        b'[fist]\nthumbs = "curled"\n',
        b'[fist]\npoints = { toe = "up" }\n',
        b"[fist]\nmargin = 1\n",
        b"fist = 3\n",
        b"[fist\n",
        b"\xff\xfe\n",
    ],
    ids=["state", "finger", "toe", "margin", "no table", "no TOML", "no text"],
)
def test_a_bad_vocabulary_is_one_line_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "vocabulary.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_vocabulary(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_experimental_counts_only_where_rules_ask_for_it() -> None:
    hand = Hand(1, *POINTS, 0.9, "right", 0.95, Roi(320, 240, 300, 0))

    def begun(rules: dict[str, GestureRules]) -> list[str]:
        interpreter = Interpreter("camera", "run", rules, static=True)
        return [event.event_type for event in interpreter.update([hand], 0.0, 0.0) if event.gesture]

    assert default_rules(shipped_vocabulary()).keys() == {"hook"}
    assert "hook" not in begun({})
    assert begun({"hook": GestureRules()}) == ["hook"]


def test_a_missing_vocabulary_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        read_vocabulary(tmp_path / "nowhere.toml")


def events_of(source: Path, *, static: bool = False, max_hands: int = 2) -> list[Event]:
    """What a run on a file says."""
    interpreter = Interpreter("camera", "run", {}, EventSettings(), static=static)
    events: list[Event] = []
    with (
        HandTracker(backend="tflite", max_hands=max_hands, static=static) as tracker,
        open_camera(str(source)) as camera,
    ):
        for frame in camera:
            hands = tracker.update(frame.image, frame.time)
            height, width = frame.image.shape[:2]
            events += interpreter.update(hands, frame.time, frame.time, (width, height))
    return [*events, *interpreter.finish(frame.time)]


def starts(events: list[Event]) -> list[str]:
    """The static gestures that began."""
    return [each.event_type for each in events if each.event_type in shipped_vocabulary()]


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("file", "gesture"),
    [
        ("mediapipe-samples/thumbs-up.png", "thumb_up"),
        ("mediapipe-samples/hand_landmarker_test_image.jpg", "thumb_up"),
        ("iwatake2222+play_with_tflite/hand_00.jpg", "open_palm"),
        ("iwatake2222+play_with_tflite/hand_02.jpg", "fist"),
    ],
)
def test_a_photograph_shows_its_gesture_at_once(media: Path, file: str, gesture: str) -> None:
    """In the second, the front hand: the one behind is out of focus."""
    assert starts(events_of(media / file, static=True)) in ([gesture], [gesture] * 2)


@pytest.mark.slow
@pytest.mark.usefixtures("models")
def test_the_demo_shows_what_it_was_drawn_to_show_and_no_more() -> None:
    """In the end both hands open on their way out of the picture: that is not shown."""
    events = [event for event in events_of(DEMO_CLIP) if event.gesture in shipped_vocabulary()]
    begun = [event.gesture for event in events if event.phase == "start"]
    alone = ["open_palm", "fist", "victory", "pointing_up", "thumb_up", "open_palm"]
    both = ["open_palm", "open_palm", "victory", "pointing_up"]
    # Found late by a busy detector, the second palm is on its way again before it counts.
    assert begun in (alone + both, alone + both[1:])
    assert sum(event.phase == "end" for event in events) == len(begun)


@pytest.mark.slow
@pytest.mark.usefixtures("models")
def test_a_palm_that_is_held_out_starts_and_ends_once(media: Path) -> None:
    events = events_of(media / "mediapipe-samples" / "hand_landmarker_test_video.mp4", max_hands=1)
    static = [event for event in events if event.gesture in shipped_vocabulary()]
    assert [event.phase for event in static if event.phase != "hold"] == ["start", "end"]
    assert {event.gesture for event in static} == {"open_palm"}
    assert static[-1].duration > 5  # type: ignore[operator]


# Looked at frame by frame; seconds. The hand spreads, folds its thumb across the palm, then one
# finger after another, makes a fist, touches the thumb with one fingertip after another, turns, and
# closes again. A hand with one finger folded is no gesture of the vocabulary, nor is a pinch of the
# middle or the ring finger. At 15.2 three fingers stand and the pinky touches the thumb, which is
# not seen as folded; at 17.0 the hand is seen from its edge, and turns until 19.7.
DEXSUITE = [
    *(("open_palm", 0.2), ("four", 0.9), ("open_palm", 1.6)),
    *(("open_palm", 3.1), ("open_palm", 4.7), ("open_palm", 6.4)),
    *(("three_european", 7.3), ("open_palm", 8.0), ("fist", 9.0), ("open_palm", 9.8)),
    *(("ok", 10.7), ("open_palm", 11.6), ("open_palm", 13.2), ("open_palm", 14.7)),
    *(("open_palm", 16.4), ("open_palm", 19.8), ("fist", 20.7)),
]


@pytest.mark.slow
@pytest.mark.usefixtures("models")
def test_a_clip_of_many_gestures_is_read_as_it_was_looked_at(media: Path) -> None:
    events = events_of(media / "dexsuite+dex-retargeting" / "human_hand_video.mp4", max_hands=1)
    begun = [each for each in events if each.event_type in shipped_vocabulary()]
    assert [event.event_type for event in begun] == [name for name, _ in DEXSUITE]
    for event, (_, time) in zip(begun, DEXSUITE, strict=True):
        assert event.ts == pytest.approx(time, abs=0.3)


@pytest.mark.slow
@pytest.mark.usefixtures("models")
def test_cars_show_nothing(media: Path) -> None:
    assert events_of(media / "intel-iot-devkit+sample-videos" / "car-detection.mp4") == []

"""Programs written for MediaPipe run with one import line changed, and find the same hands."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import edgehands.compat.mediapipe as mp
from edgehands.compat.mediapipe.framework.formats import landmark_pb2
from edgehands.compat.mediapipe.tasks import python
from edgehands.compat.mediapipe.tasks.python import vision
from edgehands.synthetic import DEMO_CLIP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgehands.hand import ImageArray

PROGRAMS = Path(__file__).parent / "compat"
Hands = mp.solutions.hands.Hands


pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture(scope="module")
def pictures() -> list[ImageArray]:
    """The demo's first second and a half: from nothing to an open right hand."""
    from edgehands import open_camera

    with open_camera(str(DEMO_CLIP)) as camera:
        return [next(camera).image for _ in range(40)]


@pytest.fixture(scope="module")
def hand(pictures: list[ImageArray]) -> ImageArray:
    return pictures[-1]


def landmarker(**options: Any) -> vision.HandLandmarker:
    options.setdefault("base_options", python.BaseOptions(model_asset_path="hand_landmarker.task"))
    return vision.HandLandmarker.create_from_options(vision.HandLandmarkerOptions(**options))


def picture(data: ImageArray) -> mp.Image:
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=data)


# --- mp.solutions ---------------------------------------------------------------------------------


def test_a_hand_has_the_shape_that_mediapipe_gives_it(hand: ImageArray) -> None:
    with Hands(static_image_mode=True, max_num_hands=1) as hands:
        results = hands.process(hand)
    assert results.multi_hand_landmarks is not None
    assert results.multi_hand_world_landmarks is not None
    assert results.multi_handedness is not None
    (landmarks,), (world,) = results.multi_hand_landmarks, results.multi_hand_world_landmarks
    assert len(landmarks.landmark) == len(world.landmark) == 21
    tip = landmarks.landmark[mp.solutions.hands.HandLandmark.INDEX_FINGER_TIP]
    wrist = landmarks.landmark[mp.solutions.hands.HandLandmark.WRIST]
    assert 0 < tip.y < wrist.y < 1
    assert abs(wrist.z) < 0.01
    assert max(abs(point.x) for point in world.landmark) < 0.2


def test_legacy_handedness_is_that_of_a_mirrored_picture(hand: ImageArray) -> None:
    with Hands(static_image_mode=True) as hands:
        for image, label, index in ((hand, "Left", 0), (hand[:, ::-1], "Right", 1)):
            handedness = hands.process(image).multi_handedness
            assert handedness is not None
            classification = handedness[0].classification[0]
            assert (classification.label, classification.index) == (label, index)
            assert 0.5 < classification.score <= 1


def test_no_hand_is_none_and_not_an_empty_list() -> None:
    with Hands() as hands:
        assert hands.process(np.zeros((240, 320, 3), np.uint8)) == (None, None, None)


def test_a_read_only_picture_is_taken(hand: ImageArray) -> None:
    image = hand.copy()
    image.flags.writeable = False
    with Hands(static_image_mode=True) as hands:
        assert hands.process(image).multi_hand_landmarks


def test_wrong_arguments_are_the_errors_of_mediapipe() -> None:
    with pytest.raises(ValueError, match="model_complexity is 2"):
        Hands(model_complexity=2)
    with pytest.raises(ValueError, match="max_hands is 0"):
        Hands(max_num_hands=0)
    with pytest.raises(ValueError, match="min_palm_score"):
        Hands(min_detection_confidence=1.5)
    with Hands() as hands, pytest.raises(ValueError, match="three channel rgb"):
        hands.process(np.zeros((240, 320), np.uint8))
    with pytest.raises(ValueError, match="closed"):
        hands.process(np.zeros((240, 320, 3), np.uint8))


def test_what_is_not_about_hands_says_so() -> None:
    with pytest.raises(AttributeError, match=r"no face_mesh: .*hands only.*install mediapipe"):
        mp.solutions.face_mesh  # noqa: B018
    with pytest.raises(AttributeError, match="hands only"):
        vision.FaceLandmarker  # noqa: B018


def test_reset_forgets_the_hands_that_were_followed(pictures: list[ImageArray]) -> None:
    with Hands(max_num_hands=1) as hands:
        for image in pictures:
            found = hands.process(image)
        assert found.multi_hand_landmarks
        hands.reset()
        empty = np.zeros_like(pictures[0])
        assert hands.process(empty).multi_hand_landmarks is None
        assert hands.process(pictures[-1]).multi_hand_landmarks


# --- messages -------------------------------------------------------------------------------------


def test_messages_know_what_is_set_and_print_as_protobuf_does() -> None:
    point = landmark_pb2.NormalizedLandmark(x=0.1, y=0.5)
    assert point.HasField("x")
    assert not point.HasField("visibility")
    assert point.visibility == 0.0
    assert repr(point) == "x: 0.1\ny: 0.5\n"
    points = landmark_pb2.NormalizedLandmarkList()
    points.landmark.extend([point])
    points.landmark.add(x=0.25)
    assert repr(points) == "landmark {\n  x: 0.1\n  y: 0.5\n}\nlandmark {\n  x: 0.25\n}\n"
    copy = landmark_pb2.NormalizedLandmarkList()
    copy.CopyFrom(points)
    assert copy == points
    copy.landmark[0].x = 0.9
    assert points.landmark[0].x == 0.1
    with pytest.raises(ValueError, match='has no "w" field'):
        landmark_pb2.NormalizedLandmark(w=1.0)
    with pytest.raises(AttributeError, match="'w'"):
        point.w = 1.0


# --- drawing --------------------------------------------------------------------------------------


def drawn(landmarks: Any, connections: Any, **options: Any) -> ImageArray:
    image = np.zeros((200, 200, 3), np.uint8)
    mp.solutions.drawing_utils.draw_landmarks(image, landmarks, connections, **options)
    return image


def test_hands_of_both_apis_are_drawn_the_same() -> None:
    rng = np.random.default_rng(5)
    places = rng.uniform(0.1, 0.9, (21, 2))
    message = landmark_pb2.NormalizedLandmarkList()
    message.landmark.extend([landmark_pb2.NormalizedLandmark(x=x, y=y) for x, y in places])
    Point = python.components.containers.landmark.NormalizedLandmark  # noqa: N806
    legacy = drawn(message, mp.solutions.hands.HAND_CONNECTIONS)
    tasks = drawn(
        [Point(x, y) for x, y in places], vision.HandLandmarksConnections.HAND_CONNECTIONS
    )
    assert legacy.any()
    assert (legacy == tasks).all()


def test_only_what_is_inside_and_asked_for_is_drawn() -> None:
    message = landmark_pb2.NormalizedLandmarkList()
    message.landmark.add(x=0.5, y=0.5)
    message.landmark.add(x=1.5, y=0.5)
    message.landmark.add(x=0.1, y=0.1, visibility=0.2)
    image = drawn(message, [(0, 1), (0, 2)])
    rows, columns = np.nonzero(image.any(axis=2))
    assert rows.size
    assert abs(rows - 100).max() < 8
    assert abs(columns - 100).max() < 8
    assert not drawn(message, [(0, 1)], landmark_drawing_spec=None).any()
    assert not drawn(None, None).any()
    with pytest.raises(ValueError, match="landmark #0 to landmark #7"):
        drawn(message, [(0, 7)])


def test_styles_cover_every_landmark_and_bone() -> None:
    styles = mp.solutions.drawing_styles
    assert set(styles.get_default_hand_landmarks_style()) == set(range(21))
    bones = mp.solutions.hands.HAND_CONNECTIONS
    assert set(styles.get_default_hand_connections_style()) == set(bones)
    assert len(bones) == 21


# --- mp.tasks -------------------------------------------------------------------------------------


def test_a_single_picture_has_the_persons_handedness(hand: ImageArray) -> None:
    with landmarker() as found:
        result = found.detect(picture(hand))
    (category,), (points,) = result.handedness[0], result.hand_landmarks
    assert (category.index, category.category_name, category.display_name) == (0, "Right", "Right")
    assert len(points) == len(result.hand_world_landmarks[0]) == 21
    assert points[8].visibility is None


def test_a_turned_picture_gives_points_of_the_picture_as_it_came(hand: ImageArray) -> None:
    with landmarker() as found:
        upright = found.detect(picture(hand))
        for degrees in (90, 180, -90):
            turned = np.ascontiguousarray(np.rot90(hand, degrees // 90))
            options = vision.ImageProcessingOptions(rotation_degrees=degrees)
            result = found.detect(picture(turned), options)
            x, y = upright.hand_landmarks[0][8].x, upright.hand_landmarks[0][8].y
            there = {90: (y, 1 - x), 180: (1 - x, 1 - y), -90: (1 - y, x)}[degrees]
            tip = result.hand_landmarks[0][8]
            assert (tip.x, tip.y) == pytest.approx(there, abs=1e-4)
        with pytest.raises(ValueError, match="multiple of 90"):
            found.detect(picture(hand), vision.ImageProcessingOptions(rotation_degrees=45))


def test_a_video_is_followed_and_its_time_must_rise(pictures: list[ImageArray]) -> None:
    with landmarker(running_mode=vision.RunningMode.VIDEO) as found:
        for index, image in enumerate(pictures):
            result = found.detect_for_video(picture(image), index * 33)
        assert len(result.hand_landmarks) == 1
        with pytest.raises(ValueError, match="monotonically increasing"):
            found.detect_for_video(picture(pictures[0]), 5)
        with pytest.raises(ValueError, match=r"image mode.*VIDEO"):
            found.detect(picture(pictures[0]))


def test_a_live_stream_calls_back_with_the_frame_it_was_given(hand: ImageArray) -> None:
    told: list[tuple[vision.HandLandmarkerResult, mp.Image, int]] = []
    done = threading.Event()

    def callback(result: vision.HandLandmarkerResult, image: mp.Image, ms: int) -> None:
        told.append((result, image, ms))
        done.set()

    given = picture(hand)
    with landmarker(running_mode=vision.RunningMode.LIVE_STREAM, result_callback=callback) as found:
        found.detect_async(given, 40)
        assert done.wait(20)
        found.detect_async(given, 80)
    assert [ms for _, _, ms in told] == [40, 80]  # closing finishes the frame under way
    assert told[0][1] is given
    assert told[0][0].hand_landmarks


def test_a_callback_that_fails_is_told_to_who_gives_frames(hand: ImageArray) -> None:
    done = threading.Event()

    def callback(_: vision.HandLandmarkerResult, __: mp.Image, ms: int) -> None:
        done.set()
        if ms == 1:
            raise KeyError(ms)

    with landmarker(running_mode=vision.RunningMode.LIVE_STREAM, result_callback=callback) as found:
        found.detect_async(picture(hand), 1)
        assert done.wait(20)
        with pytest.raises(KeyError, match="1"):
            give_until_told(found, hand)


def test_a_callback_that_fails_on_the_last_frame_is_told_at_the_end(hand: ImageArray) -> None:
    def callback(_: vision.HandLandmarkerResult, __: mp.Image, ms: int) -> None:
        raise KeyError(ms)

    found = landmarker(running_mode=vision.RunningMode.LIVE_STREAM, result_callback=callback)
    found.detect_async(picture(hand), 7)
    with pytest.raises(KeyError, match="7"):
        found.close()
    found.close()
    with pytest.raises(ValueError, match="this hand landmarker is closed: make another one"):
        found.detect_async(picture(hand), 8)


def give_until_told(found: vision.HandLandmarker, image: ImageArray) -> None:
    for ms in range(2, 5000):
        found.detect_async(picture(image), ms)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"running_mode": vision.RunningMode.LIVE_STREAM}, "callback must be provided"),
        ({"result_callback": print}, "should not be provided"),
        ({"num_hands": 0}, "max_hands is 0"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        landmarker(**options)


def test_pictures_keep_their_format(tmp_path: Path, hand: ImageArray) -> None:
    import cv2

    rgba = np.dstack([hand, np.full(hand.shape[:2], 255, np.uint8)])
    image = mp.Image(mp.ImageFormat.SRGBA, rgba)
    assert (image.width, image.height, image.channels) == (hand.shape[1], hand.shape[0], 4)
    assert not image.numpy_view().flags.writeable
    path = tmp_path / "hand.png"
    cv2.imwrite(str(path), hand[:, :, ::-1])
    assert (mp.Image.create_from_file(str(path)).numpy_view() == hand).all()
    with pytest.raises(RuntimeError, match=r"nothing\.png"):
        mp.Image.create_from_file("nothing.png")
    with pytest.raises(ValueError, match="SRGB is uint8 with 3 channels"):
        mp.Image(mp.ImageFormat.SRGB, rgba)
    with landmarker() as found:
        assert found.detect(image).hand_landmarks


# --- import forms ---------------------------------------------------------------------------------

FORMS = """
import edgehands.compat.mediapipe as mp
import mediapipe
from mediapipe.framework.formats import landmark_pb2
from mediapipe.framework.formats.landmark_pb2 import LandmarkList
from mediapipe.tasks import python
from mediapipe.tasks.python import vision
from mediapipe.tasks.python.vision.hand_landmarker import HandLandmarker
from mediapipe.python.solutions.drawing_utils import DrawingSpec
from mediapipe.python.solutions import hands as old_hands
import edgehands.compat.mediapipe.python.solutions.hands as same_hands
import mediapipe.python.solutions.hands_connections
assert mediapipe is mp
assert old_hands is same_hands is mp.solutions.hands is mp.python.solutions.hands
assert vision is mp.tasks.vision is python.vision
assert HandLandmarker is mp.tasks.vision.HandLandmarker
assert mp.tasks.BaseOptions is python.BaseOptions
assert mp.tasks.vision.RunningMode.IMAGE.name == "IMAGE"
assert DrawingSpec is mp.solutions.drawing_utils.DrawingSpec
assert landmark_pb2 is mp.framework.formats.landmark_pb2
assert LandmarkList is landmark_pb2.LandmarkList
"""


def test_one_line_changed_is_enough_for_every_import_form() -> None:
    subprocess.run([sys.executable, "-c", FORMS], check=True, timeout=60)


def test_an_installed_mediapipe_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "mediapipe").mkdir()
    (tmp_path / "mediapipe" / "__init__.py").write_text("real = True\n", encoding="ascii")
    code = "import edgehands.compat.mediapipe as mp; import mediapipe; assert mediapipe.real"
    whole = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"
    subprocess.run([sys.executable, "-c", whole], check=True, timeout=60)


def test_an_unchanged_program_runs_by_our_name(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, helper\nfrom mediapipe.tasks.python import vision\n"
        "print(vision.HandLandmarker.__module__, sys.argv[1:], helper.value, __name__)\n",
        encoding="ascii",
    )
    (tmp_path / "helper.py").write_text("value = 7\n", encoding="ascii")
    command = [sys.executable, "-m", "edgehands.compat.mediapipe", str(program), "--frames", "3"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    home = "edgehands.compat.mediapipe.tasks.python.vision.hand_landmarker"
    assert done.stdout.strip() == f"{home} ['--frames', '3'] 7 __main__"
    command[3] = "missing.py"
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 66
    assert done.stderr.startswith("edgehands: no program missing.py")
    assert done.stderr.count("\n") == 1


# --- against MediaPipe itself ---------------------------------------------------------------------

Found = list[list[dict[str, Any]]]


@pytest.fixture(scope="module")
def run_both(
    media: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., tuple[Found, Found]]:
    """Runs a program by MediaPipe in an environment of its own, and by us; returns both outputs."""
    from edgehands.benchmarks.vs_mediapipe import peers

    folder = tmp_path_factory.mktemp("compat")

    def run(program: str, package: peers.Package, *last: str) -> tuple[Found, Found]:
        try:
            theirs = [str(peers.environment(package))]
        except peers.NoPeerError as reason:
            pytest.skip(f"no MediaPipe: {reason}")
        ours = [sys.executable, "-m", "edgehands.compat.mediapipe"]
        clips = media / "tfjs-models"
        rest = [str(PROGRAMS / program), str(clips / "hands.jpg")]
        rest += [str(clips / "asl_hand.25fps.mp4"), *last]
        outputs = []
        for command in (theirs, ours):
            done = subprocess.run(
                [*command, *rest],
                capture_output=True,
                text=True,
                check=True,
                timeout=600,
                cwd=folder,
            )
            outputs.append([json.loads(line) for line in done.stdout.splitlines()])
        return outputs[0], outputs[1]

    return run


def pairs(theirs: Found, ours: Found) -> Iterator[tuple[int, float]]:
    """The frame, and the mean distance of x and y, of each hand and ours that is nearest."""
    for frame, (expected, found) in enumerate(zip(theirs, ours, strict=True)):
        labels = [sorted(hand["label"] for hand in hands) for hands in (expected, found)]
        assert labels[0] == labels[1], f"frame {frame}"
        for hand in expected:
            apart = [
                np.abs(np.subtract(hand["landmarks"], other["landmarks"])[:, :2]).mean()
                for other in found
            ]
            yield frame, float(min(apart))


@pytest.mark.system
def test_the_legacy_api_finds_what_mediapipe_finds(
    run_both: Callable[..., tuple[Found, Found]],
) -> None:
    from edgehands.benchmarks.vs_mediapipe.peers import SOLUTIONS

    theirs, ours = run_both("solutions_program.py", SOLUTIONS, "drawn.png")
    assert len(theirs) == 326
    assert len(theirs[0]) == 2
    apart = [distance for _, distance in pairs(theirs, ours)]
    assert len(apart) == 327
    assert np.mean(apart) < 0.0005
    assert max(apart) < 0.003


@pytest.mark.system
def test_tasks_find_what_mediapipe_finds_once_its_first_region_is_forgotten(
    run_both: Callable[..., tuple[Found, Found]],
) -> None:
    from edgehands.benchmarks.vs_mediapipe.peers import NEWEST, bundle

    theirs, ours = run_both("tasks_program.py", NEWEST, str(bundle()))
    by_frame = list(pairs(theirs, ours))
    # It turns a region that the detector found 26.6 degrees too far, one from landmarks rightly:
    # the two pictures, and the clip's first frames, show that.
    first = [distance for frame, distance in by_frame if frame < 5]
    later = [distance for frame, distance in by_frame if frame >= 5]
    assert len(first) == 7
    assert max(first) < 0.01
    assert np.mean(later) < 0.0005
    assert max(later) < 0.003

"""Real clips: the same hands as MediaPipe's own, no hand where there is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands import HandTracker, open_camera

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands import Hand
    from edgehands.hand import FloatArray

pytestmark = pytest.mark.usefixtures("models")


def follow(path: Path, **options: object) -> list[list[Hand]]:
    with HandTracker(**options) as tracker, open_camera(str(path)) as camera:  # type: ignore[arg-type]
        return [tracker.update(frame.image, frame.time) for frame in camera]


def reference(path: Path) -> FloatArray:
    """[frames, 21, 3]."""
    return np.array(json.loads(path.read_text()), np.float32)


@pytest.mark.parametrize("max_hands", [1, 2])
def test_every_frame_of_the_asl_clip_agrees_with_mediapipe(media: Path, max_hands: int) -> None:
    folder = media / "tfjs-models"
    frames = follow(folder / "asl_hand.25fps.mp4", max_hands=max_hands, smoothing=False)
    assert [len(hands) for hands in frames] == [1] * 325
    hands = [hands[0] for hands in frames]
    points = np.stack([hand.landmarks for hand in hands])
    off = np.linalg.norm((points - reference(folder / "asl_hand.full.json"))[..., :2], axis=2)
    assert off.mean() <= 0.5  # pixels
    assert np.percentile(off, 95) <= 1.5
    world = np.stack([hand.world_landmarks for hand in hands])
    off_world = np.linalg.norm(world - reference(folder / "asl_hand_3d.full.json"), axis=2)
    assert off_world.mean() <= 0.001  # metres


def test_the_one_hand_of_the_dexsuite_clip_keeps_its_id(media: Path) -> None:
    frames = follow(media / "dexsuite+dex-retargeting" / "human_hand_video.mp4")
    assert len(frames) == 621
    assert np.mean([bool(hands) for hands in frames]) >= 0.99
    assert {(hand.id, hand.handedness) for hands in frames for hand in hands} == {(1, "right")}


def test_cars_are_no_hands(media: Path) -> None:
    frames = follow(media / "intel-iot-devkit+sample-videos" / "car-detection.mp4")
    assert len(frames) == 377
    assert not any(frames)


@pytest.mark.parametrize("second_pass", [False, True])
def test_two_left_hands_in_one_picture(media: Path, second_pass: bool) -> None:
    from edgehands import TrackerSettings

    (hands,) = follow(
        media / "tfjs-models" / "hands.jpg",
        static=True,
        settings=TrackerSettings(second_pass=second_pass),
    )
    assert [hand.handedness for hand in hands] == ["left", "left"]
    up, down = sorted(hands, key=lambda hand: abs(hand.roi.angle))
    assert abs(up.roi.angle) < 0.5
    assert abs(down.roi.angle) > 2.6


def test_a_mirrored_picture_has_its_sides_swapped_back(media: Path) -> None:
    (frame,) = open_camera(str(media / "tfjs-models" / "hands.jpg"))
    with HandTracker(static=True, mirrored=True) as tracker:
        hands = tracker.update(frame.image[:, ::-1])
    assert [hand.handedness for hand in hands] == ["left", "left"]


@pytest.mark.parametrize(
    ("file", "gesture"),
    [
        ("iwatake2222+play_with_tflite/hand_00.jpg", "open_palm"),
        ("iwatake2222+play_with_tflite/hand_02.jpg", "fist"),
        ("mediapipe-samples/thumbs-up.png", "thumb_up"),
        ("mediapipe-samples/hand_landmarker_test_image.jpg", "thumb_up"),
    ],
)
def test_the_gesture_of_a_real_picture(media: Path, file: str, gesture: str) -> None:
    from edgehands.gestures.poses import PoseReader
    from edgehands.gestures.vocabulary import shipped_vocabulary

    (hands,) = follow(media / file, static=True)
    poses = [PoseReader(shipped_vocabulary()).best(hand) for hand in hands]
    assert gesture in {pose.gesture for pose in poses if pose}
    assert {pose.gesture for pose in poses if pose} == {gesture}

"""Real clips: the same hands as MediaPipe's own, no hand where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands import HandTracker, open_camera
from edgehands.benchmarks import parity

if TYPE_CHECKING:
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


def test_the_figures_published_are_the_measured_ones() -> None:
    root = Path(__file__).parent.parent
    results = root / "benchmarks" / "results"
    record = json.loads((results / "parity.json").read_text("utf-8"))
    near, runtimes, jitters = record["mediapipe"], record["runtimes"], record["jitter"]
    table = parity.table(tuple(record["size"]), near, runtimes, jitters)
    assert (results / "parity.md").read_text("utf-8").strip() == table
    readme = " ".join((root / "README.md").read_text("utf-8").split())
    assert f"On a {near['frames']}-frame finger-spelling clip" in readme
    assert f"mean distance {near['mean_px']:.2f} px, 95th" in readme
    assert f"95th percentile {near['p95_px']:.2f} px; world" in readme
    assert f"world landmarks {near['world_mean_mm']:.2f} mm." in readme
    assert f"by {jitters['light']:.1%} of palm size with light" in readme
    assert f"{jitters['full']:.1%} with full and {jitters['heavy']:.1%} with heavy" in readme
    mean = max(each["mean_px"] for each in runtimes.values())
    most = max(each["max_px"] for each in runtimes.values())
    backends = " ".join((root / "docs" / "backends.md").read_text("utf-8").split())
    assert f"{mean:.4f} px apart on average and {most:.2f} px at most" in backends


def test_jitter_is_the_second_difference_in_palm_sizes() -> None:
    hand = np.zeros((5, 21, 2), np.float32)
    hand[:, 9] = (0, 10)  # a palm of ten pixels
    moving = hand + np.arange(5, dtype=np.float32)[:, None, None]
    assert parity.jitter(moving) == 0
    shaken = hand.copy()
    shaken[2] += (3, 4)  # five pixels off in one frame: 5, 10 and 5 by the second difference
    assert parity.jitter(shaken) == pytest.approx((5 + 10 + 5) / 3 / 10)


def test_agreement_and_distances_are_in_pixels_and_millimetres() -> None:
    zero, off = np.zeros((4, 21, 3), np.float32), np.zeros((4, 21, 3), np.float32)
    off[..., 0], off[..., 2] = 3, 9  # depth does not count
    figures = parity.agreement((off, off / np.float32(1000)), (zero, zero))
    assert figures["mean_px"] == figures["p95_px"] == 3
    assert figures["world_mean_mm"] == pytest.approx(np.hypot(3, 9))
    assert parity.apart({"a": zero, "b": off, "c": off})["a, b"] == {"mean_px": 3, "max_px": 3}
    assert parity.apart({"b": off, "c": off}) == {"b, c": {"mean_px": 0, "max_px": 0}}


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

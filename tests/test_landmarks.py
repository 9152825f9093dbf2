"""Landmark model outputs become landmarks in the image, and those the next region."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgehands.geometry import rotation
from edgehands.hand import FloatArray, Landmark, Roi
from edgehands.landmarks import Measurement, decode, distance_in_palms, is_duplicate, next_roi

STEP = 1 / 2048  # the grid that next regions are on, radians and shares of the side


def decoded(points: FloatArray, world: FloatArray, roi: Roi) -> Measurement:
    return decode(points.reshape(63), 0.9, 0.2, world.reshape(63), roi)


def open_hand(x: float = 0, y: float = 0, size: float = 100, turn: float = 0) -> FloatArray:
    """Landmarks of a flat open hand, its wrist at (x, y), its palm `size` long."""
    points = np.zeros((21, 3), np.float32)
    points[1:5, :2] = [(0.3, -0.2), (0.5, -0.5), (0.65, -0.75), (0.8, -0.95)]
    for base, across in ((5, 0.25), (9, 0.0), (13, -0.2), (17, -0.4)):
        points[base : base + 4, 0] = across
        points[base : base + 4, 1] = [-1.0, -1.4, -1.65, -1.85]
    points[:, :2] = points[:, :2] @ rotation(turn)
    return points * np.float32(size) + np.array([x, y, 0], np.float32)


def test_middle_of_the_crop_is_the_middle_of_the_region() -> None:
    middle = np.full((21, 3), [112, 112, 0], np.float32)
    found = decoded(middle, np.zeros((21, 3), np.float32), Roi(300, 200, 50, 1.2))
    assert found.landmarks == pytest.approx(np.full((21, 3), [300, 200, 0]), abs=1e-3)


def test_depth_is_in_image_pixels() -> None:
    points = np.full((21, 3), [112, 112, -22.4], np.float32)
    found = decoded(points, np.zeros((21, 3), np.float32), Roi(0, 0, 50, 0.7))
    # A tenth of the crop, made larger by MediaPipe's normalize_z of 0.4.
    assert found.landmarks[:, 2] == pytest.approx(-50 * 0.1 / 0.4)


def test_world_landmarks_turn_with_the_region_and_keep_depth() -> None:
    world = np.full((21, 3), [0, -0.1, 0.03], np.float32)
    found = decoded(np.zeros((21, 3), np.float32), world, Roi(50, 60, 70, math.pi / 2))
    assert found.world_landmarks == pytest.approx(np.full((21, 3), [0.1, 0, 0.03]), abs=1e-6)


def test_decoding_leaves_the_model_outputs_alone() -> None:
    points, world = np.full((21, 3), 9, np.float32), np.full((21, 3), 0.1, np.float32)
    found = decoded(points, world, Roi(1, 2, 3, 1.0))
    assert (points == 9).all()
    assert (world == np.float32(0.1)).all()
    assert not np.shares_memory(found.world_landmarks, world)


def test_scores_and_region_pass_through() -> None:
    roi = Roi(1, 2, 3, 1.0)
    found = decoded(np.zeros((21, 3), np.float32), np.zeros((21, 3), np.float32), roi)
    assert (found.presence, found.right, found.roi) == (0.9, 0.2, roi)


@pytest.mark.parametrize("which", ["landmarks", "world"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_one_value_that_is_no_number_makes_a_measurement_not_finite(
    which: str, value: float
) -> None:
    arrays = {name: np.zeros((21, 3), np.float32) for name in ("landmarks", "world")}
    roi = Roi(10, 10, 10, 0)
    assert decoded(arrays["landmarks"], arrays["world"], roi).is_finite
    arrays[which][20, 2] = value
    assert not decoded(arrays["landmarks"], arrays["world"], roi).is_finite


def test_next_region_forgets_differences_between_runtimes() -> None:
    hand = open_hand(x=500, y=400)
    regions = {
        next_roi(hand + np.float32(error)) for error in np.linspace(-2e-4, 2e-4, 20, dtype=float)
    }
    assert len(regions) == 1


def test_next_region_of_an_upright_hand() -> None:
    roi = next_roi(open_hand(x=500, y=400))
    # Fingertips do not count: x from -0.4 to 0.65, y from -1.4 to 0.
    assert roi.size == pytest.approx(2 * 140, abs=4)
    angle = math.atan2(0.0125, 1)  # the knuckles' mean is a little right of the wrist
    assert roi.angle == pytest.approx(angle, abs=STEP)
    assert (roi.cx, roi.cy) == pytest.approx((512.5, 400 - 70 - 14), abs=2)


def test_next_region_ignores_fingertips() -> None:
    hand = open_hand(x=500, y=400)
    bent = hand.copy()
    tips = [Landmark.THUMB_TIP, Landmark.INDEX_TIP, Landmark.MIDDLE_DIP, Landmark.PINKY_TIP]
    bent[tips, :2] += 300
    assert next_roi(bent) == next_roi(hand)


@pytest.mark.parametrize("turn", [-3.0, -1.2, 0.5, 2.0])
def test_next_region_turns_moves_and_grows_with_the_hand(turn: float) -> None:
    plain = next_roi(open_hand())
    roi = next_roi(open_hand(x=700, y=300, size=250, turn=turn))
    off = np.array([plain.cx, plain.cy], np.float32) @ rotation(turn) * 2.5
    assert roi.angle == pytest.approx(plain.angle + turn, abs=2 * STEP)
    # The box's middle is found in image axes first: it moves a little with the turn.
    assert (roi.cx, roi.cy) == pytest.approx((700 + off[0], 300 + off[1]), abs=0.5)
    assert roi.size == pytest.approx(plain.size * 2.5, rel=2 * STEP)


def test_next_region_works_outside_the_image() -> None:
    inside, outside = next_roi(open_hand(x=500, y=500)), next_roi(open_hand(x=-500, y=-500))
    assert outside.size == pytest.approx(inside.size)
    assert (outside.cx, outside.cy) == pytest.approx((inside.cx - 1000, inside.cy - 1000), abs=0.1)


def test_next_region_of_a_single_point_has_no_size() -> None:
    assert next_roi(np.full((21, 3), 7, np.float32)).size == 0


def test_a_hand_is_its_own_duplicate() -> None:
    hand = open_hand(500, 400)
    assert is_duplicate(hand, hand)


def test_a_near_hand_is_a_duplicate_up_to_a_fifth_of_its_palm() -> None:
    hand = open_hand(500, 400)
    side = float(np.linalg.norm([40, 100]))  # wrist to pinky MCP, the longest of the three
    assert is_duplicate(hand, open_hand(500 + 0.19 * side, 400))
    assert not is_duplicate(hand, open_hand(500 + 0.21 * side, 400))


def test_ten_near_points_make_a_duplicate_and_nine_do_not() -> None:
    hand = open_hand(500, 400)
    for near, expected in ((10, True), (9, False)):
        other = hand.copy()
        other[near:, 0] += 60
        assert is_duplicate(hand, other) is expected


def test_near_points_without_overlapping_boxes_are_no_duplicate() -> None:
    hand = open_hand(500, 400)
    stretched = hand.copy()
    stretched[Landmark.PINKY_TIP, :2] -= 2000  # its box is now over thirty times as large
    assert not is_duplicate(hand, stretched)


def test_hands_far_apart_are_no_duplicates() -> None:
    assert not is_duplicate(open_hand(100, 400), open_hand(600, 400))


def test_distance_counts_in_palm_sizes_of_the_second() -> None:
    hand = open_hand(size=50)
    assert distance_in_palms(hand + np.array([30, 40, 999], np.float32), hand) == pytest.approx(1)

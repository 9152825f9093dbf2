"""Rotated regions and boxes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgehands.geometry import (
    crop_to_image_matrix,
    iou,
    roi_box,
    roi_to_image,
    rotated_square,
    rotation,
    upright_angle,
)
from edgehands.hand import FloatArray, Roi

QUARTER = math.pi / 2


def point(x: float, y: float) -> FloatArray:
    return np.array([x, y], np.float32)


@pytest.mark.parametrize(
    ("tip", "angle"),
    [
        (point(0, -1), 0.0),
        (point(1, 0), QUARTER),
        (point(0, 1), -math.pi),
        (point(-1, 0), -QUARTER),
        (point(1, -1), math.pi / 4),
    ],
)
def test_angle_is_clockwise_from_up_in_the_image(tip: FloatArray, angle: float) -> None:
    assert upright_angle(point(0, 0), tip) == pytest.approx(angle)


def test_angle_stays_within_half_a_turn() -> None:
    for turn in np.linspace(-10, 10, 401):
        angle = upright_angle(point(5, 7), point(5 + math.sin(turn), 7 - math.cos(turn)))
        assert -math.pi <= angle <= math.pi
        assert math.cos(angle) == pytest.approx(math.cos(turn), abs=1e-5)
        assert math.sin(angle) == pytest.approx(math.sin(turn), abs=1e-5)


def test_rotation_is_clockwise_on_the_screen() -> None:
    assert point(0, -1) @ rotation(QUARTER) == pytest.approx(point(1, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("angle", "center"),
    [
        (0.0, (10.0, 16.0)),
        (QUARTER, (14.0, 20.0)),
        (math.pi, (10.0, 24.0)),
        (-QUARTER, (6.0, 20.0)),
    ],
)
def test_square_shifts_along_its_own_y_axis(angle: float, center: tuple[float, float]) -> None:
    roi = rotated_square(point(10, 20), 3, 8, angle, shift_y=-0.5, scale=2.6)
    assert (roi.cx, roi.cy) == pytest.approx(center)


@pytest.mark.parametrize(("width", "height"), [(3, 8), (8, 3)])
def test_square_has_the_scaled_long_side(width: float, height: float) -> None:
    roi = rotated_square(point(0, 0), width, height, 0.3, shift_y=0, scale=2.5)
    assert roi.size == pytest.approx(20)
    assert roi.angle == 0.3


def test_corners_of_the_crop_are_corners_of_the_region() -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    image = roi_to_image(corners, Roi(100, 50, 20, QUARTER))
    # A quarter turn clockwise: the crop's top left is the image's top right.
    expected = [[110, 40, 0], [110, 60, 0], [90, 60, 0], [90, 40, 0]]
    assert image == pytest.approx(np.array(expected), abs=1e-4)
    assert image.dtype == np.float32


def test_depth_scales_with_the_region_and_ignores_its_angle() -> None:
    points = np.array([[0.5, 0.5, -0.25]], np.float32)
    for angle in (0.0, 1.0, -3.0):
        assert roi_to_image(points, Roi(7, 9, 40, angle)) == pytest.approx(np.array([[7, 9, -10]]))


def test_crop_matrix_and_back_projection_agree() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        cx, cy, size, turn = map(float, rng.uniform(20, 900, 4))
        roi = Roi(cx, cy, size, turn)
        shares = rng.uniform(-0.5, 1.5, (5, 3)).astype(np.float32)
        pixels = np.column_stack([shares[:, :2] * 224, np.ones(5, np.float32)])
        by_matrix = pixels @ crop_to_image_matrix(roi, 224).T
        assert by_matrix == pytest.approx(roi_to_image(shares, roi)[:, :2], abs=0.01)


def boxes(*rows: tuple[float, float, float, float]) -> FloatArray:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_iou_is_the_share_of_the_union() -> None:
    others = boxes((0, 0, 2, 2), (1, 0, 3, 2), (2, 0, 4, 2), (5, 5, 6, 6), (0, 0, 1, 1))
    assert iou(boxes((0, 0, 2, 2))[0], others) == pytest.approx(np.array([1, 1 / 3, 0, 0, 1 / 4]))


def test_iou_with_no_boxes_is_empty() -> None:
    assert iou(boxes((0, 0, 2, 2))[0], boxes()).shape == (0,)


def test_iou_of_boxes_without_area_is_zero() -> None:
    assert iou(boxes((1, 1, 1, 1))[0], boxes((1, 1, 1, 1))).tolist() == [0]


def test_box_of_a_region_ignores_its_angle() -> None:
    assert roi_box(Roi(10, 20, 8, 1.0)).tolist() == [6, 16, 14, 24]

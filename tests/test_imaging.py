"""Letterbox and rotated crop."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgehands.geometry import roi_to_image
from edgehands.hand import FloatArray, ImageArray, Roi
from edgehands.imaging import Cropper, Letterboxer

SIDE = 192
CROP = 224


def plain(height: int, width: int, value: int = 255) -> ImageArray:
    return np.full((height, width, 3), value, np.uint8)


def square() -> FloatArray:
    return np.full((SIDE, SIDE, 3), math.nan, np.float32)


def cropped(image: ImageArray, roi: Roi) -> FloatArray:
    out = np.full((CROP, CROP, 3), math.nan, np.float32)
    Cropper(CROP)(image, roi, out)
    return out


def close(values: FloatArray, expected: FloatArray | float) -> bool:
    return np.allclose(values, expected, rtol=0, atol=1e-4)


def smooth_picture(height: int, width: int) -> ImageArray:
    """Red rises with x, green with y."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 250 / width, y * 250 / height, np.zeros_like(x)], axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [
        (720, 1280, slice(42, 150), slice(0, 192)),
        (1280, 720, slice(0, 192), slice(42, 150)),
        (50, 50, slice(0, 192), slice(0, 192)),
    ],
)
def test_the_image_fills_the_long_side_between_black_bars(
    height: int, width: int, rows: slice, columns: slice
) -> None:
    out = square()
    Letterboxer(SIDE)(plain(height, width), out)
    expected = np.zeros((SIDE, SIDE, 3), np.float32)
    expected[rows, columns] = 1
    assert close(out, expected)


def test_letterbox_goes_back_to_image_pixels() -> None:
    bars = Letterboxer(SIDE)(plain(720, 1280), square())
    ends = np.array([[0, 42], [192, 150], [96, 96]], np.float32)
    assert bars.to_image(ends) == pytest.approx(np.array([[0, 0], [1280, 720], [640, 360]]))


@pytest.mark.parametrize(
    ("first", "second"), [((720, 1280), (300, 1280)), ((720, 1280), (713, 1280)), ((9, 9), (9, 3))]
)
def test_nothing_of_an_earlier_image_stays_in_the_bars(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    letterbox, out, fresh = Letterboxer(SIDE), square(), square()
    letterbox(plain(*first), out)
    letterbox(plain(*second, value=100), out)
    Letterboxer(SIDE)(plain(*second, value=100), fresh)
    assert (out == fresh).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (2, 3)])
def test_the_smallest_images_are_letterboxed(shape: tuple[int, int]) -> None:
    out = square()
    bars = Letterboxer(SIDE)(plain(*shape), out)
    assert out.max() == 1
    assert np.isfinite(bars.to_image(np.zeros((1, 2), np.float32))).all()


def test_byte_values_become_shares_of_one() -> None:
    out = square()
    Letterboxer(SIDE)(plain(10, 10, 51), out)
    assert close(out, 0.2)
    assert close(cropped(plain(10, 10, 51), Roi(5, 5, 4, 1)), 0.2)


@pytest.mark.parametrize("angle", [0.0, 0.6, math.pi / 2, -2.5])
def test_crop_shows_what_back_projection_says(angle: float) -> None:
    roi = Roi(300, 200, 150, angle)
    crop = cropped(smooth_picture(400, 600), roi)
    for row, column in ((20, 30), (112, 112), (200, 60), (50, 210)):
        share = np.array([[column / CROP, row / CROP, 0]], np.float32)
        x, y, _ = roi_to_image(share, roi)[0].tolist()
        red, green, _ = (crop[row, column] * 255).tolist()
        assert red / 250 * 600 == pytest.approx(x, abs=4)
        assert green / 250 * 400 == pytest.approx(y, abs=4)


def test_outside_the_image_the_border_repeats() -> None:
    image = plain(100, 100, 0)
    image[:, :50] = 255
    crop = cropped(image, Roi(0, 50, 80, 0))
    assert close(crop, 1)  # left of the image as its left border
    assert close(cropped(image, Roi(150, 50, 80, 0)), 0)


@pytest.mark.parametrize(
    "roi",
    [
        Roi(1e7, -1e7, 50, 1),
        Roi(5, 5, 1e7, 1),
        Roi(5, 5, 1e-6, 1),
        Roi(5, 5, 0, 0),
    ],
    ids=["far outside", "huge", "tiny", "no size"],
)
def test_any_region_gives_a_crop_of_image_values(roi: Roi) -> None:
    crop = cropped(plain(10, 10, 51), roi)
    assert close(crop, 0.2)


def test_a_crop_of_one_pixel_is_its_colour() -> None:
    assert close(cropped(plain(1, 1, 51), Roi(0.5, 0.5, 1, 0.3)), 0.2)


def test_an_image_that_may_not_be_written_to_is_read() -> None:
    image = plain(10, 10, 51)
    image.flags.writeable = False
    Letterboxer(SIDE)(image, square())
    assert close(cropped(image, Roi(5, 5, 5, 0)), 0.2)


def test_two_croppers_do_not_share_a_buffer() -> None:
    one, two = Cropper(CROP), Cropper(CROP)
    first, second = (np.zeros((CROP, CROP, 3), np.float32) for _ in range(2))
    one(plain(9, 9, 51), Roi(4, 4, 4, 0), first)
    two(plain(9, 9, 255), Roi(4, 4, 4, 0), second)
    assert close(first, 0.2)

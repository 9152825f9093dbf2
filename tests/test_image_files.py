"""Pictures as cameras: one, a folder, a pattern."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edgehands.cameras import IMAGE_SUFFIXES, open_camera
from edgehands.errors import (
    InputError,
)
from tests.captures import (
    HEIGHT,
    WIDTH,
    picture,
)

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.hand import ImageArray


RED = (200, 30, 10)


def write_image(path: Path, image: ImageArray) -> None:
    assert cv2.imwrite(str(path), image)


def test_a_folder_of_images_comes_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 9, 1, 100):
        write_image(tmp_path / f"frame{number}.png", picture(number)[:, :, ::-1])
    (tmp_path / "notes.txt").write_text("not an image")
    with open_camera(f"{tmp_path}/") as camera:
        assert (camera.length, camera.fps, camera.live) == (4, 1.0, False)
        frames = list(camera)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 9, 10, 100]
    assert [frame.time for frame in frames] == [0.0, 1.0, 2.0, 3.0]
    frames = list(open_camera(f"images:{tmp_path}/frame1*.png", fps=2.0))
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 10, 100]
    assert [frame.time for frame in frames] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_every_kind_of_image_is_rgb(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"image{suffix.upper()}"
    write_image(path, picture(200)[:, :, ::-1].copy())
    (frame,) = open_camera(str(path))
    assert frame.image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(frame.image[5, 5].astype(int) - RED).max() < 10


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (np.full((4, 6), 77, np.uint8), (77, 77, 77)),
        (np.full((4, 6, 4), (10, 30, 200, 0), np.uint8), RED),
        (np.full((4, 6, 3), (10 * 257, 30 * 257, 200 * 257), np.uint16), RED),
    ],
    ids=["grey", "alpha", "16 bit"],
)
def test_other_pixels_become_rgb_bytes(
    stored: ImageArray, expected: tuple[int, int, int], tmp_path: Path
) -> None:
    write_image(tmp_path / "image.png", stored)
    (frame,) = open_camera(str(tmp_path / "image.png"))
    assert frame.image.shape == (4, 6, 3)
    assert frame.image.dtype == np.uint8
    assert frame.image.flags.c_contiguous
    assert tuple(frame.image[1, 1]) == expected


def test_a_photograph_comes_upright_by_its_exif(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    write_image(path, picture(200))
    content = path.read_bytes()
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    path.write_bytes(
        content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]
    )
    assert next(open_camera(str(path))).image.shape == (WIDTH, HEIGHT, 3)


def test_a_file_that_is_no_image_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_image(tmp_path / "1.png", picture(1))
    (tmp_path / "2.png").write_text("text")
    camera = open_camera(str(tmp_path / "*.png"))
    next(camera)
    with pytest.raises(InputError, match=r"2\.png' is not an image"):
        next(camera)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "fragment"),
    [("*.png", "no image in"), ("none.png", "no file"), ("", "no image in")],
)
def test_images_that_are_not_there(name: str, fragment: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=fragment):
        open_camera(f"images:{tmp_path}/{name}")

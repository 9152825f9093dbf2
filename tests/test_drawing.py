"""Hands drawn into pictures: four styles, and what each must and must not show."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edgehands import draw_hands
from edgehands.drawing import STYLES, checked_style
from edgehands.errors import UsageError
from edgehands.hand import Hand, Roi
from edgehands.synthetic import DEMO_CLIP

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.hand import Handedness, ImageArray

FAN = (70, 90, 95, 92, 80)  # pixels from the wrist to each fingertip


def hand(x: float = 160, y: float = 200, side: Handedness = "right", tilt: float = 0.0) -> Hand:
    """A fan of five fingers that points up; with a tilt, one side is nearer than the other."""
    points = np.zeros((21, 3), np.float32)
    points[0] = (x, y, 0)
    for finger, length in enumerate(FAN):
        for joint in range(4):
            reach = length * (0.4 + 0.2 * joint)
            angle = 0.35 * (finger - 2)
            points[1 + 4 * finger + joint] = (
                x + reach * np.sin(angle),
                y - reach * np.cos(angle),
                tilt * (finger - 2) * 10,
            )
    return Hand(
        id=3,
        landmarks=points,
        world_landmarks=points * np.float32(0.001),
        presence=1.0,
        handedness=side,
        handedness_score=1.0,
        roi=Roi(x, y, 100, 0.0),
    )


def noise(seed: int = 1) -> ImageArray:
    return np.random.default_rng(seed).integers(60, 200, (240, 320, 3)).astype(np.uint8)


@pytest.mark.parametrize("style", STYLES)
def test_every_style_draws_a_copy(style: str) -> None:
    image = noise()
    before = image.copy()
    drawn = draw_hands(image, [hand()], {3: "open_palm"}, checked_style(style))
    assert (image == before).all()
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    bare = draw_hands(image, [], {}, checked_style(style))
    assert (drawn[100:200, 100:220] != bare[100:200, 100:220]).any()


def test_privacy_shows_nothing_of_the_picture() -> None:
    hands = [hand(), hand(60, 150, "left")]
    drawn = [draw_hands(noise(seed), hands, {3: "fist"}, "privacy") for seed in (1, 2)]
    assert (drawn[0] == drawn[1]).all()
    assert not (draw_hands(noise(1), hands) == draw_hands(noise(2), hands)).all()


def test_neon_darkens_the_room_and_lights_the_hand() -> None:
    image = np.full((240, 320, 3), 120, np.uint8)
    drawn = draw_hands(image, [hand()], style="neon").astype(int)
    assert drawn[5, 5].max() < 60
    assert drawn[110:200, 150:170].max() == 255  # on the middle finger
    beside = drawn[150, 190]  # between two fingers there is no line, but light
    assert beside.max() > drawn[5, 5].max() + 20


def test_the_nearer_side_is_lighter() -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    drawn = draw_hands(image, [hand(tilt=1.0)]).astype(int)
    thumb, pinky = (hand().landmarks[tip, :2].round().astype(int) for tip in (4, 20))
    assert drawn[thumb[1], thumb[0]].sum() > drawn[pinky[1], pinky[0]].sum() + 150


def test_fingers_differ_in_colour_and_sides_do_in_depth() -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    colours = draw_hands(image, [hand()], style="fingers")
    tips = [hand().landmarks[tip, :2].round().astype(int) for tip in (4, 8, 12, 16, 20)]
    assert len({tuple(colours[y, x].tolist()) for x, y in tips}) == 5
    x, y = tips[0]
    sides: tuple[Handedness, Handedness] = ("left", "right")
    assert len({tuple(draw_hands(image, [hand(side=s)])[y, x].tolist()) for s in sides}) == 2


@pytest.mark.parametrize("style", STYLES)
def test_hands_at_and_beyond_the_edge_are_drawn_as_far_as_they_go(style: str) -> None:
    for x, y in ((0, 0), (-500, 100), (160, 1000), (319, 239)):
        drawn = draw_hands(noise(), [hand(x, y)], {3: "victory"}, checked_style(style))
        assert drawn.shape == (240, 320, 3)


def test_an_unknown_style_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no style 'neom': did you mean 'neon'"):
        draw_hands(noise(), [], style="neom")  # type: ignore[arg-type]


@pytest.mark.usefixtures("models")
def test_the_command_line_draws_a_video_for_pages_in_a_style(tmp_path: Path) -> None:
    run = [sys.executable, "-m", "edgehands", "run", "--source", str(DEMO_CLIP), "--frames", "40"]
    film = tmp_path / "hands.webm"
    subprocess.run(
        [*run, "--draw", str(film), "--style", "privacy"], check=True, capture_output=True
    )
    assert film.read_bytes()[:4] == b"\x1a\x45\xdf\xa3"  # Matroska, of which WebM is a part
    capture = cv2.VideoCapture(str(film))
    ok, first = capture.read()
    assert ok
    assert np.median(first) < 40  # dark paper, and no room
    wrong = subprocess.run(
        [*run, "--draw", str(film), "--style", "noen"], check=False, capture_output=True, text=True
    )
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("edgehands: no style 'noen': did you mean 'neon'?")

"""Far hands: the detector looks at magnified tiles of the picture too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edgehands import HandTracker, open_camera
from edgehands.hand import palm_size
from edgehands.settings import TrackerSettings
from edgehands.synthetic import DEMO_CLIP
from edgehands.tiles import looks

if TYPE_CHECKING:
    from edgehands.hand import ImageArray


def test_by_default_it_looks_at_the_whole_picture_alone() -> None:
    assert looks(1) == [(0.0, 0.0, 1.0, 1.0)]
    assert TrackerSettings().search_tiles == 1


@pytest.mark.parametrize("tiles", [2, 3, 4])
def test_a_hand_of_a_quarter_of_a_tile_is_whole_in_one_of_them(tiles: int) -> None:
    whole, *rest = looks(tiles)
    assert whole == (0.0, 0.0, 1.0, 1.0)
    assert len(rest) == tiles**2
    side = rest[0][2] - rest[0][0]
    assert max(box[2] for box in rest) == pytest.approx(1)
    for left in np.linspace(0, 1 - side / 4, 50):
        assert any(x0 <= left + 1e-9 and left + side / 4 <= x1 + 1e-9 for x0, _, x1, _ in rest)


@pytest.fixture(scope="module")
def far_hand() -> ImageArray:
    """A frame of the demo clip, so small that its palm has 25 pixels of 1280."""
    with open_camera(str(DEMO_CLIP)) as camera:
        image = next(frame.image for number, frame in enumerate(camera) if number == 40)
    with HandTracker("full", "tflite", static=True) as tracker:
        scale = 25 / palm_size(tracker.update(image)[0].landmarks)
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    far = np.full((720, 1280, 3), 90, np.uint8)
    far[100 : 100 + len(small), 900 : 900 + small.shape[1]] = small
    return far


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("static", [True, False])
def test_tiles_find_a_hand_that_is_too_far_for_the_whole_picture(
    far_hand: ImageArray, static: bool
) -> None:
    found = {}
    for tiles in (1, 2):
        settings = TrackerSettings(search_tiles=tiles)
        with HandTracker("full", "tflite", static=static, settings=settings) as tracker:
            frames = [tracker.update(far_hand, number / 30) for number in range(1 if static else 5)]
        found[tiles] = len(frames[-1])
    assert found == {1: 0, 2: 1}

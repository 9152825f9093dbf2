"""A real clip on every runtime: the same hands."""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands import HandTracker, TrackerSettings, open_camera
from edgehands.errors import DeviceError
from edgehands.stages import open_stages

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands import Hand
    from edgehands.hand import FloatArray, ImageArray

pytestmark = pytest.mark.usefixtures("models")

FRAMES = 60
RUNTIMES = ["onnxruntime", "openvino"]


@pytest.fixture(scope="module")
def clip(media: Path) -> Path:
    return media / "tfjs-models" / "asl_hand.25fps.mp4"


@cache
def follow(clip: Path, backend: str) -> list[tuple[ImageArray, Hand]]:
    """The first frames of a clip, and the one hand in each."""
    with (
        HandTracker(backend=backend, max_hands=1, smoothing=False) as tracker,
        open_camera(str(clip)) as camera,
    ):
        seen = [
            (frame.image, tracker.update(frame.image, frame.time))
            for frame in islice(camera, FRAMES)
        ]
    assert [len(hands) for _, hands in seen] == [1] * FRAMES
    return [(image, hands[0]) for image, hands in seen]


def landmarks(hands: list[tuple[ImageArray, Hand]]) -> FloatArray:
    """[FRAMES, 21, 3] pixels."""
    return np.stack([hand.landmarks for _, hand in hands])


@pytest.mark.parametrize("backend", RUNTIMES)
def test_the_same_regions_hold_the_same_hands(clip: Path, backend: str) -> None:
    """A runtime's own part: what the tracker feeds back is left out."""
    reference = follow(clip, "tflite")
    try:
        palm_stage, stage = open_stages("full", backend, None, TrackerSettings())
    except DeviceError as error:
        pytest.skip(f"{backend} cannot run here: {error}")
    with palm_stage.session, stage.session:
        measured = [stage.measure(image, [hand.roi])[0] for image, hand in reference]
    points = np.stack([each.landmarks for each in measured])
    assert np.abs(points - landmarks(reference)).max() <= 0.01  # pixels
    presence = [each.presence for each in measured]
    np.testing.assert_allclose(presence, [hand.presence for _, hand in reference], atol=1e-4)


@pytest.mark.parametrize("backend", RUNTIMES)
def test_the_hands_of_a_clip_are_those_of_tflite(clip: Path, backend: str) -> None:
    try:
        points = landmarks(follow(clip, backend))
    except DeviceError as error:
        pytest.skip(f"{backend} cannot run here: {error}")
    off = np.linalg.norm((points - landmarks(follow(clip, "tflite")))[..., :2], axis=2)
    # Regions lie on a grid, or a difference of 0.0001 pixels would grow to 0.2 (geometry.py).
    assert off.mean() <= 0.1  # pixels

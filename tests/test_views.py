"""Views of a crop: what is turned and mirrored for the model comes back as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands import HandTracker, Roi, open_camera
from edgehands.errors import ConfigError
from edgehands.inference import Description, Session
from edgehands.landmarks import distance_in_palms
from edgehands.models.catalog import PLAIN, SHIPPED, View, read_catalog, shipped_catalog
from edgehands.stages import ModelLandmarkStage
from edgehands.synthetic import DEMO_CLIP
from edgehands.synthetic.truth import load_clip_truth

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.hand import FloatArray, ImageArray

ROI = Roi(60.0, 50.0, 40.0, 0.3)


class BrightSpot(Session):
    """A model that points with all 21 landmarks at the brightest pixel of its crop.

    It calls a hand right when the spot is in the left half, so mirrored it sees a left one.
    """

    def __init__(self, batch: int) -> None:
        self.input = np.zeros((batch, 224, 224, 3), np.float32)
        self.runs = 0

    def run(self) -> tuple[FloatArray, ...]:
        self.runs += 1
        points = np.stack([self._spot(crop) for crop in self.input])
        world = points / 224 - 0.5
        presence = np.full((len(points), 1), 0.9, np.float32)
        right = (points[:, :1] < 112).astype(np.float32)
        return np.tile(points, 21), presence, right, np.tile(world, 21)

    def _spot(self, crop: FloatArray) -> FloatArray:
        y, x = np.unravel_index(crop[..., 0].argmax(), crop.shape[:2])
        return np.array([x + 0.5, y + 0.5, 0], np.float32)

    def describe(self) -> Description:
        return Description("spot", "test", "0", "none", "fp32")

    def close(self) -> None:
        pass


def image_with_spot() -> ImageArray:
    y, x = np.mgrid[:100, :120] + 0.5
    spot = 255 * np.exp(-((x - 53.5) ** 2 + (y - 41.5) ** 2) / 60)
    return np.repeat(spot[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(
    "views",
    [
        PLAIN,
        (View(turn=0.4), View(turn=-0.4)),
        (View(), View(mirrored=True)),
        (View(turn=-0.15), View(turn=0.15, mirrored=True)),
    ],
)
def test_every_view_finds_the_same_spot(views: tuple[View, ...], batch: int) -> None:
    session = BrightSpot(batch)
    (measurement,) = ModelLandmarkStage(session, views).measure(image_with_spot(), [ROI])
    assert np.abs(measurement.landmarks[:, :2] - (53.5, 41.5)).max() < 1.0
    assert session.runs == -(-len(views) // batch)
    assert measurement.roi == ROI
    # In metres the spot lies where it lies in the region, seen from the region's centre.
    (plain,) = ModelLandmarkStage(BrightSpot(1)).measure(image_with_spot(), [ROI])
    assert np.abs(measurement.world_landmarks - plain.world_landmarks).max() < 0.02


def test_a_mirrored_view_does_not_swap_the_side() -> None:
    image = image_with_spot()
    (plain,) = ModelLandmarkStage(BrightSpot(1)).measure(image, [ROI])
    (mirrored,) = ModelLandmarkStage(BrightSpot(1), (View(mirrored=True),)).measure(image, [ROI])
    assert plain.right == mirrored.right == 1.0


def test_heavy_is_full_on_two_views() -> None:
    model, views, palm = shipped_catalog().resolve("heavy")
    assert (model.id, len(views), palm.id) == ("full", 2, "palm-full")


def test_an_ensemble_of_a_palm_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text(SHIPPED.read_text().replace('of = "full"', 'of = "palm-full"'))
    with pytest.raises(ConfigError, match="'palm-full'"):
        read_catalog(path)


@pytest.mark.usefixtures("models")
def test_heavy_is_no_farther_from_the_truth_than_full() -> None:
    truth = load_clip_truth()
    errors: dict[str, list[float]] = {"full": [], "heavy": []}
    for model, found in errors.items():
        with HandTracker(model, static=True) as tracker, open_camera(str(DEMO_CLIP)) as camera:
            for number, frame in enumerate(camera):
                if number % 20 == 0 and len(truth.frames[number]) == 1:
                    (known,) = truth.frames[number]
                    found += [
                        distance_in_palms(hand.landmarks, known.landmarks)
                        for hand in tracker.update(frame.image)
                    ]
    assert len(errors["heavy"]) == len(errors["full"]) > 5
    # Drawn hands are easy for both: the gain shows on harder ones, in benchmarks/results.
    assert np.mean(errors["heavy"]) < 1.02 * np.mean(errors["full"])

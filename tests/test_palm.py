"""Palm detector outputs become palms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands import palm

if TYPE_CHECKING:
    from edgehands.hand import FloatArray, Palm

COUNT = 2016


def logit(score: float) -> float:
    return math.log(score / (1 - score))


class Outputs:
    """The detector's two outputs, with nothing found but what is put in."""

    def __init__(self) -> None:
        self.boxes = np.zeros((COUNT, 18), np.float32)
        self.logits = np.full((COUNT, 1), -100, np.float32)

    def put(
        self, anchor: int, score: float, center: tuple[float, float], size: float, turn: float = 0.0
    ) -> None:
        """Make one anchor answer with a square palm whose wrist is below its centre."""
        here = np.array(center, np.float32) - palm.anchors()[anchor]
        down = np.array([-math.sin(turn), math.cos(turn)], np.float32) * size / 2
        self.logits[anchor] = logit(score)
        self.boxes[anchor, :4] = [*here, size, size]
        keypoints = np.tile(here, (7, 1))
        keypoints[0] += down
        keypoints[2] -= down
        keypoints[1] -= down + size / 4  # another knuckle, off the line to the middle one
        self.boxes[anchor, 4:] = keypoints.reshape(-1)

    def palms(self, min_score: float = 0.5) -> list[Palm]:
        return palm.decode(self.boxes, self.logits, min_score)


def center(found: Palm) -> tuple[float, float]:
    x0, y0, x1, y1 = found.box
    return (x0 + x1) / 2, (y0 + y1) / 2


def test_anchors_are_two_on_each_fine_cell_then_six_on_each_coarse_one() -> None:
    anchors = palm.anchors()
    assert anchors.shape == (COUNT, 2)
    assert anchors[:3].tolist() == [[4, 4], [4, 4], [12, 4]]
    assert anchors[24 * 2].tolist() == [4, 12]  # rows before columns
    assert anchors[24 * 24 * 2 : 24 * 24 * 2 + 7].tolist() == [[8, 8]] * 6 + [[24, 8]]
    assert anchors[-1].tolist() == [184, 184]


def test_a_confident_anchor_becomes_a_palm_in_square_pixels() -> None:
    outputs = Outputs()
    outputs.put(700, 0.9, (60, 80), 40)
    (found,) = outputs.palms()
    assert found.box == pytest.approx((40, 60, 80, 100))
    assert found.score == pytest.approx(0.9)
    assert found.keypoints.shape == (7, 2)
    assert found.keypoints[0] == pytest.approx(np.array([60, 100]))
    assert found.keypoints[2] == pytest.approx(np.array([60, 60]))


def test_nothing_confident_gives_no_palms() -> None:
    assert Outputs().palms() == []


def test_the_lowest_and_highest_logits_are_no_trouble() -> None:
    outputs = Outputs()
    outputs.logits[:] = -3e38
    outputs.put(3, 0.9, (50, 50), 20)
    outputs.logits[3] = 3e38
    (found,) = outputs.palms()
    assert found.score == 1


def test_a_minimum_score_of_zero_keeps_every_candidate_finite() -> None:
    outputs = Outputs()
    outputs.boxes[:, 2:4] = 50
    for found in outputs.palms(min_score=0.0):
        assert np.isfinite([*found.box, found.score]).all()
        assert np.isfinite(found.keypoints).all()


def test_a_score_on_the_border_counts() -> None:
    outputs = Outputs()
    outputs.put(0, 0.5, (60, 80), 40)
    assert len(outputs.palms(0.5)) == 1
    assert outputs.palms(0.51) == []


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("place", [0, 2, 17])
def test_candidates_that_are_no_numbers_are_dropped(value: float, place: int) -> None:
    outputs = Outputs()
    outputs.put(0, 0.99, (60, 80), 40)
    outputs.put(900, 0.6, (150, 150), 20)
    outputs.boxes[0, place] = value
    assert [center(found) for found in outputs.palms()] == [pytest.approx((150, 150))]


def test_a_score_that_is_no_number_is_dropped() -> None:
    outputs = Outputs()
    outputs.logits[5] = math.nan
    assert outputs.palms() == []


def test_candidates_of_negative_size_are_dropped() -> None:
    outputs = Outputs()
    outputs.put(0, 0.99, (60, 80), -40)
    assert outputs.palms() == []


def test_candidates_of_no_size_are_kept_apart() -> None:
    outputs = Outputs()
    outputs.put(0, 0.9, (60, 80), 0)
    outputs.put(1, 0.8, (60, 80), 0)
    assert [round(found.score, 3) for found in outputs.palms()] == [0.9, 0.8]


def test_overlapping_candidates_are_averaged_by_score_under_the_best_score() -> None:
    outputs = Outputs()
    outputs.put(10, 0.6, (66, 80), 40)
    outputs.put(11, 0.9, (60, 80), 40)
    (found,) = outputs.palms()
    assert found.score == pytest.approx(0.9)
    assert center(found) == pytest.approx(((0.6 * 66 + 0.9 * 60) / 1.5, 80))
    assert found.keypoints[2] == pytest.approx(np.array([(0.6 * 66 + 0.9 * 60) / 1.5, 60]))


def test_only_overlap_with_the_best_groups_candidates() -> None:
    outputs = Outputs()
    # A chain: each overlaps the next by 1/3 of the union, the outer two not at all.
    outputs.put(10, 0.9, (40, 80), 40)
    outputs.put(11, 0.8, (60, 80), 40)
    outputs.put(12, 0.7, (80, 80), 40)
    assert [round(found.score, 3) for found in outputs.palms()] == [0.9, 0.7]


def test_palms_come_surest_first() -> None:
    outputs = Outputs()
    for anchor, score, x in ((5, 0.6, 30), (6, 0.95, 90), (7, 0.8, 150)):
        outputs.put(anchor, score, (x, 80), 20)
    assert [round(found.score, 3) for found in outputs.palms()] == [0.95, 0.8, 0.6]


def test_unboxing_moves_box_and_keypoints_alike() -> None:
    outputs = Outputs()
    outputs.put(700, 0.9, (60, 80), 40)

    def to_image(points: FloatArray) -> FloatArray:
        return points * 2 - np.array([0, 10], np.float32)

    found = palm.unboxed(outputs.palms()[0], to_image)
    assert found.box == pytest.approx((80, 110, 160, 190))
    assert found.keypoints[0] == pytest.approx(np.array([120, 190]))
    assert found.score == pytest.approx(0.9)


def test_region_of_a_palm_is_larger_and_moved_towards_the_fingers() -> None:
    outputs = Outputs()
    outputs.put(700, 0.9, (60, 80), 40)
    roi = palm.palm_roi(outputs.palms()[0])
    assert (roi.cx, roi.cy, roi.size) == pytest.approx((60, 60, 104))
    assert roi.angle == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("turn", [-2.5, -1.0, 0.4, 1.5, 3.0])
def test_region_of_a_palm_turns_with_it(turn: float) -> None:
    outputs = Outputs()
    outputs.put(700, 0.9, (60, 80), 40, turn)
    roi = palm.palm_roi(outputs.palms()[0])
    assert roi.angle == pytest.approx(turn, abs=1e-5)
    assert (roi.cx, roi.cy) == pytest.approx((60 + 20 * math.sin(turn), 80 - 20 * math.cos(turn)))

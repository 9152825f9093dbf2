"""The accuracy beside a latency: its arithmetic, the crops, and real models on a few of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from edgehands.benchmarks.bench import accuracy_scenes as scenes
from edgehands.benchmarks.bench.accuracy import Accuracy, RocPoint, landmark_accuracy, measure
from edgehands.benchmarks.bench.accuracy_crops import Crops, crops, square_boxes
from edgehands.benchmarks.bench.accuracy_extended import Amount, Extended, extended
from edgehands.benchmarks.bench.accuracy_samples import whole_samples
from edgehands.benchmarks.bench.accuracy_text import markdown
from edgehands.benchmarks.metrics import (
    Detections,
    Labelled,
    Picture,
    Score,
    average_precision,
    matched,
    roc_auc,
)
from edgehands.errors import UsageError
from edgehands.hand import Hand, Roi, palm_size
from edgehands.imaging import Cropper
from edgehands.inference import Description, Session
from edgehands.landmarks import INPUT_SIDE, next_roi
from edgehands.models import store
from edgehands.selection import open_session
from edgehands.stages import ModelLandmarkStage
from edgehands.synthetic.dataset import REPORTING_SEED
from edgehands.views import view_roi

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.hand import FloatArray, Handedness

    Outputs = tuple[FloatArray, ...]
    Box = tuple[float, float, float, float]

HANDS, EMPTY = 6, 4


@pytest.fixture(scope="module")
def few() -> Crops:
    return crops(hands=HANDS, empty=EMPTY)


def points(x: float, y: float = 0.0, palm: float = 10.0) -> FloatArray:
    """21 points on a line; the palm's size is `palm`."""
    steps = np.linspace(0, 20 / 9, 21, dtype=np.float32) * palm
    return np.column_stack([np.full(21, x, np.float32), y + steps])


def hand(landmarks: FloatArray, side: Handedness = "right") -> Hand:
    flat = np.column_stack([landmarks, np.zeros(21, np.float32)])
    return Hand(1, flat, flat, 1.0, side, 1.0, Roi(0, 0, 1, 0))


def picture(
    *hands: Labelled, unsure: tuple[tuple[float, float, float, float], ...] = ()
) -> Picture:
    return Picture(np.zeros((8, 8, 3), np.uint8), list(hands), unsure)


def boxes(*corners: Box) -> FloatArray:
    return np.array(corners, np.float32).reshape(-1, 4)


class Twisted(Session):
    """A session whose outputs come out otherwise."""

    def __init__(self, inner: Session, twist: Callable[[Outputs], Outputs]) -> None:
        self.inner, self.twist, self.input = inner, twist, inner.input

    def run(self) -> Outputs:
        return self.twist(tuple(output.copy() for output in self.inner.run()))

    def describe(self) -> Description:
        return self.inner.describe()

    def close(self) -> None:
        self.inner.close()


def opened(model: str, batch: int = 1) -> Session:
    return open_session("tflite", store.load(model), batch=batch, threads=1)


def measured(
    model: str, crops: Crops, twist: Callable[[Outputs], Outputs] = lambda outputs: outputs
) -> Accuracy:
    with Twisted(opened(model), twist) as session:
        return measure(session, model, crops)


# --- arithmetic


def test_average_precision_is_the_area_under_the_best_precision_from_each_recall_on() -> None:
    one, two, elsewhere = (0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60)
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    found = Detections(boxes(one, elsewhere, two), scores, boxes(one, two))
    assert average_precision([found]) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    sure = Detections(boxes(one, two, elsewhere), scores, boxes(one, two))
    assert average_precision([sure]) == pytest.approx(1)
    late = Detections(boxes(elsewhere, one, two), scores, boxes(one, two))
    assert average_precision([late]) == pytest.approx(2 / 3)


def test_a_palm_found_twice_is_found_once() -> None:
    one = (0, 0, 10, 10)
    twice = Detections(
        boxes(one, one), np.array([0.9, 0.8], np.float32), boxes(one, (20, 0, 30, 9))
    )
    assert average_precision([twice]) == pytest.approx(0.5)


def test_a_palm_where_none_is_costs_precision() -> None:
    one = (0, 0, 10, 10)
    right = Detections(boxes(one), np.array([0.6], np.float32), boxes(one))
    wrong = Detections(boxes(one), np.array([0.7], np.float32), boxes())
    assert average_precision([right, wrong]) == pytest.approx(0.5)
    none = Detections(boxes(), np.empty(0, np.float32), boxes(one))
    assert average_precision([none]) == 0


def test_auc_is_how_often_a_hand_is_surer_than_a_wall() -> None:
    assert roc_auc([0.9, 0.8], [0.1, 0.2]) == 1
    assert roc_auc([0.9, 0.1], [0.5, 0.5]) == 0.5
    assert roc_auc([0.5], [0.5]) == 0.5


def test_the_nearest_hands_are_pairs_whatever_their_order() -> None:
    behind, front = points(0), points(4)
    ((found, true, error),) = matched([points(5)], [behind, front])
    assert (found, true) == (0, 1)
    assert error == pytest.approx(0.1)
    assert matched([points(11)], [behind]) == []


def test_a_score_says_errors_in_palm_sizes_of_the_true_hand() -> None:
    score = Score()
    score.add([hand(points(21, palm=20))], picture(Labelled(points(0, palm=20), "right")))
    assert score.errors == []  # another hand
    score.add([hand(points(3, palm=20))], picture(Labelled(points(0, palm=20), "right")))
    assert (score.hands, score.found, score.false_hands) == (2, 1, 1)
    assert score.errors == [pytest.approx(0.15)]
    assert score.squares == [pytest.approx(0.15**2)]
    assert score.near == [1.0]
    assert (score.sides_asked, score.sides_right) == (1, 1)


def test_what_is_found_where_nobody_labelled_is_no_mistake() -> None:
    score = Score()
    score.add([hand(points(5)), hand(points(500))], picture(unsure=((0, 0, 20, 40),)))
    assert score.false_hands == 1


# --- crops


def test_crops_are_the_same_when_they_come_from_the_cache(few: Crops) -> None:
    again = crops(hands=HANDS, empty=EMPTY)
    assert np.array_equal(few.inputs, again.inputs)
    assert np.array_equal(few.squares, again.squares)
    assert [crop.roi for crop in few.empty] == [crop.roi for crop in again.empty]
    assert (len(few.inputs), len(few.empty)) == (HANDS, EMPTY)
    assert few.inputs.shape[1:] == (INPUT_SIDE, INPUT_SIDE, 3)
    assert {crop.handedness for crop in few.hands} == {"left", "right"}


@pytest.mark.parametrize("turn", [0.0, -0.15, 0.15])
def test_a_patch_shows_what_the_whole_picture_would(few: Crops, turn: float) -> None:
    samples = whole_samples(REPORTING_SEED, HANDS)
    whole = [(sample.image, next_roi(one.landmarks)) for sample in samples for one in sample.hands]
    cut = Cropper(INPUT_SIDE)
    ours, theirs = np.zeros((2, INPUT_SIDE, INPUT_SIDE, 3), np.float32)
    for crop, (image, roi) in zip(few.hands, whole, strict=False):
        cut(crop.patch, view_roi(crop.roi, turn), ours)
        cut(image, view_roi(roi, turn), theirs)
        assert np.abs(ours - theirs).max() < 1.5 / 255  # the origin has moved: places round anew


def test_true_palms_and_landmarks_lie_on_the_hands(few: Crops) -> None:
    for crop in few.hands:
        assert crop.landmarks is not None
        size = palm_size(crop.landmarks)
        assert 1.5 * size < crop.roi.size < 4 * size
        centre = crop.landmarks.mean(axis=0) - (crop.roi.cx, crop.roi.cy)
        assert np.linalg.norm(centre) < crop.roi.size / 4
    assert [len(palms) for palms in few.palms[-EMPTY:]] == [0] * EMPTY
    sides = [box[2] - box[0] for palms in few.palms for box in square_boxes(palms)]
    assert len(sides) >= HANDS
    assert 10 < min(sides) < max(sides) < 96


# --- real models


@pytest.mark.usefixtures("models")
def test_a_landmark_model_is_as_good_as_it_is_known_to_be(few: Crops) -> None:
    accuracy = measured("light", few)
    assert accuracy.pictures == HANDS
    assert accuracy.mean_error is not None
    assert accuracy.mse is not None
    assert 0.03 < accuracy.mean_error < 0.15
    assert accuracy.mean_error**2 < accuracy.mse < 4 * accuracy.mean_error**2
    assert accuracy.pck is not None
    assert accuracy.pck > 0.8
    assert (accuracy.handedness, accuracy.presence_auc, accuracy.ap) == (1, 1, None)
    assert msgspec.json.decode(msgspec.json.encode(accuracy), type=Accuracy) == accuracy


@pytest.mark.usefixtures("models")
def test_a_shift_of_the_landmarks_is_seen_at_its_size(few: Crops) -> None:
    def shift(outputs: Outputs) -> Outputs:
        outputs[0][..., 0::3] += 40  # of a crop whose side is two and a half palms, about
        return outputs

    shifted = measured("light", few, shift)
    assert shifted.mean_error == pytest.approx(0.45, abs=0.1)
    assert shifted.pck == 0


@pytest.mark.usefixtures("models")
def test_a_model_without_numbers_has_no_error_and_no_correct_landmark(few: Crops) -> None:
    def no_numbers(outputs: Outputs) -> Outputs:
        for output in outputs:
            output[:] = np.nan
        return outputs

    nothing = measured("light", few, no_numbers)
    assert (nothing.mse, nothing.mean_error, nothing.pck) == (None, None, 0)
    assert nothing.presence_auc == 0
    assert measured("palm-lite", few, no_numbers).ap == 0


@pytest.mark.usefixtures("models")
def test_heavy_is_the_same_in_one_run_as_in_two(few: Crops) -> None:
    with opened("full", batch=2) as both, opened("full") as single:
        together, apart = measure(both, "heavy", few), measure(single, "heavy", few)
        plain = measure(single, "full", few)
    assert together.mse == pytest.approx(apart.mse, rel=1e-3)
    assert together.mse != plain.mse


@pytest.mark.usefixtures("models")
def test_a_palm_model_has_an_average_precision_and_nothing_else(few: Crops) -> None:
    accuracy = measured("palm-full", few)
    assert accuracy.ap is not None
    assert accuracy.ap > 0.5
    assert (accuracy.mse, accuracy.handedness, accuracy.presence_auc) == (None, None, None)


@pytest.mark.usefixtures("models")
def test_palms_in_the_wrong_place_are_not_found(few: Crops) -> None:
    def shift(outputs: Outputs) -> Outputs:
        outputs[0][..., 4:18] += 30  # the keypoints, by more than half a palm
        return outputs

    assert measured("palm-full", few, shift).ap == 0


@pytest.mark.usefixtures("models")
def test_the_roc_falls_with_the_threshold(few: Crops) -> None:
    with opened("light") as session:
        _, roc = landmark_accuracy(ModelLandmarkStage(session), few)
    assert [point.found for point in roc] == sorted((p.found for p in roc), reverse=True)
    assert [point.false for point in roc] == sorted((p.false for p in roc), reverse=True)
    middle = next(point for point in roc if point.threshold == 0.5)
    assert middle == RocPoint(threshold=0.5, found=1, false=0)


@pytest.mark.usefixtures("models")
def test_an_unknown_model_is_refused(few: Crops) -> None:
    with opened("light") as session, pytest.raises(UsageError, match="no landmark model 'lite'"):
        measure(session, "lite", few)


# --- the long form


def test_the_same_hand_is_drawn_at_every_size() -> None:
    near, far = scenes.sized(60.0, 1), scenes.sized(20.0, 1)
    sizes = [palm_size(each.hands[0].landmarks) for each in (near, far)]
    assert sizes[0] / sizes[1] == pytest.approx(3, rel=0.1)
    assert {each.hands[0].handedness for each in (near, far)} == {"left"}
    assert scenes.SIZES[-1] / scenes.SIZES[0] == 20


@pytest.mark.slow
@pytest.mark.usefixtures("models")
def test_the_long_form_says_all_it_promises() -> None:
    amount = Amount(
        samples=2,
        hands=HANDS,
        empty=EMPTY,
        sizes=(12.0, 100.0),
        gaps=(2.0,),
        each=1,
        still_hands=1,
        still_frames=6,
    )
    stages: list[str] = []
    result = extended("light", "tflite", 1, amount=amount, watch=stages.append)
    assert msgspec.json.decode(msgspec.json.encode(result), type=Extended) == result
    far, near = result.sizes
    assert far.palm_px * 6 < near.palm_px
    assert (far.whole.found, near.whole.found) == (0, 1)
    assert near.region_error < far.region_error
    assert [row.whole.hands for row in result.gaps] == [2]
    assert result.four.hands == 4
    assert result.jitter.raw is not None
    assert result.jitter.smoothed is not None
    assert 0 < result.jitter.smoothed < result.jitter.raw < 0.05
    text = markdown(result)
    assert text.startswith("**light** with palm-lite, on tflite (")
    assert "| random | " in text
    assert "max_hands = 4" in text
    assert "still hands" in stages

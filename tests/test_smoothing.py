"""One Euro filter: steady when still, quick when moving, fair to near and far hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands import TrackerSettings
from edgehands.smoothing import OneEuroFilter, OneEuroSmoother

if TYPE_CHECKING:
    from edgehands.hand import FloatArray

FRAME = 1 / 30


def points(x: float = 0.0, size: float = 100.0) -> FloatArray:
    """Landmarks that all lie at x but for the middle MCP, a palm size above the wrist."""
    array = np.full((21, 3), x, np.float32)
    array[9, 1] -= size
    return array


def filtered(values: list[FloatArray], beta: float = 5.0, scale: float = 100.0) -> list[FloatArray]:
    one_euro = OneEuroFilter(1.0, beta)
    return [one_euro(value, index * FRAME, scale) for index, value in enumerate(values)]


def test_the_first_points_pass_as_they_are() -> None:
    (first,) = filtered([points(3)])
    assert first == pytest.approx(points(3))


def test_a_still_hand_stays_where_it_is() -> None:
    assert filtered([points(3)] * 50)[-1] == pytest.approx(points(3))


def test_noise_of_a_still_hand_becomes_much_smaller() -> None:
    rng = np.random.default_rng(1)
    noisy = [points() + rng.normal(0, 0.5, (21, 3)).astype(np.float32) for _ in range(300)]
    steady = filtered(noisy)
    assert np.std(np.stack(steady[50:]), axis=0).mean() < 0.4 * 0.5


def test_a_fast_hand_is_followed_more_closely_than_by_a_fixed_filter() -> None:
    path = [points(40.0 * index) for index in range(30)]  # 12 palm sizes a second
    behind = abs(filtered(path)[-1] - path[-1])[0, 0]
    behind_fixed = abs(filtered(path, beta=0.0)[-1] - path[-1])[0, 0]
    assert behind < 0.2 * behind_fixed
    assert behind < 20  # pixels: half a frame


def test_a_jump_is_reached_in_the_end() -> None:
    assert filtered([points(0)] + [points(50)] * 60)[-1] == pytest.approx(points(50), abs=0.5)


def test_near_and_far_hands_are_filtered_alike() -> None:
    rng = np.random.default_rng(2)
    path = [
        points(30.0 * index) + rng.normal(0, 3, (21, 3)).astype(np.float32) for index in range(20)
    ]
    far = filtered(path)
    near = filtered([value * 4 for value in path], scale=400.0)
    assert near[-1] == pytest.approx(far[-1] * 4, rel=1e-3, abs=1e-2)


def test_each_point_has_its_own_speed() -> None:
    path = [points() for _ in range(30)]
    for index, value in enumerate(path):
        value[8] += 40.0 * index
        value[4] += (index % 2) * 0.5  # a trembling thumb
    last = filtered(path)[-1]
    assert abs(last[8] - path[-1][8]).max() < 20
    assert abs(last[4] - 0.25).max() < 0.15


def test_the_same_time_again_returns_the_last_answer() -> None:
    one_euro = OneEuroFilter(1.0, 5.0)
    one_euro(points(0), 0.0, 100.0)
    answer = one_euro(points(10), 0.1, 100.0)
    assert one_euro(points(99), 0.1, 100.0) == pytest.approx(answer)
    assert one_euro(points(99), 0.0, 100.0) == pytest.approx(answer)


def test_a_hand_of_no_size_gives_finite_points() -> None:
    smoother = OneEuroSmoother(1.0, 5.0)
    for index in range(3):
        answers = smoother.smooth(1, index * FRAME, points(index, size=0), points(index, size=0))
    assert np.isfinite(answers).all()


def test_filtering_does_not_write_into_what_it_got() -> None:
    path = [points(float(index)) for index in range(5)]
    copies = [value.copy() for value in path]
    filtered(path)
    assert all((value == copy).all() for value, copy in zip(path, copies, strict=True))


def test_hands_are_smoothed_apart() -> None:
    together = OneEuroSmoother(1.0, 5.0)
    alone = {1: OneEuroSmoother(1.0, 5.0), 2: OneEuroSmoother(1.0, 5.0)}
    for index in range(10):
        for hand, speed in ((1, 5.0), (2, -50.0)):
            seen = points(speed * index), points(speed * index / 1000, 0.1)
            both = together.smooth(hand, index * FRAME, *seen)
            expected = alone[hand].smooth(hand, index * FRAME, *seen)
            assert both[0] == pytest.approx(expected[0])
            assert both[1] == pytest.approx(expected[1])


def test_world_landmarks_are_filtered_in_their_own_scale() -> None:
    smoother = OneEuroSmoother(1.0, 5.0)
    for index in range(30):
        image, world = smoother.smooth(
            1, index * FRAME, points(index * 40), points(index * 0.04, 0.1)
        )
    assert world[0] == pytest.approx(image[0] / 1000, rel=1e-3)


def test_a_forgotten_hand_starts_afresh() -> None:
    smoother = OneEuroSmoother(1.0, 5.0)
    smoother.smooth(1, 0.0, points(0), points(0, 0.1))
    smoother.forget(1)
    image, _ = smoother.smooth(1, 0.1, points(500), points(0, 0.1))
    assert image == pytest.approx(points(500))


def test_forgetting_an_unknown_hand_is_fine() -> None:
    OneEuroSmoother(1.0, 5.0).forget(77)


def test_the_defaults_calm_a_still_hand_and_keep_up_with_a_moving_one() -> None:
    """What benchmarks.steadiness measures with the real model, on a model's usual noise."""
    settings = TrackerSettings()
    smoother = OneEuroSmoother(settings.smoothing_min_cutoff, settings.smoothing_beta)
    rng = np.random.default_rng(3)
    seen, steady, still = [], [], 90
    for index in range(still + 30):
        moved = points(100 * FRAME * max(index - still, 0))  # a palm size a second
        seen.append(moved + rng.normal(0, 0.2, (21, 3)).astype(np.float32))
        steady.append(smoother.smooth(1, index * FRAME, seen[-1], points(size=0.1))[0])
    raw, smooth = np.stack(seen), np.stack(steady)
    assert smooth[30:still].std(axis=0).mean() < 0.35 * raw[30:still].std(axis=0).mean()
    assert (raw - smooth)[still + 5 :, :, 0].mean() < 100 * FRAME  # less than a frame behind


def test_a_worse_first_measurement_is_soon_forgotten() -> None:
    values = [points(2.0)] + [points(0.0)] * 9
    assert abs(filtered(values, beta=0.0)[-1] - points(0.0)).max() < 2.0 / 9


def test_a_hand_that_points_at_the_camera_is_filtered_like_one_seen_flat() -> None:
    def hand(palm: float, x: float) -> FloatArray:
        array = points(x, palm)
        array[17, 0] += 70.0  # from knuckle to knuckle
        return array

    rng = np.random.default_rng(4)
    noise = rng.normal(0, 2, (30, 21, 3)).astype(np.float32)
    answers = []
    for palm in (100.0, 20.0):
        smoother = OneEuroSmoother(0.5, 5.0)
        for index, off in enumerate(noise):
            seen = hand(palm, 0.0)
            seen[10:] += off[10:]
            answer, _ = smoother.smooth(1, index * FRAME, seen, points(size=0.1))
        answers.append(answer)
    assert answers[0][10:] == pytest.approx(answers[1][10:], abs=0.2)

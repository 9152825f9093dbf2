"""When the palm detector runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands import TrackerSettings
from edgehands.detection import ChangeTest, SearchCadence

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.hand import ImageArray

GREY = np.full((360, 640, 3), 100, np.uint8)


def cadence(max_hands: int = 2, **settings: float) -> SearchCadence:
    return SearchCadence(max_hands, TrackerSettings(**settings))  # type: ignore[arg-type]


def noisy(seed: int) -> ImageArray:
    noise = np.random.default_rng(seed).normal(0, 5, GREY.shape)
    return np.clip(GREY + noise, 0, 255).astype(np.uint8)


def with_square(image: ImageArray, side: int, x: int = 300, y: int = 150) -> ImageArray:
    changed = image.copy()
    changed[y : y + side, x : x + side] = 160
    return changed


def test_without_a_hand_every_frame_is_searched_for_a_while() -> None:
    rule = cadence(idle_after=0.5, idle_interval=10)
    assert [rule.due(index * 0.1, 0, GREY) for index in range(7)] == ["no hand"] * 5 + [None] * 2


def test_without_a_hand_for_long_the_search_keeps_its_interval() -> None:
    rule = cadence(idle_after=0, idle_interval=0.25)
    frames = [frame for frame in range(16) if rule.due(frame / 16, 0, GREY) == "no hand"]
    assert frames == [0, 4, 8, 12]


def test_a_change_wakes_the_detector_at_once() -> None:
    rule = cadence(idle_after=0.2, idle_interval=100)
    reasons = [rule.due(index / 30, 0, noisy(index)) for index in range(60)]
    assert set(reasons[10:]) == {None}
    assert rule.due(2.0, 0, with_square(noisy(60), 60)) == "change"


def test_losing_the_last_hand_ends_the_idling() -> None:
    rule = cadence(idle_after=0.5, idle_interval=100)
    for index in range(10):
        rule.due(index * 0.1, 0, GREY)
    assert rule.due(1.0, 1, GREY) == "search"
    assert [rule.due(1.1 + index * 0.1, 0, GREY) for index in range(4)] == ["no hand"] * 4


def test_with_all_hands_no_frame_is_searched() -> None:
    rule = cadence(search_interval=0)
    assert [rule.due(index * 10.0, 2, GREY) for index in range(4)] == [None] * 4
    assert rule.due(100.0, 3, GREY) is None


def test_with_some_hands_the_search_keeps_its_interval() -> None:
    rule = cadence(search_interval=0.2)
    frames = [frame for frame in range(16) if rule.due(frame / 16, 1, GREY) == "search"]
    assert frames == [0, 4, 8, 12]  # the first frame not earlier than 0.2 s after the last search


def test_sums_of_frame_times_do_not_miss_an_interval_by_rounding() -> None:
    rule = cadence(search_interval=0.2)
    times = np.cumsum(np.full(21, 0.05)) + 1000.1
    assert [rule.due(float(time), 1, GREY) for time in times].count("search") == 6


def test_a_search_for_the_first_hand_counts_for_the_interval() -> None:
    rule = cadence(search_interval=0.2)
    rule.due(1.0, 0, GREY)
    assert rule.due(1.1, 1, GREY) is None
    assert rule.due(1.25, 1, GREY) == "search"


def test_losing_one_of_all_hands_is_searched_at_once_when_the_last_search_is_old() -> None:
    rule = cadence(search_interval=0.2)
    rule.due(0.0, 0, GREY)
    assert rule.due(5.0, 2, GREY) is None
    assert rule.due(5.1, 1, GREY) == "search"


@pytest.mark.parametrize("tracked", [0, 1])
def test_intervals_of_zero_search_every_frame(tracked: int) -> None:
    rule = cadence(search_interval=0, idle_after=0, idle_interval=0)
    assert all(rule.due(index * 0.01, tracked, GREY) for index in range(3))


def surprises(picture: Callable[[int], ImageArray], count: int = 90) -> list[int]:
    """The frames of a 30 fps clip that differ from what is usual."""
    test = ChangeTest()
    return [index for index in range(count) if test(picture(index), index / 30)]


def test_sensor_noise_is_no_change() -> None:
    assert surprises(noisy) == []


@pytest.mark.parametrize("side", [60, 120, 300])
def test_a_square_that_appears_is_a_change_once(side: int) -> None:
    assert surprises(lambda i: with_square(noisy(i), side) if i >= 45 else noisy(i)) == [45]


def test_what_moves_all_the_time_is_no_surprise() -> None:
    def traffic(index: int) -> ImageArray:
        return with_square(noisy(index), 60, x=40 * index % 560)

    assert not [index for index in surprises(traffic) if index > 3]


def test_a_new_scene_is_a_surprise_even_in_traffic() -> None:
    def cut(index: int) -> ImageArray:
        scene = with_square(noisy(index), 60, x=40 * index % 560)
        return 255 - scene if index >= 45 else scene

    assert 45 in surprises(cut)


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 700, 3), (36, 64, 3), (1080, 1920, 3)])
def test_any_size_of_picture_can_change(shape: tuple[int, int, int]) -> None:
    test = ChangeTest()
    dark, light = np.zeros(shape, np.uint8), np.full(shape, 200, np.uint8)
    assert [test(dark, 0.0), test(dark, 0.1), test(light, 0.2)] == [False, False, True]


def test_a_picture_of_another_size_is_no_change() -> None:
    test = ChangeTest()
    assert not test(GREY, 0.0)
    assert not test(np.full((100, 50, 3), 200, np.uint8), 0.1)


def test_a_palm_too_weak_to_count_is_looked_at_again_in_every_frame() -> None:
    rule = cadence(idle_after=0.5, idle_interval=100, hint_score=0.2)
    quiet = np.zeros((72, 128, 3), np.uint8)
    for frame in range(30):
        rule.due(frame / 30, 0, quiet)
    assert rule.due(1.0, 0, quiet) is None
    rule.noticed(1.0, 0.19)
    assert rule.due(1.1, 0, quiet) is None
    rule.noticed(1.1, 0.2)
    assert [rule.due(1.2 + step / 4, 0, quiet) for step in range(5)] == [*["hint"] * 4, None]


def test_what_scores_the_same_for_ever_is_no_hint_for_ever() -> None:
    rule = cadence(idle_after=0.5, idle_interval=0.25)
    runs = 0
    for frame in range(3000):
        if rule.due(frame / 30, 0, GREY):
            runs += 1
            rule.noticed(frame / 30, 0.3)
    assert runs < 3000 / 8 + 60


def test_a_score_that_rises_is_a_hint_again_and_again() -> None:
    rule = cadence(idle_after=0.5, idle_interval=0.25)
    for frame in range(60):
        rule.due(frame / 30, 0, GREY)
    reasons = []
    for frame in range(60, 120):
        reasons.append(rule.due(frame / 30, 0, GREY))
        rule.noticed(frame / 30, 0.2 + (frame - 60) / 200)
    assert reasons[20:].count("hint") > 35

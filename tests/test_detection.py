"""When the palm detector runs."""

from __future__ import annotations

import pytest

from edgehands.detection import SearchCadence


def test_without_a_hand_every_frame_is_searched() -> None:
    cadence = SearchCadence(2, 0.2)
    assert [cadence.due(index * 0.01, 0) for index in range(4)] == ["no hand"] * 4


def test_with_all_hands_no_frame_is_searched() -> None:
    cadence = SearchCadence(2, 0.0)
    assert [cadence.due(index * 10.0, 2) for index in range(4)] == [None] * 4
    assert cadence.due(100.0, 3) is None


def test_with_some_hands_the_search_keeps_its_interval() -> None:
    cadence = SearchCadence(2, 0.2)
    frames = [frame for frame in range(16) if cadence.due(frame / 16, 1) == "search"]
    assert frames == [0, 4, 8, 12]  # the first frame not earlier than 0.2 s after the last search


def test_a_search_for_the_first_hand_counts_for_the_interval() -> None:
    cadence = SearchCadence(2, 0.2)
    cadence.due(1.0, 0)
    assert cadence.due(1.1, 1) is None
    assert cadence.due(1.25, 1) == "search"


def test_losing_the_last_hand_does_not_wait_for_the_interval() -> None:
    cadence = SearchCadence(2, 10.0)
    cadence.due(0.0, 0)
    assert cadence.due(0.1, 1) is None
    assert cadence.due(0.2, 0) == "no hand"


def test_losing_one_of_all_hands_is_searched_at_once_when_the_last_search_is_old() -> None:
    cadence = SearchCadence(2, 0.2)
    cadence.due(0.0, 0)
    assert cadence.due(5.0, 2) is None
    assert cadence.due(5.1, 1) == "search"


@pytest.mark.parametrize("tracked", [0, 1])
def test_an_interval_of_zero_searches_every_frame(tracked: int) -> None:
    cadence = SearchCadence(2, 0.0)
    assert all(cadence.due(index * 0.01, tracked) for index in range(3))

"""What a run did, in numbers, however long it was."""

from __future__ import annotations

import tracemalloc

import pytest

from edgehands.summary import StageTimes, Summary


def test_percentiles_are_those_of_the_latest_frames() -> None:
    times = StageTimes()
    for milliseconds in (*[500.0] * 10_000, *[2.0] * 9_000, *[3.0] * 1_000):
        times.add({"palm": milliseconds})
    assert times.percentiles() == {"palm": (2.0, 3.0)}


def test_percentiles_of_a_few_frames_are_those_of_all() -> None:
    times = StageTimes()
    for milliseconds in range(101):
        times.add({"palm": float(milliseconds)})
    assert times.percentiles()["palm"] == pytest.approx((50.0, 99.0))


def test_frames_of_several_cameras_are_summed_up_together() -> None:
    one, other = StageTimes(), StageTimes()
    one.add({"palm": 1.0})
    other.add({"palm": 3.0, "landmarks": 4.0})
    one.join(other)
    assert one.percentiles()["palm"][0] == 2.0
    assert one.percentiles()["landmarks"][0] == 4.0


def test_a_day_of_frames_takes_no_more_memory_than_a_second() -> None:
    summary = Summary()

    def look(frames: int) -> None:
        for frame in range(frames):
            summary.stages.add({"palm": frame / 7, "landmarks": frame / 3})

    look(30)
    tracemalloc.start()
    try:
        look(20_000)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 10_000

"""The script of faults of the camera `test:`: what strikes when, without waiting for it."""

from __future__ import annotations

import itertools

import pytest

from edgehands.cameras import faults, open_camera, open_steady_camera, split_source
from edgehands.errors import UsageError


def test_faults_come_when_they_are_told_to() -> None:
    script = faults.parse("?stall=30@10&dark=5@60&dark=1&every=120&seed=3&clip=a.mp4")
    assert (script.every, script.seed, script.clip) == (120.0, 3, "a.mp4")
    for time, stalled, dark in ((0.5, 0, 1), (9.9, 0, 0), (10, 1, 0), (39.9, 1, 0), (64.9, 0, 1)):
        for again in (0, 120, 1200):
            assert script.has("stall", time + again) == bool(stalled)
            assert script.has("dark", time + again) == bool(dark)


def test_a_fault_that_strikes_once_is_not_missed_and_not_repeated() -> None:
    script = faults.parse("crash=0@10&every=100")
    struck = [
        round(now, 2)
        for before, now in itertools.pairwise(step * 0.0334 for step in range(10000))
        if script.passed("crash", before, now)
    ]
    assert [int(now) for now in struck] == [10, 110, 210, 310]


@pytest.mark.parametrize(
    ("address", "fragment"),
    [
        ("?stal=1@2", "did you mean 'stall'?"),
        ("stall", "stall='' is no number of seconds"),
        ("stall=3@x", "stall='x' is no number"),
        ("stall=-1", "is no number"),
        ("stall=nan", "is no number"),
        ("every=0", "is no number"),
        ("seed=x", "seed must be a whole number"),
        ("?", None),
        ("?=", "no ''"),
        ("hello", "no 'hello'"),
    ],
)
def test_a_script_that_means_nothing_is_a_usage_error(address: str, fragment: str | None) -> None:
    if fragment is None:
        assert split_source(f"test:{address}") == ("test", address)
        return
    for do in (split_source, open_camera, open_steady_camera):
        with pytest.raises(UsageError) as caught:
            do(f"test:{address}")
        assert fragment in str(caught.value)

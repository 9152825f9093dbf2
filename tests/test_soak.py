"""The soak's figures, and half a minute of it: the service outlives what is done around it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands.benchmarks.soak.faults import Mended
from edgehands.benchmarks.soak.page import Soak, markdown
from edgehands.benchmarks.soak.rig import Setting
from edgehands.benchmarks.soak.samples import Sample, slope_per_hour
from tests.brokers import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path


def sample(seconds: float, *, rss_mb: float = 100.0, fds: int = 20, quiet: bool = True) -> Sample:
    return Sample(
        seconds=seconds, rss_mb=rss_mb, camera_rss_mb=60.0, fds=fds, threads=8, written=0,
        frames=int(seconds * 10), delivered=int(seconds), age_ms=30.0, age_p99_ms=50.0, quiet=quiet,
    )  # fmt: skip


def soak(samples: list[Sample], faults: list[Mended], *, survived: bool = True) -> Soak:
    return Soak(
        minutes=10, command="soak", device={}, setting=Setting(), survived=survived,
        end_seconds=0.5, watchdog_gap=1.0, faults=faults, samples=samples,
    )  # fmt: skip


def test_the_slope_is_that_of_most_samples() -> None:
    times = np.arange(100) * 36.0
    values = 50 + times / 3600 * 2  # two an hour
    values[[7, 40, 90]] += 500
    assert slope_per_hour(list(times), list(values)) == pytest.approx(2.0)


def test_growth_while_warm_and_samples_of_faults_do_not_count() -> None:
    starting = [sample(seconds, rss_mb=seconds) for seconds in range(5, 90, 5)]
    calm = [sample(seconds) for seconds in range(90, 600, 5)]
    trouble = [sample(300.5, fds=900, quiet=False)]
    figures = soak([*starting, *calm, *trouble], []).figures()
    assert figures["rss_mb_per_hour"] == 0
    assert figures["fds_first"] == figures["fds_last"] == 20


def test_a_leak_is_seen() -> None:
    leaking = [
        sample(seconds, rss_mb=100 + seconds / 60, fds=20 + seconds // 60)
        for seconds in range(5, 600, 5)
    ]
    figures = soak(leaking, []).figures()
    assert figures["rss_mb_per_hour"] == pytest.approx(60, rel=0.02)
    assert figures["fds_last"] > figures["fds_first"]


def test_a_fault_that_is_never_mended_fails_the_soak_and_is_said() -> None:
    faults = [Mended("broker killed", 60, 1.5), Mended("broker killed", 120, None)]
    failed = soak([sample(seconds) for seconds in range(5, 600, 5)], faults)
    assert not failed.passed
    assert "| broker killed | 2 | 1.5 s | 1.5 s, 1 never |" in markdown(failed)
    assert not soak([], [], survived=False).passed
    assert json.dumps(failed.as_json())


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="no mosquitto here: apt install mosquitto")
@pytest.mark.usefixtures("models")
def test_faults_one_after_the_other_leave_the_service_as_it_was(tmp_path: Path) -> None:
    from rich.console import Console

    from edgehands.benchmarks.soak.__main__ import run

    with (tmp_path / "log").open("w") as log:
        done = run(0.4, 0.02, sample_every=1.0, setting=Setting(), log=Console(file=log))
    said = (tmp_path / "log").read_text()
    assert done.passed, said
    assert len(done.faults) >= 3, said
    before, after = done.samples[0], done.samples[-1]
    assert after.frames > before.frames
    assert after.delivered > before.delivered

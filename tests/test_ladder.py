"""How many frames a second are looked at under heat and load. Pure: the tests make the time."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from edgehands.config import ServiceConfig
from edgehands.heat import temperature, throttling
from edgehands.service.ladder import DOWN_SECONDS, HOT_SECONDS, UP_SECONDS, Ladder, Pacer, Strain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgehands.service.ladder import Limit

WELL = Strain(30.0, 0.01, 50.0)
HOT = WELL._replace(temperature=81.2)
BUSY = WELL._replace(work=0.092)


def run(
    strain: Strain | Callable[[float], Strain],
    seconds: int,
    ladder: Ladder | None = None,
    begin: int = 0,
    settings: ServiceConfig | None = None,
) -> list[Limit | None]:
    """Return the limit of each second."""
    ladder, settings = ladder or Ladder(), settings or ServiceConfig()
    return [
        ladder.update(now, strain if isinstance(strain, Strain) else strain(now), settings)
        for now in range(begin, begin + seconds)
    ]


def rates(limits: list[Limit | None]) -> list[float]:
    """Return each rate once, in its turn."""
    told = [round(limit.fps, 1) if limit else 30.0 for limit in limits]
    return [rate for index, rate in enumerate(told) if index == 0 or told[index - 1] != rate]


def test_every_frame_is_looked_at_while_all_is_well() -> None:
    assert run(WELL, 100) == [None] * 100


def test_heat_steps_down_at_once_and_again_while_it_lasts_but_not_below_the_floor() -> None:
    limits = run(HOT, 100)
    assert limits[0] is not None
    assert limits[0].reason == "81 °C"
    assert rates(limits) == [20.0, 15.0, 10.0, 7.5, 5.0]
    assert limits[int(HOT_SECONDS) - 1] == limits[0] != limits[int(HOT_SECONDS)]
    floored = run(HOT, 100, settings=ServiceConfig(min_fps=12.0))
    assert rates(floored) == [20.0, 15.0, 12.0]


def test_the_steps_are_shares_of_the_cameras_own_rate() -> None:
    (limit,) = run(HOT._replace(fps=60.0), 1)
    assert limit is not None
    assert limit.fps == pytest.approx(40.0)


def test_it_is_more_again_only_after_it_has_been_cooler_for_a_while() -> None:
    ladder = Ladder()
    run(HOT, 1, ladder)
    warm = run(WELL._replace(temperature=76.0), 100, ladder, begin=1)
    assert rates(warm) == [20.0]
    cool = run(WELL._replace(temperature=74.0), 100, ladder, begin=101)
    assert rates(cool) == [20.0, 30.0]
    assert cool[int(UP_SECONDS) - 1] is not None


def test_a_temperature_around_the_bound_changes_the_rate_seldom() -> None:
    limits = run(lambda now: WELL._replace(temperature=79.0 + now % 3), 300)
    assert rates(limits) == [20.0, 15.0, 10.0, 7.5, 5.0] or len(rates(limits)) <= 6


def test_load_steps_down_until_frames_are_worked_off_and_then_stays() -> None:
    limits = run(BUSY, 200)
    assert limits[int(DOWN_SECONDS) - 1] is None
    assert rates(limits) == [30.0, 20.0, 15.0, 10.0]  # of 92 ms each, ten fit into a second
    assert limits[-1] is not None
    assert limits[-1].reason == "a frame takes 92 ms"


def test_a_moment_of_load_changes_nothing() -> None:
    assert not any(run(lambda now: BUSY if now % 10 < 2 else WELL, 200))


def test_load_that_is_gone_lets_every_frame_through_again_step_by_step() -> None:
    ladder = Ladder()
    run(BUSY, 60, ladder)
    assert rates(run(WELL, 100, ladder, begin=60)) == [10.0, 15.0, 20.0, 30.0]


def test_load_that_would_be_too_much_a_step_higher_does_not_go_up_and_down() -> None:
    ladder = Ladder()
    run(BUSY, 60, ladder)
    just_less = BUSY._replace(work=0.062)  # 15 a second would be 93 % of the time
    assert rates(run(just_less, 300, ladder, begin=60)) == [10.0]


def test_a_camera_that_gives_no_frames_is_no_load() -> None:
    assert not any(run(WELL._replace(work=None), 100))


def test_a_machine_that_says_nothing_of_its_heat_is_not_hot() -> None:
    assert not any(run(WELL._replace(temperature=None), 100))


def test_a_board_that_throttles_itself_gets_less_to_do_and_says_why() -> None:
    (limit,) = run(WELL._replace(throttling="under-voltage"), 1)
    assert limit is not None
    assert limit.reason == "under-voltage"


def zones(sys: Path, *temperatures: str) -> None:
    for index, text in enumerate(temperatures):
        zone = sys / f"class/thermal/thermal_zone{index}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(text)


def test_the_hottest_zone_counts_and_a_broken_sensor_does_not(tmp_path: Path) -> None:
    assert temperature(tmp_path) is None
    zones(tmp_path, "61250\n", "48000\n", "off\n")
    assert temperature(tmp_path) == 61.2


@pytest.mark.parametrize(
    ("bits", "why"),
    [("0\n", None), ("50000\n", None), ("50005\n", "under-voltage"), ("8\n", "temperature limit")],
)
def test_only_what_throttles_now_counts(tmp_path: Path, bits: str, why: str | None) -> None:
    assert throttling(tmp_path) is None
    folder = tmp_path / "devices/platform/soc/soc:firmware"
    folder.mkdir(parents=True)
    (folder / "get_throttled").write_text(bits)
    found = throttling(tmp_path)
    assert found == why or (why is not None and found is not None and why in found)


@pytest.mark.parametrize("limit", [20.0, 15.0, 10.0, 7.5, 5.0])
def test_frames_are_left_out_evenly(limit: float) -> None:
    pacer = Pacer()
    frames = [frame / 30 for frame in range(300) if pacer.admits(frame / 30, limit, 30.0)]
    assert len(frames) == pytest.approx(10 * limit, abs=1)
    gaps = [after - before for before, after in pairwise(frames)]
    assert max(gaps) - min(gaps) < 1.01 / 30


def test_after_a_gap_there_is_no_burst() -> None:
    pacer = Pacer()
    assert pacer.admits(0.0, 10.0, 30.0)
    later = [frame for frame in range(9) if pacer.admits(60 + frame / 30, 10.0, 30.0)]
    assert later == [0, 3, 6]


def test_without_a_limit_every_frame_is_looked_at() -> None:
    pacer = Pacer()
    assert all(pacer.admits(frame / 30, None, 30.0) for frame in range(30))

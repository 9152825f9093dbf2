"""What is a change between two benchmarks, and what is noise."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from edgehands.benchmarks.bench import fingerprint
from edgehands.benchmarks.bench.accuracy import Accuracy
from edgehands.benchmarks.bench.compare import Verdict, compare, confirmed, machine_notes
from edgehands.benchmarks.bench.rows import Latency, Report, Round, Row, Speed, encode, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgehands.benchmarks.bench.rows import Case


def row(
    times: Sequence[float], *, yardstick: float = 1.0, mse: float = 0.01, backend: str = "tflite"
) -> Row:
    """A case whose rounds took so many milliseconds."""
    rounds = [Round(50, time, 1.1 * time, yardstick, 0.1) for time in times]
    middle = float(np.median(times)) * 1.1
    latency = Latency(middle, middle, middle, min(times), middle, 50 * len(times))
    return Row(
        *("full", backend, 1, "fp32", "CPU", "runtime 1", "ok", ""),
        params=1,
        macs=1,
        sha256="0" * 64,
        speed=Speed(latency, middle, 30.0, 100.0, 10.0, 0.5, rounds),
        accuracy=Accuracy(pictures=64, mse=mse),
    )


def report(*rows: Row) -> Report:
    device = fingerprint.device(fingerprint.state())
    return Report("2026-11-22T10:00:00+0000", "edgehands bench", device, [], list(rows))


def verdict(old: Row, new: Row) -> Verdict:
    (change,) = compare(report(old), report(new))
    return change.verdict


def noisy(seed: int, factor: float = 1.0) -> list[float]:
    """Five rounds on a shared machine: some are held up, some by much."""
    rng = np.random.default_rng(seed)
    held = 1 + rng.exponential(0.02, 5) + (rng.random(5) < 0.1) * rng.uniform(0.1, 0.6, 5)
    return list(8.0 * factor * held)


def test_noise_is_no_change_and_15_per_cent_are_a_regression() -> None:
    pairs = list(itertools.permutations(range(8), 2))
    assert {verdict(row(noisy(a)), row(noisy(b))) for a, b in pairs} == {"no change"}
    slower = [verdict(row(noisy(a)), row(noisy(b, 1.15))) for a, b in pairs]
    assert slower.count("regression") > 0.7 * len(pairs)
    assert "faster" not in slower
    faster = [verdict(row(noisy(a)), row(noisy(b, 0.8))) for a, b in pairs]
    assert faster.count("faster") > 0.7 * len(pairs)


def test_a_band_as_wide_as_the_noise_hides_a_change_and_says_so() -> None:
    (change,) = compare(report(row([8, 8, 12, 8, 12])), report(row([9, 9, 13, 13, 9])))
    assert change.verdict == "no change"
    assert "longer --duration" in change.reason
    assert change.low is not None
    assert change.high is not None
    assert change.low < 0.9
    assert change.high > 1.3


def test_a_machine_that_became_slower_is_no_regression() -> None:
    old, new = row([8.0] * 5), row([10.0] * 5, yardstick=1.25)
    assert verdict(old, new) == "no change"
    assert verdict(old, row([10.0] * 5)) == "regression"
    assert verdict(new, old) == "no change"


def test_a_larger_error_is_a_regression_however_fast_it_is() -> None:
    (change,) = compare(report(row([8.0] * 5)), report(row([4.0] * 5, mse=0.0105)))
    assert change.verdict == "regression"
    assert "the MSE grew from 1 % to 1.05 %" in change.reason


def test_what_does_not_run_any_more_is_a_regression_unless_it_is_not_here() -> None:
    old = row([8.0] * 5)
    for status, wanted in (
        ("crashed", "regression"),
        ("wrong outputs", "regression"),
        ("not here", "gone"),
    ):
        broken = msgspec.structs.replace(old, status=status, reason="so it is", speed=None)
        (change,) = compare(report(old), report(broken))
        assert change.verdict == wanted
        assert "so it is" in change.reason


def test_what_seems_slower_is_measured_again_before_it_is_called_so() -> None:
    old, bad = report(row([8.0] * 5)), report(row([11.0] * 5))
    asked = []

    def a_bad_minute(cases: Sequence[Case]) -> Report:
        asked.append([case.backend for case in cases])
        return report(row([11.0] * 5 + [8.0] * 5))

    assert confirmed(old, bad, a_bad_minute)[1][0].verdict == "no change"
    assert asked == [["tflite"]]
    slow, changes = confirmed(old, bad, lambda _: report(row([11.0] * 10)))
    assert changes[0].verdict == "regression"
    assert slow.rows[0].speed is not None
    assert len(slow.rows[0].speed.rounds) == 10
    assert confirmed(old, old, a_bad_minute)[1][0].verdict == "no change"
    assert len(asked) == 1


def test_cases_are_matched_and_a_new_one_is_told() -> None:
    old = report(row([8.0] * 5), row([4.0] * 5, backend="openvino"))
    new = report(row([4.0] * 5, backend="openvino"), row([9.0] * 5, backend="coral"))
    assert [(each.case.backend, each.verdict) for each in compare(old, new)] == [
        ("openvino", "no change"),
        ("coral", "new"),
    ]


def test_other_devices_and_runtimes_are_named() -> None:
    old, new = report(row([8.0] * 5)), report(row([8.0] * 5))
    assert machine_notes(old, new) == []
    device = msgspec.structs.replace(
        new.device, cpu="another", runtimes={**new.device.runtimes, "openvino": "0.1"}
    )
    notes = machine_notes(old, msgspec.structs.replace(new, device=device))
    assert notes[0].startswith("another device: ")
    assert notes[1].startswith("openvino ")
    assert notes[1].endswith(" → 0.1")


def test_a_report_survives_its_file(tmp_path: Path) -> None:
    whole = report(row([8.123456789] * 5))
    (tmp_path / "bench.json").write_bytes(encode(whole))
    again = read(tmp_path / "bench.json")
    assert again.rows[0].case == whole.rows[0].case
    assert again.rows[0].speed is not None
    assert again.rows[0].speed.rounds[0].p10_ms == pytest.approx(8.1235)
    assert again.version == 1

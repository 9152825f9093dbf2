"""Two benchmarks of one device: what changed beyond the noise?

Rounds are the sample: processes that took turns with other cases over minutes. Their times scatter
more than the runs within one, so the noise of a ratio is taken from them, by bootstrap.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
import numpy as np

from edgehands.benchmarks.bench.rows import Case  # noqa: TC001 (msgspec reads it)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.benchmarks.bench.rows import Report, Round, Row, Speed

Verdict: TypeAlias = Literal["no change", "faster", "regression", "new", "gone"]

SAME = 0.05
"""A change of this share is none: the same build moves by 4 % from one process to the next."""
SAME_ACCURACY = 0.02
"""Of the error. The pictures are the same, so it hardly moves at all."""
_RESAMPLES = 4000
_BAND = (0.5, 99.5)  # per cent


class Change(msgspec.Struct, frozen=True):
    """What became of one case."""

    case: Case
    verdict: Verdict
    reason: str = ""
    old_ms: float | None = None
    """Of a run with nothing in its way: the median of the rounds' 10th percentiles."""
    new_ms: float | None = None
    ratio: float | None = None
    """New to old; above 1 is slower."""
    low: float | None = None
    """The lower end of the noise band of `ratio`."""
    high: float | None = None


def compare(old: Report, new: Report) -> list[Change]:
    """Compare case by case; what only the new one has is "new", what it left out is not listed."""
    before = {row.case: row for row in old.rows}
    return [_change(before.get(row.case), row) for row in new.rows]


def machine_notes(old: Report, new: Report) -> list[str]:
    """Say in what the two machines differ, if in anything."""
    notes = []
    if old.device.cpu != new.device.cpu or old.device.board != new.device.board:
        notes.append(f"another device: {old.device} → {new.device}")
    names = dict.fromkeys([*old.device.runtimes, *new.device.runtimes])
    for name in names:
        a, b = (each.device.runtimes.get(name, "absent") for each in (old, new))
        if a != b:
            notes.append(f"{name} {a} → {b}")
    if old.device.came_first != new.device.came_first:
        notes.append("one ran before other processes, as root may, the other did not")
    return notes


def _change(old: Row | None, new: Row) -> Change:
    if old is None:
        return Change(new.case, "new", new.reason)
    if old.speed is None:
        return Change(new.case, "new" if new.speed else "no change", new.reason)
    if new.speed is None:
        verdict: Verdict = "gone" if new.status == "not here" else "regression"
        return Change(new.case, verdict, f"{new.status}: {new.reason}")
    return _timed(old, new, old.speed, new.speed)


def _timed(old: Row, new: Row, before: Speed, after: Speed) -> Change:
    a, b = _calm(before.rounds), _calm(after.rounds)
    low, high = band(a, b)
    # A machine that has become slower itself, as by heat, is no regression.
    machine = median(_yardsticks(after.rounds)) / median(_yardsticks(before.rounds))
    low, high = low / max(machine, 1.0), high / min(machine, 1.0)
    verdict: Verdict = "no change"
    reason = ""
    if low > 1 + SAME:
        verdict = "regression"
    elif high < 1 - SAME:
        verdict = "faster"
    elif high / low > (1 + SAME) / (1 - SAME) ** 2:
        reason = "noisy: a longer --duration shows smaller changes"
    if lost := _less_accurate(old, new):
        verdict, reason = "regression", lost
    old_ms, new_ms = float(np.median(a)), float(np.median(b))
    return Change(new.case, verdict, reason, old_ms, new_ms, new_ms / old_ms, low, high)


def band(old: Sequence[float], new: Sequence[float]) -> tuple[float, float]:
    """Return where the ratio of the medians, new to old, lies with 99 % certainty."""
    rng = np.random.default_rng(0)

    def medians(values: Sequence[float]) -> np.ndarray:
        every = np.array(values)
        return np.median(every[rng.integers(0, len(every), (_RESAMPLES, len(every)))], axis=1)

    low, high = np.percentile(medians(new) / medians(old), _BAND)
    return float(low), float(high)


def _calm(rounds: Sequence[Round]) -> list[float]:
    return [each.p10_ms for each in rounds]


def _yardsticks(rounds: Sequence[Round]) -> list[float]:
    return [each.yardstick_ms for each in rounds]


def _less_accurate(old: Row, new: Row) -> str:
    """Say so if the error grew, "" if not."""
    a, b = (each.accuracy.mse if each.accuracy else None for each in (old, new))
    if a and b and b > a * (1 + SAME_ACCURACY):
        return f"the MSE grew from {100 * a:.3g} % to {100 * b:.3g} %"
    return ""

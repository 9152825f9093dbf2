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
    from collections.abc import Callable, Sequence

    from edgehands.benchmarks.bench.rows import Report, Round, Row, Speed

Verdict: TypeAlias = Literal["no change", "faster", "regression", "new", "gone"]

SAME = 0.05
"""A change of this share is none: the same build moves by 4 % from one process to the next. A
larger one counts where the noise band leaves no doubt about half of it."""
SAME_ACCURACY = 0.02
"""Of the error. The pictures are the same, so it hardly moves at all."""
_RESAMPLES = 4000
_WIDE = 0.2  # of a band: hides what a user would want to know
_AGAIN = 2  # how often a case is measured again before it is said to have changed
_BAND = (2.5, 97.5)  # per cent
_CALM = 30  # per cent: of the rounds, as noise only ever adds; not the luckiest one


class Change(msgspec.Struct, frozen=True):
    """What became of one case."""

    case: Case
    verdict: Verdict
    reason: str = ""
    old_ms: float | None = None
    """Of a run with nothing in its way: the 10th percentile of a calm round."""
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


def confirmed(
    old: Report, report: Report, again: Callable[[Sequence[Case]], Report]
) -> tuple[Report, list[Change]]:
    """Compare, after measuring again what seems to have changed: a shared machine has its minutes.

    Args:
        old: what it was.
        report: what it is.
        again: measures cases once more and returns the report with their rounds added.
    """
    changes = compare(old, report)
    for _ in range(_AGAIN):
        doubtful = [
            each.case
            for each in changes
            if each.verdict in {"regression", "faster"} and each.ratio is not None
        ]
        if not doubtful:
            break
        report = again(doubtful)
        changes = compare(old, report)
    return report, changes


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
        return Change(new.case, "new" if new.speed else "no change")
    if new.speed is None:
        verdict: Verdict = "gone" if new.status == "not here" else "regression"
        return Change(new.case, verdict, f"{new.status}: {new.reason}")
    return _timed(old, new, old.speed, new.speed)


def _timed(old: Row, new: Row, before: Speed, after: Speed) -> Change:
    a, b = _undisturbed(before.rounds), _undisturbed(after.rounds)
    low, high = band(a, b)
    # A machine that has become slower itself, as by heat, is no regression.
    machine = median(_yardsticks(after.rounds)) / median(_yardsticks(before.rounds))
    low, high = low / max(machine, 1.0), high / min(machine, 1.0)
    verdict: Verdict = "no change"
    reason = ""
    old_ms, new_ms = (float(np.percentile(rounds, _CALM)) for rounds in (a, b))
    ratio = new_ms / old_ms
    if ratio > 1 + SAME and low > 1 + SAME / 2:
        verdict = "regression"
    elif ratio < 1 - SAME and high < 1 - SAME / 2:
        verdict = "faster"
    elif high - low > _WIDE:
        reason = "noisy: a longer --duration shows smaller changes"
    if lost := _less_accurate(old, new):
        verdict, reason = "regression", lost
    return Change(new.case, verdict, reason, old_ms, new_ms, ratio, low, high)


def band(old: Sequence[float], new: Sequence[float]) -> tuple[float, float]:
    """Return where the ratio of the calm rounds, new to old, lies with 95 % certainty."""
    rng = np.random.default_rng(0)
    after, before = (
        np.percentile(rng.choice(values, (_RESAMPLES, len(values))), _CALM, axis=1)
        for values in (new, old)
    )
    low, high = np.percentile(after / before, _BAND)
    return float(low), float(high)


def _undisturbed(rounds: Sequence[Round]) -> list[float]:
    return [each.p10_ms for each in rounds]


def _yardsticks(rounds: Sequence[Round]) -> list[float]:
    return [each.yardstick_ms for each in rounds]


def _less_accurate(old: Row, new: Row) -> str:
    """Say so if the error grew, "" if not."""
    a, b = (each.accuracy.mse if each.accuracy else None for each in (old, new))
    if a and b and b > a * (1 + SAME_ACCURACY):
        return f"the MSE grew from {100 * a:.3g} % to {100 * b:.3g} %"
    return ""

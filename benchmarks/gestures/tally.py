"""The arithmetic: recall, precision, time to event, false activations per hour."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgehands.benchmarks.gestures.trial import Trial

MODERATE = 25.0
"""Degrees of tilt about each axis up to which the bar is set."""


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of those shown were found."""

    found: int
    shown: int

    @classmethod
    def of(cls, trials: Iterable[Trial]) -> Recall:
        """Count."""
        delays = [trial.delay for trial in trials]
        return cls(sum(delay is not None for delay in delays), len(delays))

    @property
    def share(self) -> float | None:
        """0 to 1; None if nothing was shown."""
        return self.found / self.shown if self.shown else None


@dataclass(frozen=True, slots=True)
class Row:
    """One gesture's figures."""

    gesture: str
    recall: Recall
    """At tilts up to `MODERATE`."""
    recall_beyond: Recall
    precision: float | None
    """Of its starts in all scenes that show something, the share where it was shown."""
    delay_p50: float | None
    """Seconds from when it was shown: from the whole pose, or from the motion's beginning."""
    delay_p95: float | None
    rendered: Recall
    """On films through the whole pipeline."""
    false_starts: int
    """Where nothing was meant, as landmarks."""
    false_per_hour: float
    rendered_false: int
    """In films of other gestures, and of hands that mean nothing."""


def rows(
    gestures: Sequence[str],
    trials: Sequence[Trial],
    films: Sequence[Trial],
    false_starts: Counter[str],
    hours: float,
) -> list[Row]:
    """Return every gesture's figures."""
    wrong = Counter(start.gesture for trial in trials for start in trial.wrong)
    wrong_films = Counter(start.gesture for film in films for start in film.wrong)
    return [
        _row(
            gesture,
            [trial for trial in trials if trial.gesture == gesture],
            [film for film in films if film.gesture == gesture],
            wrong=wrong[gesture],
            false_starts=false_starts[gesture],
            hours=hours,
            rendered_false=wrong_films[gesture],
        )
        for gesture in gestures
    ]


def _row(
    gesture: str,
    trials: Sequence[Trial],
    films: Sequence[Trial],
    *,
    wrong: int,
    false_starts: int,
    hours: float,
    rendered_false: int,
) -> Row:
    delays = [trial.delay for trial in trials if trial.delay is not None]
    p50, p95 = map(float, np.percentile(delays, (50, 95))) if delays else (None, None)
    return Row(
        gesture,
        Recall.of(trial for trial in trials if trial.tilt <= MODERATE),
        Recall.of(trial for trial in trials if trial.tilt > MODERATE),
        len(delays) / (len(delays) + wrong) if delays or wrong else None,
        p50,
        p95,
        Recall.of(films),
        false_starts,
        false_starts / hours if hours else 0.0,
        rendered_false,
    )

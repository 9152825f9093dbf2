"""The whole evaluation: scenes, hours of nothing, films and real clips, put together."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from multiprocessing import get_context
from typing import TYPE_CHECKING

from edgehands.benchmarks.gestures import clips, negatives, positives, rendered, tally

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgehands.benchmarks.gestures.clips import Clip
    from edgehands.benchmarks.gestures.tally import Row

    Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried."""

    scenes: int = 200
    """Of each gesture, as landmarks."""
    hours: float = 6.0
    """Of hands that mean nothing, as landmarks."""
    films: int = 4
    """Of each gesture and each kind of idle hands, one for each skin; 0 for none."""
    processes: int = 1


QUICK = Effort(scenes=12, hours=0.25, films=0)
"""Within a minute: to see that nothing broke."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    command: str
    seed: int
    effort: Effort
    rows: list[Row]
    film_minutes: float
    false_by_kind: dict[str, int]
    """False starts by the kind of life that they came from."""
    clips: list[Clip]

    def summary(self) -> str:
        """Say in one line what was tried."""
        return (
            f"seed {self.seed}, {self.effort.scenes} scenes of each gesture and "
            f"{self.effort.hours:g} hours of hands that mean nothing, as landmarks; "
            f"{self.film_minutes:.1f} minutes of films through the whole pipeline."
        )


def evaluate(
    command: str, seed: int, effort: Effort, media: Path | None, progress: Progress
) -> Report:
    """Try everything.

    Args:
        command: what was typed, for the record.
        seed: `dataset.REPORTING_SEED`, or another one to choose numbers by.
        effort: how much.
        media: folder of real clips, if there is one.
        progress: told what is being done.
    """
    gestures = positives.GESTURES
    trials, films, seconds = [], [], 0.0
    false_starts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    with ProcessPoolExecutor(effort.processes, mp_context=get_context("spawn")) as pool:
        scenes = partial(positives.trials, seed=seed, count=effort.scenes)
        for gesture, found in zip(gestures, pool.map(scenes, gestures), strict=True):
            progress(f"{gesture}, as landmarks")
            trials += found
        lives = pool.map(partial(negatives.false_starts, seed), negatives.minutes(effort.hours))
        for number, (kind, wrong) in enumerate(lives):
            progress(f"hands that mean nothing, minute {number + 1}")
            false_starts.update(start.gesture for start in wrong)
            kinds[kind] += len(wrong)
        jobs = [(gesture, number) for number in range(effort.films) for gesture in gestures]
        shot = pool.map(partial(rendered.try_film, seed), *zip(*jobs, strict=True)) if jobs else ()
        idle = [(kind, number) for number in range(effort.films) for kind in rendered.NOTHING]
        lazy = (
            pool.map(partial(rendered.try_idle_film, seed), *zip(*idle, strict=True))
            if idle
            else ()
        )
        for trial, length in chain(shot, lazy):
            progress(f"{trial.gesture or 'hands that mean nothing'}, as a film")
            films.append(trial)
            seconds += length
    progress("real clips")
    seen = list(clips.real_clips(media)) if media else []
    rows = tally.rows(gestures, trials, films, false_starts, effort.hours)
    return Report(command, seed, effort, rows, seconds / 60, dict(kinds), seen)

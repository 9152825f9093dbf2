"""Which backend runs each model fastest on this device? The work of `edgehands tune`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands import verdict
from edgehands.agreement import REFERENCE, references
from edgehands.errors import DeviceError
from edgehands.probe import TIMEOUT
from edgehands.selection import AUTO_ORDER, BACKENDS, default_threads, open_session
from edgehands.verify import attempt, candidates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgehands.agreement import LandmarkReference, PalmReference
    from edgehands.verify import Attempt

    Watch = Callable[[str], None]
    """Called with what is measured next."""

OPT_IN = frozenset({"litert-gpu"})
"""Experimental: measured and chosen only where the user names them."""

NOT_WORTH_IT = 1.05
"""Who is slower than the fastest by less is as fast: fewer threads and the surer backend win."""

_ONE_THREAD = frozenset({"coral", "litert-gpu"})  # their threads do not compute
_FRAMES = 8
_MIN_RUNS, _MAX_RUNS = 20, 2000


@dataclass(frozen=True, slots=True)
class Measured:
    """One model on one backend with one number of threads."""

    model: str
    backend: str
    threads: int
    attempt: Attempt

    @property
    def is_sound(self) -> bool:
        """Whether it gave the reference's outputs, so that it may be chosen."""
        return self.attempt.status == "agrees"

    @property
    def median_ms(self) -> float:
        """Median time of a run."""
        return float(np.median(self.attempt.run_seconds)) * 1000

    @property
    def p95_ms(self) -> float:
        """95th percentile of the time of a run."""
        return float(np.percentile(self.attempt.run_seconds, 95)) * 1000


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was measured and what follows."""

    measured: list[Measured]
    verdict: verdict.Verdict


class Tuner:
    """Measures every backend with every sensible number of threads.

    Args:
        model: landmark model or ensemble; its palm model goes with it.
        backends: names; empty takes all but the experimental ones.
        folder: model folder; None searches the usual places.
        seconds: about how long each is measured.
        timeout: until a process that does not answer is killed, seconds.
    """

    def __init__(
        self,
        model: str = "full",
        *,
        backends: Sequence[str] = (),
        folder: str | None = None,
        seconds: float = 1.0,
        timeout: float = TIMEOUT,
    ) -> None:
        names = [name for name in candidates(backends) if backends or name not in OPT_IN]
        self._plan = [(name, threads) for name in names for threads in thread_counts(name)]
        self._references = references(model, folder, _FRAMES)
        self._folder = folder
        self._seconds = seconds
        self._timeout = timeout

    @property
    def steps(self) -> int:
        """How many measurements there will be."""
        return len(self._plan) * len(self._references)

    def run(self, watch: Watch | None = None) -> Tuning:
        """Measure one after the other, and choose.

        Raises:
            DeviceError: no backend reproduces the reference.
        """
        measured: list[Measured] = []
        choices = []
        for reference in self._references:
            found = self._measure(reference, watch or (lambda _: None))
            measured += found
            choices.append(_choice(reference, found))
        made = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        return Tuning(measured, verdict.Verdict(verdict.fingerprint(), made, tuple(choices)))

    def _measure(
        self, reference: PalmReference | LandmarkReference, watch: Watch
    ) -> list[Measured]:
        runs = _runs(reference, self._seconds)
        found: list[Measured] = []
        for backend, threads in self._plan:
            watch(f"{reference.model.id} on {backend}, {threads} threads")
            if any(each.backend == backend and not each.is_sound for each in found):
                continue  # another number of threads does not mend it
            result = attempt(
                backend,
                reference,
                folder=self._folder,
                threads=threads,
                timeout=self._timeout + self._seconds,
                timed_runs=runs,
            )
            found.append(Measured(reference.model.id, backend, threads, result))
        return found


def thread_counts(backend: str) -> list[int]:
    """Return the numbers of threads worth measuring."""
    if backend in _ONE_THREAD:
        return [1]
    most = default_threads()
    return sorted({count for count in (1, 2, most) if count <= most})


def choose(measured: Sequence[Measured]) -> Measured | None:
    """Return the best of the sound ones: fast, and of those as fast the most modest and sure."""
    sound = [each for each in measured if each.is_sound]
    if not sound:
        return None
    limit = min(each.median_ms for each in sound) * NOT_WORTH_IT
    return min(
        (each for each in sound if each.median_ms <= limit),
        key=lambda each: (each.threads, _rank(each.backend), each.median_ms),
    )


def _rank(backend: str) -> int:
    order = list(dict.fromkeys((*AUTO_ORDER, *BACKENDS)))
    return order.index(backend) if backend in order else len(order)


def _choice(
    reference: PalmReference | LandmarkReference, measured: Sequence[Measured]
) -> verdict.Choice:
    best = choose(measured)
    if best is None:
        reasons = "; ".join(f"{each.backend}: {each.attempt.reason}" for each in measured)
        raise DeviceError(f"no backend runs {reference.model.id} rightly here: {reasons}")
    return verdict.Choice(
        model=reference.model.id,
        sha256=reference.model.sha256,
        backend=best.backend,
        threads=best.threads,
        median_ms=round(best.median_ms, 3),
        candidates=sum(each.is_sound for each in measured),
    )


def _runs(reference: PalmReference | LandmarkReference, seconds: float) -> int:
    """Return how many runs take about so long, going by the reference."""
    with open_session(REFERENCE, reference.model) as session:
        session.run()
        begin = time.perf_counter()
        for _ in range(3):
            session.run()
        each = (time.perf_counter() - begin) / 3
    return int(min(max(seconds / each, _MIN_RUNS), _MAX_RUNS))

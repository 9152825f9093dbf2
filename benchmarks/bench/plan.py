"""What is measured: every model on every backend with every sensible number of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgehands.benchmarks.bench.rows import Case
from edgehands.errors import UsageError, did_you_mean
from edgehands.models import store
from edgehands.tuning import thread_counts
from edgehands.verify import candidates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.inference import Precision
    from edgehands.models.catalog import Catalog

ALL = "all"
LANDMARK_MODELS = ("light", "full", "heavy")
"""Those of the paper's table."""

_ROUND_SECONDS = 0.4
_MIN_ROUNDS, _MAX_ROUNDS = 3, 25


class Plan(msgspec.Struct, frozen=True):
    """What to measure, and for how long."""

    cases: tuple[Case, ...]
    rounds: int
    """Processes of each case, in turns with the others': what changes in between hits all."""
    seconds: float
    """How long runs are timed in each."""


def make_plan(cases: Sequence[Case], duration: float) -> Plan:
    """Divide `duration`, the seconds that each case is timed, into rounds."""
    rounds = min(max(round(duration / _ROUND_SECONDS), _MIN_ROUNDS), _MAX_ROUNDS)
    return Plan(tuple(cases), rounds, duration / rounds)


def make_cases(
    models: Sequence[str],
    backends: Sequence[str] = (),
    threads: Sequence[int] = (),
    *,
    device: str | None = None,
    precision: Precision = "fp32",
    folder: str | None = None,
) -> list[Case]:
    """Combine models, backends and numbers of threads.

    Args:
        models: ids; "all" stands for every one.
        backends: names; "all", or none, stands for every one.
        threads: none takes those that make a difference on this machine.
        device: of the backend, which is then the only one.
        precision: of every case.
        folder: model folder; None searches the usual places.

    Raises:
        UsageError: an unknown model or backend, or a device of several backends.
    """
    names = candidates(() if ALL in backends else tuple(dict.fromkeys(backends)))
    if device is not None and len(names) != 1:
        raise UsageError(f"the device {device!r} belongs to one backend: name it with --backend")
    return [
        Case(model, backend, count, precision, device)
        for model in _models(models, store.whole_catalog(folder))
        for backend in names
        for count in (sorted(set(threads)) or thread_counts(backend))
    ]


def _models(asked: Sequence[str], catalog: Catalog) -> list[str]:
    landmarks = [model.id for model in catalog.models if model.role == "landmarks"]
    ensembles = [ensemble.id for ensemble in catalog.ensembles]
    palms = [model.id for model in catalog.models if model.role == "palm"]
    known = [*landmarks, *ensembles, *palms]
    for name in asked:
        if name not in (*known, ALL):
            raise UsageError(
                f"no model {name!r}: {did_you_mean(name, known)}choose {', '.join(known)}, {ALL}"
            )
    return known if ALL in asked else list(dict.fromkeys(asked))

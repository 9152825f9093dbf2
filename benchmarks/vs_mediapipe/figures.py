"""The arithmetic: what a run cost, medians of runs, ratios, and how far two trackers agree."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from edgehands.benchmarks.metrics import matched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.benchmarks.vs_mediapipe.play import Account
    from edgehands.hand import FloatArray

    Frames = Sequence[FloatArray]
    """[hands, 21, 2] pixels for each frame."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Six figures of a run, or their ratios to another's; less is better in each."""

    p50: float
    """Milliseconds of a frame, without decoding."""
    mean: float
    p99: float
    cpu: float
    """Milliseconds of all cores for each frame, over the whole run, without decoding."""
    rss: float
    """Highest resident memory, MB."""
    first: float
    """Milliseconds from the start of the process to the first frame's hands."""


NAMES = tuple(field.name for field in fields(Figures))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the hands of two trackers are the same."""

    frames: int
    distance: float | None
    """Mean distance of the landmarks of the hands that both found, in palm sizes; None without."""
    distance_p95: float | None
    """Over those hands."""
    same_count: float
    """Share of frames with as many hands."""
    matched: float | None
    """Share of the other's hands that ours found too; None where it has none."""


def figures(run: Account, decoding: Account) -> Figures:
    """Return a run's figures; `decoding` is a run over the same frames that only decodes."""
    p50, p99 = np.percentile(run.ms, (50, 99))
    return Figures(
        p50=float(p50),
        mean=float(np.mean(run.ms)),
        p99=float(p99),
        cpu=(run.cpu_ms - decoding.cpu_ms) / len(run.ms),
        rss=run.rss_mb,
        first=run.first_ms,
    )


def middle(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure."""
    return Figures(*np.median([astuple(run) for run in runs], axis=0).tolist())


def best(contenders: Sequence[Figures]) -> Figures:
    """Return the lowest of each figure: who is beaten must be beaten where he is strongest."""
    return Figures(*np.min([astuple(each) for each in contenders], axis=0).tolist())


def ratios(ours: Figures, theirs: Figures) -> Figures:
    """Return ours / theirs."""
    return Figures(*(a / b for a, b in zip(astuple(ours), astuple(theirs), strict=True)))


def agreement(ours: Frames, theirs: Frames) -> Agreement:
    """Compare hands frame by frame; distances are in palm sizes of `theirs`."""
    pairs = list(zip(ours, theirs, strict=True))
    distances = np.array([off for a, b in pairs for _, _, off in matched(a, b)])
    hands = sum(len(b) for _, b in pairs)
    return Agreement(
        frames=len(pairs),
        distance=float(distances.mean()) if distances.size else None,
        distance_p95=float(np.percentile(distances, 95)) if distances.size else None,
        same_count=float(np.mean([len(a) == len(b) for a, b in pairs])),
        matched=len(distances) / hands if hands else None,
    )

"""The arithmetic: spread, shake and lag, and a setting's row of figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands.benchmarks.steadiness.hands import SETTLED, START, STOP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.benchmarks.steadiness.hands import Recording, Setting
    from edgehands.hand import FloatArray


@dataclass(frozen=True, slots=True)
class Row:
    """One setting's figures, means over the hands."""

    min_cutoff: float
    beta: float
    spread: float
    """Of a still hand: what is left of the standard deviation of the landmarks, 0 to 1."""
    worst_spread: float
    """Of the worst hand."""
    shake: float
    """Of a still hand: what is left of the mean second difference from frame to frame."""
    lag: float
    """Of a moving hand, frames of 1/30 s."""
    worst_lag: float
    behind: float
    """The farthest that it falls behind, palm sizes."""


def spread(points: FloatArray, palm: float) -> float:
    """Return the standard deviation [T, 21, 2 or 3] → palm sizes: root of both axes' variances."""
    return float(np.sqrt(points[..., :2].var(axis=0).sum(axis=1)).mean() / palm)


def shake(points: FloatArray, palm: float) -> float:
    """Return the mean length of the second difference from frame to frame, palm sizes."""
    return float(np.linalg.norm(np.diff(points[..., :2], n=2, axis=0), axis=2).mean() / palm)


def lag(raw: FloatArray, smooth: FloatArray, first: int, last: int) -> float:
    """Return how many frames `smooth` comes after `raw` from frame `first` to `last`.

    It is the shift that leaves the smallest squared error, `raw` interpolated between frames.
    `last` is before the last frame.
    """
    raw, smooth = (array[..., :2].reshape(len(array), -1) for array in (raw, smooth))
    frames = np.arange(first, last)
    shifts = np.arange(0, 4, 0.02)

    def error(shift: float) -> float:
        at = frames - shift
        before = np.floor(at).astype(int).clip(0)
        share = (at - before)[:, None].clip(0, 1)
        shifted = raw[before] * (1 - share) + raw[before + 1] * share
        return float(((shifted - smooth[frames]) ** 2).mean())

    return float(shifts[np.argmin([error(float(shift)) for shift in shifts])])


def figures(setting: Setting, stills: Sequence[Recording], movers: Sequence[Recording]) -> Row:
    """Return how calm and how late the filter is with a setting."""
    spreads, shakes, lags, behinds = [], [], [], []
    for each in stills:
        settled = each.times >= SETTLED
        raw, smooth = each.points[settled], each.smoothed(setting)[settled]
        spreads.append(spread(smooth, each.palm) / spread(raw, each.palm))
        shakes.append(shake(smooth, each.palm) / shake(raw, each.palm))
    for each in movers:
        smooth = each.smoothed(setting)
        first, last = np.searchsorted(each.times, (START, STOP))
        lags.append(lag(each.points, smooth, int(first), int(last)))
        off = np.linalg.norm((each.points - smooth)[first:last, :, :2].mean(axis=1), axis=1)
        behinds.append(float(off.max()) / each.palm)
    return Row(
        *setting,
        spread=float(np.mean(spreads)),
        worst_spread=max(spreads),
        shake=float(np.mean(shakes)),
        lag=float(np.mean(lags)),
        worst_lag=max(lags),
        behind=max(behinds),
    )

"""The results for people: Markdown, and a plot where matplotlib is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands.benchmarks.steadiness.hands import FPS, SETTLED, SPEED, START, way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from edgehands.benchmarks.steadiness.hands import Recording, Setting
    from edgehands.benchmarks.steadiness.measure import Row

_BOUND_SPREAD, _BOUND_LAG = 0.35, 1.0
_TIP = 8
_HEADS = (
    "| min_cutoff, beta | spread left | of the worst hand | shake left | lag | of the worst hand "
    "| behind |"
)
_RAW, _SMOOTH, _TRUTH = "#b9c4d0", "#0b63c4", "#222222"


@dataclass(frozen=True, slots=True)
class Result:
    """What the hands of one noise brought."""

    spread: float
    """Of the unsmoothed landmarks of a still hand, palm sizes."""
    shake: float
    rows: list[Row]
    """The defaults, then the settings before them."""


def markdown(
    hands: int,
    results: Mapping[float, Result],
    grid: Sequence[Row],
    real: Mapping[str, Mapping[str, float]],
    chosen: Setting,
) -> str:
    """Return the figures as Markdown."""
    lines = [
        (
            "`python -m edgehands.benchmarks.steadiness`: drawn hands before a noisy sensor, model "
            f"Full, {FPS:.0f} fps; {hands} still ones and {hands} that start, move at {SPEED:.0f} "
            "palm size a second and stop."
        ),
        "",
        "- spread: standard deviation of the landmarks of a still hand, its first second left out;",
        "- shake: mean second difference from frame to frame;",
        (
            "- lag: the shift in time against the unsmoothed landmarks that leaves the smallest "
            "error, start included, in frames of 1/30 s;"
        ),
        "- behind: the farthest that the moving hand is behind.",
        "",
        f"| sensor noise {_HEADS}",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {noise:.1%} | {_cells(row)} |"
            for noise, each in results.items()
            for row in each.rows
        ),
        "",
        "Unsmoothed, in palm sizes: "
        + "; ".join(
            f"noise {noise:.1%}: spread {each.spread:.2%}, shake {each.shake:.2%}"
            for noise, each in results.items()
        )
        + ".",
    ]
    if real:
        lines += [
            "",
            "| real clip | shake | smoothed | lag, frames |",
            "|---|---|---|---|",
            *(
                f"| {name} | {each['shake']:.2%} of palm size | {each['shake_smoothed']:.2%} "
                f"| {each['lag']:.2f} |"
                for name, each in real.items()
            ),
            "",
            "What a real hand accelerates is in its shake too.",
        ]
    lines += [
        "",
        f"The grid from which {chosen[0]:g}, {chosen[1]:g} were chosen, on other hands:",
        "",
        _HEADS,
        "|---|---|---|---|---|---|---|",
        *(f"| {_cells(row)} |" for row in grid),
    ]
    return "\n".join(lines)


def _cells(row: Row) -> str:
    return (
        f"{row.min_cutoff:g}, {row.beta:g} | {row.spread:.2f} | {row.worst_spread:.2f} "
        f"| {row.shake:.2f} | {row.lag:.2f} | {row.worst_lag:.2f} | {row.behind:.1%}"
    )


def plot(
    still: Recording, moving: Recording, grid: Sequence[Row], chosen: Setting, path: Path
) -> bool:
    """Draw a still hand, a moving one and the choice into a file; False without matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError:
        return False
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    _plot_still(axes[0], still, chosen)
    _plot_moving(axes[1], moving, chosen)
    _plot_choice(axes[2], grid, chosen)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return True


def _plot_still(axis: Any, hand: Recording, setting: Setting) -> None:
    settled = hand.times >= SETTLED
    times = hand.times[settled]
    middle = hand.points[settled, _TIP, 0].mean()
    for points, colour, name in (
        (hand.points, _RAW, "unsmoothed"),
        (hand.smoothed(setting), _SMOOTH, "smoothed"),
    ):
        off = (points[settled, _TIP, 0] - middle) / hand.palm * 100
        axis.plot(times, off, color=colour, label=name, linewidth=1.4)
    axis.set_title("A still hand: x of the index finger's tip", loc="left", fontsize=10)
    axis.set_xlabel("seconds")
    axis.set_ylabel("% of palm size")


def _plot_moving(axis: Any, hand: Recording, setting: Setting) -> None:
    smooth = hand.smoothed(setting)
    start, end = hand.points[:15, :, :2].mean(axis=0), hand.points[-5:, :, :2].mean(axis=0)
    course = (end - start).mean(axis=0)
    truth = way()
    # As long a way as the truth's: the model's palm is not quite as large.
    course *= truth[-1] / (course @ course)
    for points, colour, name in (
        (hand.points, _RAW, "unsmoothed"),
        (smooth, _SMOOTH, "smoothed"),
    ):
        along = (points[..., :2] - start).mean(axis=1) @ course
        axis.plot(hand.times, along, color=colour, label=name, linewidth=1.4, marker=".")
    axis.plot(np.arange(len(truth)) / FPS, truth, color=_TRUTH, label="truth", linestyle=":")
    axis.set(xlim=(START - 0.1, START + 0.4), ylim=(-0.02, 0.4))
    axis.set_title("A hand that starts to move", loc="left", fontsize=10)
    axis.set_xlabel("seconds")
    axis.set_ylabel("palm sizes")


def _plot_choice(axis: Any, grid: Sequence[Row], chosen: Setting) -> None:
    for low in dict.fromkeys(row.min_cutoff for row in grid):
        rows = [row for row in grid if row.min_cutoff == low]
        lags, spreads = [row.lag for row in rows], [row.spread for row in rows]
        (line,) = axis.plot(lags, spreads, marker="o", markersize=3, label=f"min_cutoff {low:g} Hz")
        for row in rows:
            if (row.min_cutoff, row.beta) == chosen:
                mark = {"markersize": 9, "color": line.get_color()}
                axis.plot(row.lag, row.spread, "o", label=f"default: beta {row.beta:g}", **mark)
    axis.axhline(_BOUND_SPREAD, color="#999999", linewidth=0.8, linestyle="--")
    axis.axvline(_BOUND_LAG, color="#999999", linewidth=0.8, linestyle="--")
    axis.set_title("Calm against quick, beta along each line", loc="left", fontsize=10)
    axis.set_xlabel("lag of the moving hand, frames")
    axis.set_ylabel("spread left of the still hand")

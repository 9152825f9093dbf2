"""Latency against error, one point for each model on each backend."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from edgehands.benchmarks.bench import published
from edgehands.benchmarks.bench.paper_table import columns
from edgehands.benchmarks.bench.plan import LANDMARK_MODELS
from edgehands.errors import RuntimeMissingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from edgehands.benchmarks.bench.rows import Report, Row

    Point = tuple[float, float]
    """Milliseconds, error in per cent."""

_COLOURS = ("#0b7a75", "#d1495b", "#2e5eaa", "#edae49", "#7a4988", "#5c6b73")
_INK, _FAINT, _GRID = "#22313a", "#7b8a93", "#e4e9ec"
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_LEAST_ROOM = 0.3  # above and below the points, in the axis's unit
_MARKERS = {"light": "o", "full": "s", "heavy": "D"}


def check_plots() -> None:
    """Refuse to draw where nothing can.

    Raises:
        RuntimeMissingError: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise RuntimeMissingError("--plot needs matplotlib: pip install matplotlib")


def draw(report: Report, path: Path) -> None:
    """Draw this device above the paper's phones into a picture.

    Raises:
        RuntimeMissingError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    check_plots()
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    style = {"font.family": "DejaVu Sans", "font.size": 10, "axes.edgecolor": _GRID}
    with plt.rc_context({**style, "text.color": _INK, "axes.labelcolor": _FAINT}):
        figure, (here, there) = plt.subplots(
            2, 1, figsize=(9, 7.4), sharex=True, height_ratios=(3, 2), layout="constrained"
        )
        figure.get_layout_engine().set(h_pad=0.12, hspace=0.04)
        _here(here, report)
        _there(there)
        _axis(there)
        figure.savefig(path, dpi=150, facecolor="white")
        plt.close(figure)


def _here(axis: Any, report: Report) -> None:
    lines = {}
    for backend, threads in columns(report.rows):
        rows = [row for row in report.rows if (row.backend, row.threads) == (backend, threads)]
        how = "software" if rows[0].is_software else f"{threads} thread{'s' * (threads > 1)}"
        lines[f"{backend}, {how}"] = _points(rows)
    _lines(axis, lines, _COLOURS)
    if lines:
        axis.legend(
            loc="upper right", frameon=False, fontsize=9, handlelength=1.2, labelspacing=0.35
        )
    _title(axis, "Measured", f"{report.device}, {report.made[:10]}")
    axis.set_ylabel("error, % of palm size\n(64 synthetic crops)")


def _there(axis: Any) -> None:
    paper = published.paper()
    lines = {
        each.device: {
            network.model: (each.milliseconds[network.model], network.mse)
            for network in paper.networks
        }
        for each in paper.latencies
    }
    _lines(axis, lines, ("#8a97a0",))
    for name, points in lines.items():  # the phones lie well apart where they run heavy
        _write(axis, name, points["heavy"], (9, -17), "right", color=_FAINT, fontsize=9)
    _title(axis, "Cited", f"{paper.source}; TFLite on GPUs; its own networks, unit and test set")
    axis.set_ylabel("MSE, as published")


def _points(rows: Sequence[Row]) -> dict[str, Point]:
    # Backends agree to the fifth digit: what an axis cannot show should not stretch it.
    return {
        row.model: (row.speed.latency_ms.p50, round(100 * row.accuracy.mean_error, 2))
        for row in rows
        if row.model in LANDMARK_MODELS
        if row.speed and row.accuracy and row.accuracy.mean_error is not None
    }


def _lines(axis: Any, lines: dict[str, dict[str, Point]], colours: Sequence[str]) -> None:
    """Draw a line for each name, from light to heavy."""
    for place, (name, points) in enumerate((n, p) for n, p in lines.items() if p):
        colour = colours[place % len(colours)]
        ordered = [(model, points[model]) for model in LANDMARK_MODELS if model in points]
        xs, ys = zip(*(point for _, point in ordered), strict=True)
        axis.plot(xs, ys, color=colour, linewidth=1.6, alpha=0.55, zorder=2)
        for model, (x, y) in ordered:
            axis.plot(x, y, _MARKERS[model], color=colour, markersize=8.5, zorder=3)
            axis.plot(x, y, _MARKERS[model], color="white", markersize=2.8, zorder=4)
        axis.plot([], [], "-", color=colour, linewidth=3, label=name)
    _name_models(axis, lines)


def _name_models(axis: Any, lines: dict[str, dict[str, Point]]) -> None:
    """Write each model's name at the left of its leftmost point."""
    for model in LANDMARK_MODELS:
        found = [points[model] for points in lines.values() if model in points]
        if found:
            _write(axis, model, min(found), (-11, 0), "right", color=_INK, fontweight="bold")
    heights = [y for points in lines.values() for _, y in points.values()] or [0.0]
    room = max(0.2 * (max(heights) - min(heights)), _LEAST_ROOM)
    axis.set_ylim(min(heights) - room, max(heights) + room)
    axis.margins(x=0.14)


def _write(
    axis: Any, text: str, point: Point, offset: tuple[int, int], align: str, **font: Any
) -> None:
    axis.annotate(
        text, point, xytext=offset, textcoords="offset points", ha=align, va="center", **font
    )


def _title(axis: Any, head: str, rest: str) -> None:
    axis.set_title(head, loc="left", fontsize=12, fontweight="bold", pad=22)
    axis.text(0, 1.035, rest, transform=axis.transAxes, fontsize=9, color=_FAINT)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.grid(visible=True, which="major", color=_GRID, linewidth=0.8)
    axis.grid(visible=True, which="minor", axis="x", color=_GRID, linewidth=0.4)
    axis.tick_params(colors=_FAINT, length=0)
    axis.set_axisbelow(True)


def _axis(axis: Any) -> None:
    axis.set_xscale("log")
    low, high = axis.get_xlim()
    ticks = [tick for tick in _TICKS if low < tick < high]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    axis.set_xlim(low, high)
    axis.set_xlabel("milliseconds a hand, median (log scale): further left and lower is better")

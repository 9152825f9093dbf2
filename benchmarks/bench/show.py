"""The tables of a benchmark: speed with accuracy, pipeline, the user's sets, a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.benchmarks.bench.rows import ranked
from edgehands.benchmarks.bench.table import NOTHING, Grid, number, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from edgehands.benchmarks.bench.compare import Change
    from edgehands.benchmarks.bench.pipeline_figures import Moment, PipelineRow
    from edgehands.benchmarks.bench.rows import DatasetRow, Report, Row

_SPEED_HEADS = (
    "p50\nms",
    "p90\nms",
    "p99\nms",
    "CPU\nms",
    "init\nms",
    "RSS\nMB",
    "GFLOP/s\n(peak)",
)
_SOFTWARE = "* on a software adapter, no GPU: the CPU does a GPU's work."
_LEAST = 3  # per cent of the peak: below, a digit more


def grids(report: Report) -> list[Grid]:
    """Return every table that the report has something for."""
    landmarks = [row for row in report.rows if not is_palm(row)]
    palms = [row for row in report.rows if is_palm(row)]
    shown = []
    if landmarks:
        heads = ("error", "MSE", "PCK@0.2", "side")
        shown.append(_speed_grid("Landmark models", heads, landmarks, _landmark_accuracy))
    if palms:
        shown.append(_speed_grid("Palm detectors", ("AP@0.5",), palms, _palm_accuracy))
    if report.pipeline:
        shown.append(_pipeline_grid(report.pipeline))
    if report.sustained:
        shown.append(_sustained_grid(report.sustained))
    if report.datasets:
        shown.append(_dataset_grid(report.datasets))
    return shown


def is_palm(row: Row) -> bool:
    """Whether the model finds palms; of a user's own model, its name and accuracy tell."""
    return row.model.startswith("palm") or bool(row.accuracy and row.accuracy.ap is not None)


def refused(rows: Iterable[Row]) -> list[str]:
    """Return a line for each reason why a case is not ranked."""
    models: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if row.status != "ok":
            models.setdefault((row.backend, row.status, row.reason), []).append(row.model)
    return [
        f"{backend} ({', '.join(dict.fromkeys(names))}): {status}: {reason}"
        for (backend, status, reason), names in models.items()
    ]


def device_lines(report: Report) -> list[str]:
    """Say what was measured, when, and in what state it was."""
    device = report.device
    state = [f"governor {device.governor}"] if device.governor else []
    for name, said in (("mhz", "{:.0f} MHz"), ("celsius", "{:.0f} °C"), ("load", "load {:.1f}")):
        pair = [getattr(each, name) for each in (device.before, device.after)]
        if None not in pair:
            state.append(" → ".join(said.format(value) for value in pair))
    if device.after.throttled:
        state.append(f"throttled={device.after.throttled}")
    peaks = [
        f"{value:.0f} on {threads} thread{'s' if threads != '1' else ''}"
        for threads, value in sorted(device.peak_gflops.items())
    ]
    runtimes = ", ".join(f"{name} {version}" for name, version in device.runtimes.items())
    lines = [
        f"{device}, {device.memory_mb} MB; {device.system}, Linux {device.kernel}",
        f"EdgeHands {device.edgehands}, Python {device.python}, {runtimes}",
        "; ".join(state),
    ]
    if peaks:
        lines.append(f"float32 matrix product: {', '.join(peaks)} GFLOP/s")
    return [line for line in lines if line]


def compare_grid(changes: Sequence[Change]) -> Grid:
    """Return the table of a comparison."""
    return Grid(
        "Compared",
        ("model", "backend", "threads", "", "old ms", "new ms", "ratio", "noise band"),
        [
            (
                change.case.model,
                change.case.backend,
                str(change.case.threads),
                change.verdict,
                number(change.old_ms),
                number(change.new_ms),
                NOTHING if change.ratio is None else f"{change.ratio:.2f}",
                NOTHING if change.low is None else f"{change.low:.2f}–{change.high:.2f}",
            )
            for change in changes
        ],
        left=4,
    )


def _speed_grid(
    title: str,
    accuracy_heads: Sequence[str],
    rows: Sequence[Row],
    accuracy: Callable[[Row], Sequence[str]],
) -> Grid:
    cells = []
    for model in dict.fromkeys(row.model for row in rows):
        own = [row for row in rows if row.model == model]
        ordered = [*ranked(own), *(row for row in own if row.speed is None)]
        cells += [(*_names(row), *_speed(row), *accuracy(row)) for row in ordered]
    notes = (_SOFTWARE,) if any(row.is_software for row in rows) else ()
    heads = ("model", "backend", "threads", *_SPEED_HEADS, *accuracy_heads)
    return Grid(title, heads, cells, notes, left=2)


def _names(row: Row) -> tuple[str, str, str]:
    precision = "" if row.precision == "fp32" else f" {row.precision}"
    return row.model, f"{row.backend}{precision}{'*' if row.is_software else ''}", str(row.threads)


def _speed(row: Row) -> Sequence[str]:
    speed = row.speed
    if speed is None:
        return [row.status, *[NOTHING] * (len(_SPEED_HEADS) - 1)]
    latency = speed.latency_ms
    figures = (latency.p50, latency.p90, latency.p99, speed.cpu_ms, speed.init_ms, speed.rss_mb)
    share = percent(speed.peak_share, 0 if 100 * speed.peak_share >= _LEAST else 1)
    return [*map(number, figures), f"{number(speed.gflops)} ({share.replace(' ', '')})"]


def _landmark_accuracy(row: Row) -> Sequence[str]:
    known = row.accuracy
    if known is None:
        return [NOTHING] * 4
    return [
        percent(known.mean_error),
        percent(known.mse, 2),
        percent(known.pck),
        percent(known.handedness, 0),
    ]


def _palm_accuracy(row: Row) -> Sequence[str]:
    return [percent(row.accuracy.ap if row.accuracy else None)]


def _pipeline_grid(rows: Sequence[PipelineRow]) -> Grid:
    stages = list(dict.fromkeys(name for row in rows for name in row.stages))
    heads = ("p50\nms", "p99\nms", "CPU\nms", "fps", "detector\non", "age p50\nms", "event p50\nms")
    cells = []
    for row in rows:
        age = row.age
        figures = [
            number(row.frame_ms.p50),
            number(row.frame_ms.p99),
            number(row.cpu_ms),
            number(row.fps),
            percent(row.duty_cycle, 0),
            number(age.frame_ms.p50 if age else None),
            number(age.event_ms.p50 if age and age.event_ms else None),
        ]
        each = [number(row.stages[name].p50_ms if name in row.stages else None) for name in stages]
        cells.append((row.state, *figures, *each, number(row.rest_ms)))
    first = rows[0]
    return Grid(
        f"Pipeline, {first.model} on {first.runs_on}",
        ("state", *heads, *stages, "rest"),
        cells,
        ("Stages: median ms of the frames on which each ran. Age: since capture, live.",),
    )


def _sustained_grid(moments: Sequence[Moment]) -> Grid:
    step = max(1, len(moments) // 12)
    return Grid(
        "Sustained: two hands, as fast as it goes",
        ("minute", "fps", "p50 ms", "p99 ms", "°C", "MHz"),
        [
            (
                f"{each.seconds / 60:.1f}",
                *map(number, (each.fps, each.p50_ms, each.p99_ms, each.celsius)),
                number(each.mhz, 4),
            )
            for each in [*moments[step - 1 :: step]]
        ],
        left=0,
    )


def _dataset_grid(rows: Sequence[DatasetRow]) -> Grid:
    return Grid(
        "Labelled pictures, whole pipeline",
        ("set", "model", "pictures", "hands", "found", "false", "error", "MSE", "PCK@0.2", "side"),
        [
            (
                row.dataset,
                row.model,
                *map(str, (known.pictures, known.hands, known.found, known.false_hands)),
                percent(known.mean_error),
                percent(known.mse, 2),
                percent(known.pck),
                percent(known.handedness, 0),
            )
            for row in rows
            for known in [row.accuracy]
        ],
        left=2,
    )

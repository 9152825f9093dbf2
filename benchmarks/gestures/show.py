"""The figures for people: a table for the terminal, Markdown, JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from edgehands.benchmarks.gestures.evaluation import Report
    from edgehands.benchmarks.gestures.tally import Recall, Row

HEADS = (
    *("gesture", "recall ≤ 25°", "to 35°", "rendered", "precision"),
    *("p50 s", "p95 s", "false / h", "false, rendered"),
)


def cells(row: Row) -> tuple[str, ...]:
    """Return a row's figures as text, in the order of `HEADS`."""
    return (
        row.gesture,
        *(_share(row.recall), _share(row.recall_beyond), _counted(row.rendered)),
        "–" if row.precision is None else f"{row.precision:.1%}",
        *("–" if delay is None else f"{delay:.2f}" for delay in (row.delay_p50, row.delay_p95)),
        f"{row.false_per_hour:.2g}",
        str(row.rendered_false) if row.rendered.shown else "–",
    )


def markdown(report: Report) -> str:
    """Return the whole report as Markdown."""
    lines = [f"`{report.command}`: {report.summary()}", "", f"| {' | '.join(HEADS)} |"]
    lines.append("|---" * len(HEADS) + "|")
    lines += [f"| {' | '.join(cells(row))} |" for row in report.rows]
    if report.clips:
        lines += ["", "| real clip | seconds | starts |", "|---|---|---|"]
        lines += [
            f"| {clip.name} | {clip.seconds:.0f} | {', '.join(clip.starts) or 'none'} |"
            for clip in report.clips
        ]
    return "\n".join(lines) + "\n"


def as_json(report: Report) -> dict[str, object]:
    """Return the whole report as JSON takes it."""
    return asdict(report)


def table(rows: Sequence[Row]) -> Table:
    """Return the figures as a table for the terminal."""
    from rich import box
    from rich.table import Table

    result = Table(box=box.SIMPLE)
    for head in HEADS:
        result.add_column(head, justify="left" if head == "gesture" else "right")
    for row in rows:
        result.add_row(*cells(row))
    return result


def _share(recall: Recall) -> str:
    return "–" if recall.share is None else f"{recall.share:.1%} of {recall.shown}"


def _counted(recall: Recall) -> str:
    return f"{recall.found} of {recall.shown}" if recall.shown else "–"

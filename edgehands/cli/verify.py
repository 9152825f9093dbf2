"""`edgehands verify`: the same pictures through every backend."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgehands.cli.models import ModelsOption
from edgehands.errors import DeviceError

if TYPE_CHECKING:
    from rich.table import Table

    from edgehands.verify import Row

BackendsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--backend", help="Only this one; may be repeated. By default all.", show_default=False
    ),
]
TimeoutOption = Annotated[
    float,
    typer.Option(
        min=0.1, help="Seconds for each model on each backend until its process is killed."
    ),
]


def verify_backends(
    model: Annotated[str, typer.Option(help="Landmark model: light, full or heavy.")] = "full",
    frames: Annotated[
        int, typer.Option(min=1, max=200, help="Frames of the shipped clip to compare.")
    ] = 20,
    backend: BackendsOption = None,
    models: ModelsOption = None,
    timeout: TimeoutOption = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything, as JSON.")] = False,
) -> None:
    """Compare every backend with tflite in fp32; exit code 69 if one differs.

    All get the same crops of the shipped clip, each in its own process. In
    fp32, landmarks and palm boxes may differ by 0.1 px on average and 1 px at
    most, presence by 0.01, and every hand must keep its side. In int8 and fp16,
    which cannot be exact: landmarks by 3 % of palm size on average, world
    landmarks by 10 mm.
    """
    from edgehands import verify

    asked = tuple(backend or ())
    rows = []
    for row in verify.verify(
        model,
        frames=frames,
        backends=asked,
        folder=str(models) if models else None,
        timeout=timeout,
    ):
        rows.append(row)
        if sys.stderr.isatty() and not as_json:
            print(f"edgehands: {row.backend}: {row.status}", file=sys.stderr)
    if as_json:
        # NaN is no JSON: what is not a number is null.
        print(json.dumps([_finite(asdict(row)) for row in rows], indent=2))
    else:
        from rich.console import Console

        # Into a pipe or file, a line is as long as it needs to be.
        Console(width=None if sys.stdout.isatty() else 200).print(_table(rows))
        for row in rows:
            if row.reason:
                print(reason_line(row.backend, row.reason))
    _judge(rows, asked)


def reason_line(backend: str, reason: str) -> str:
    """Say whose reason it is, unless it says so itself."""
    return reason if reason.startswith(backend) else f"{backend}: {reason}"


def _judge(rows: "list[Row]", asked: tuple[str, ...]) -> None:
    wrong = [row for row in rows if row.is_wrong]
    closed = [row for row in rows if row.status in {"absent", "failed"} and row.backend in asked]
    if wrong or closed:
        first = (wrong or closed)[0]
        count = f"{len(wrong + closed)} of {len(rows)} backends failed"
        raise DeviceError(f"{count}; {reason_line(first.backend, first.reason)}")


def _table(rows: "list[Row]") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    for column in ("backend", "runs on"):
        table.add_column(column)
    for column in (
        "landmarks px\nmean / max",
        "% of palm\nmean / max",
        "presence\nmax",
        "same side",
        "palm box px\nmean / max",
        "palm score\nmax",
    ):
        table.add_column(column, justify="right")
    table.add_column("")
    for row in rows:
        table.add_row(row.backend, _runs_on(row), *_figures(row), row.status)
    return table


def _runs_on(row: "Row") -> str:
    if row.description is None:
        return "–"
    told = row.description
    return f"{told.runtime} {told.version}, {told.device}, {told.precision}"


def _figures(row: "Row") -> list[str]:
    hands, palms = row.landmarks, row.palm
    figures = ["–"] * 6
    if hands is not None:
        figures[0] = _pair(hands.mean_px, hands.max_px)
        figures[1] = _pair(100 * hands.mean_share, 100 * hands.max_share)
        figures[2] = _number(hands.presence)
        figures[3] = f"{hands.handedness:.0%}"
    if palms is not None:
        figures[4] = _pair(palms.mean_px, palms.max_px)
        figures[5] = _number(palms.score)
    return figures


def _pair(mean: float, most: float) -> str:
    return f"{_number(mean)} / {_number(most)}"


def _number(value: float) -> str:
    return "0" if value == 0 else f"{value:.2g}"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return None if value in (float("inf"), float("-inf")) or value != value else value  # noqa: PLR0124

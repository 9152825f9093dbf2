"""`edgehands bench`: how fast this device is, with an accuracy beside each figure."""

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgehands.cli import STOPPED
from edgehands.cli.models import ModelsOption
from edgehands.cli.progress import progress
from edgehands.cli.verify import TimeoutOption
from edgehands.errors import UsageError

if TYPE_CHECKING:
    from edgehands.benchmarks.bench.compare import Change
    from edgehands.benchmarks.bench.plan import Plan
    from edgehands.benchmarks.bench.rows import Report
    from edgehands.benchmarks.bench.study import Whole

_DURATION = 1.5
_PIPELINE_DURATION = 3.0
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_REGRESSION_EXIT_CODE = 1


def bench(
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="light, full, heavy, palm-lite, palm-full or all; may be repeated. "
            "By default full, with --table light, full and heavy.",
            show_default=False,
        ),
    ] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option(help="Runtime by name, or all, the default; may be repeated."),
    ] = None,
    threads: Annotated[
        str | None,
        typer.Option(
            metavar="N,…", help="By default 1, 2 and all cores up to 4.", show_default=False
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="The backend's device, such as GPU for openvino.")
    ] = None,
    precision: Annotated[
        Literal["fp32", "int8"], typer.Option(help="int8 runs what `models build int8` made.")
    ] = "fp32",
    duration: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="How long each case is timed, such as 1.5 or 30s; with --pipeline, each state. "
            "From 1m on, --pipeline is one long run.",
            show_default=False,
        ),
    ] = None,
    table: Annotated[bool, typer.Option("--table", help="The paper's table, with ours.")] = False,
    pipeline: Annotated[
        bool, typer.Option("--pipeline", help="The whole pipeline too, in each of its states.")
    ] = False,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND:PATH",
            help="Accuracy on your own pictures too: freihand:DIR, coco:FILE.json, "
            "handpose_x:DIR; may be repeated.",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            metavar="OLD.json",
            help="Measure the same cases again; exit code 1 if one is slower beyond the noise.",
            show_default=False,
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything there.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with the tables.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw latency against error (PNG, SVG).")
    ] = None,
    models: ModelsOption = None,
    timeout: TimeoutOption = 60.0,
) -> int:
    """Measure models on every backend of this device, each in its own process.

    Every latency comes with an accuracy, on synthetic hands with exact truth.
    A backend that crashes, hangs, is not here or gives wrong outputs is a marked
    row; the rest goes on. Do it on an idle device. Ctrl-C keeps what is there.
    """
    from edgehands.benchmarks.bench import output, rows
    from edgehands.benchmarks.bench.compare import confirmed
    from edgehands.benchmarks.bench.study import SUSTAINED_FROM, Study

    old = rows.read(compare) if compare else None
    files = output.Files(json_file, markdown, plot)
    files.check()
    folder = str(models) if models else None
    seconds = _seconds(duration)
    # What is long for the pipeline is too long for each of many cases.
    of_cases = None if pipeline and seconds and seconds >= SUSTAINED_FROM else seconds
    plan = _plan(old, model, backend, threads, device, precision, of_cases, folder, table=table)
    whole = _whole(plan, backend, threads, device, precision, seconds, dataset, states=pipeline)
    command = shlex.join(["edgehands", *sys.argv[1:]])
    study = Study(plan, whole, command, folder, timeout)
    changes: list[Change] = []
    with progress(study.steps) as watch:
        report = study.run(watch)
        if old:
            report, changes = confirmed(old, report, lambda cases: study.again(cases, watch))
    output.print_report(report, with_paper=table)
    if old:
        output.print_changes(old, report, changes)
    files.write(report, with_paper=table)
    if study.is_stopped:
        return STOPPED
    return _REGRESSION_EXIT_CODE if any(each.verdict == "regression" for each in changes) else 0


def _plan(
    old: "Report | None",
    model: list[str] | None,
    backend: list[str] | None,
    threads: str | None,
    device: str | None,
    precision: Literal["fp32", "int8"],
    seconds: float | None,
    folder: str | None,
    *,
    table: bool,
) -> "Plan":
    from edgehands.benchmarks.bench.plan import LANDMARK_MODELS, Plan, make_cases, make_plan

    duration = _DURATION if seconds is None else seconds
    as_before = not (model or backend or threads or device or table or precision != "fp32")
    if old and as_before:
        cases = tuple(row.case for row in old.rows)
        if seconds is None and old.rounds:
            return Plan(cases, old.rounds, old.seconds)
        return make_plan(cases, duration)
    names = model or (list(LANDMARK_MODELS) if table else ["full"])
    counts = _counts(threads)
    return make_plan(
        make_cases(names, backend or (), counts, device=device, precision=precision, folder=folder),
        duration,
    )


def _whole(
    plan: "Plan",
    backend: list[str] | None,
    threads: str | None,
    device: str | None,
    precision: Literal["fp32", "int8"],
    seconds: float | None,
    datasets: list[str] | None,
    *,
    states: bool,
) -> "Whole":
    from edgehands.benchmarks.bench.datasets import read
    from edgehands.benchmarks.bench.study import Whole

    one = backend[0] if backend and len(backend) == 1 and backend[0] != "all" else "auto"
    counts = _counts(threads)
    names = [case.model for case in plan.cases if not case.model.startswith("palm")]
    return Whole(
        list(dict.fromkeys(names)) or ["full"],
        one,
        counts[-1] if counts else None,
        device,
        precision,
        _PIPELINE_DURATION if seconds is None else seconds,
        states,
        [read(each) for each in datasets or ()],
    )


def _counts(text: str | None) -> list[int]:
    if text is None:
        return []
    if not re.fullmatch(r"[1-9]\d?(,[1-9]\d?)*", text):
        raise UsageError(f"threads {text!r} are no numbers such as 1,2,4")
    return [int(each) for each in text.split(",")]


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not match or float(match[1]) == 0:
        raise UsageError(f"duration {text!r} is no time such as 1.5, 30s or 10m")
    return float(match[1]) * _UNITS[match[2]]

"""`edgehands tune`: measure this device once, so that `auto` knows."""

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from edgehands.cli.models import ModelsOption
from edgehands.cli.progress import progress
from edgehands.cli.verify import BackendsOption, TimeoutOption, reason_line

if TYPE_CHECKING:
    from rich.table import Table

    from edgehands.tuning import Measured, Tuning

_BUSY = 0.5  # load for each core; its own first second is not yet in it


def tune(
    model: Annotated[
        str, typer.Option(help="Landmark model: light or full; heavy is tuned as full.")
    ] = "full",
    seconds: Annotated[
        float, typer.Option(min=0.0, max=600.0, help="About how long each is measured.")
    ] = 1.0,
    backend: BackendsOption = None,
    models: ModelsOption = None,
    timeout: TimeoutOption = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything, as JSON.")] = False,
) -> None:
    """Measure backends and thread counts for both models; `auto` takes the best.

    Each runs on real crops in its own process, and only one that reproduces
    tflite's outputs can be chosen. Do it on an idle device; once is enough until
    the hardware, a library or EdgeHands changes. litert-gpu is experimental: it
    takes part only if named with --backend.
    """
    from edgehands import verdict
    from edgehands.tuning import Tuner

    tuner = Tuner(
        model,
        backends=tuple(backend or ()),
        folder=str(models) if models else None,
        seconds=seconds,
        timeout=timeout,
    )
    busy = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    if busy > _BUSY * cores:
        print(
            f"edgehands: this machine is busy (load {busy:.1f} on {cores} cores): what is measured "
            "now may not hold when it is idle",
            file=sys.stderr,
        )
    with progress(tuner.steps) as watch:
        tuning = tuner.run(watch)
    files = verdict.save(tuning.verdict)
    if as_json:
        print(json.dumps(_as_json(tuning), indent=2))
    else:
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else 200).print(_table(tuning))
        for line in dict.fromkeys(
            reason_line(each.backend, each.attempt.reason)
            for each in tuning.measured
            if each.attempt.reason
        ):
            print(line)
        for choice in tuning.verdict.choices:
            threads = f"{choice.threads} thread{'s' if choice.threads > 1 else ''}"
            print(f"auto: {choice.model} on {choice.backend}, {threads}, {choice.median_ms:.1f} ms")
    for file in files:
        print(f"edgehands: kept in {file}", file=sys.stderr)
    if verdict.SYSTEM_FOLDER.is_dir() and not os.access(verdict.SYSTEM_FOLDER, os.W_OK):
        print(
            f"edgehands: the service reads {verdict.SYSTEM_FOLDER} only: for it, run "
            "`sudo edgehands tune`",
            file=sys.stderr,
        )


def _table(tuning: "Tuning") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table("model", "backend", box=box.SIMPLE)
    for column in ("threads", "median ms", "p95 ms", "runs"):
        table.add_column(column, justify="right")
    table.add_column("precision")
    table.add_column("")
    chosen = {(choice.model, choice.backend, choice.threads) for choice in tuning.verdict.choices}
    for each in tuning.measured:
        told = each.attempt.description
        table.add_row(
            each.model,
            each.backend,
            str(each.threads),
            *(
                (f"{each.median_ms:.2f}", f"{each.p95_ms:.2f}", str(len(each.attempt.run_seconds)))
                if each.is_sound
                else ("–", "–", "–")
            ),
            told.precision if told else "–",
            "chosen" if (each.model, each.backend, each.threads) in chosen else _state(each),
        )
    return table


def _state(measured: "Measured") -> str:
    status = measured.attempt.status
    return {"agrees": "", "differs": "refused: differs"}.get(status, status)


def _as_json(tuning: "Tuning") -> dict[str, object]:
    import msgspec

    return {
        "verdict": msgspec.to_builtins(tuning.verdict),
        "measured": [
            {
                "model": each.model,
                "backend": each.backend,
                "threads": each.threads,
                "status": each.attempt.status,
                "reason": each.attempt.reason,
                "median_ms": each.median_ms if each.is_sound else None,
                "p95_ms": each.p95_ms if each.is_sound else None,
                "runs": len(each.attempt.run_seconds),
            }
            for each in tuning.measured
        ],
    }

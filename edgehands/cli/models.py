"""`edgehands models`: list, fetch and check the model files."""

import json
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from edgehands.errors import ModelError
from edgehands.models import store
from edgehands.models.catalog import shipped_catalog
from edgehands.models.fetch import fetch

app = typer.Typer(help="List, fetch and check the model files.", no_args_is_help=True)

ModelsOption = Annotated[
    Path | None,
    typer.Option(
        "--models",
        metavar="DIR",
        help=f"Model folder; before ${store.ENVIRONMENT_VARIABLE}, {store.SYSTEM_FOLDER} and the "
        "user's data folder.",
        show_default=False,
    ),
]


@app.command("list")
def list_models(
    models: ModelsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything, as JSON.")] = False,
) -> None:
    """List the models: what they cost and whether they are here."""
    states = store.check(models)
    if as_json:
        typer.echo(json.dumps([_as_json(state) for state in states], indent=2))
        return
    table = Table("id", "role", "input", "params", "MACs", "file", "state", box=box.SIMPLE)
    for state in states:
        model = state.model
        table.add_row(
            model.id,
            model.role,
            f"{model.input_size}×{model.input_size}",
            f"{model.params / 1e6:.2f} M",
            f"{model.macs / 1e6:.0f} M",
            model.file,
            state.status,
        )
    # Into a pipe or file, a line is as long as it needs to be.
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@app.command("fetch")
def fetch_models(
    models: Annotated[
        Path | None,
        typer.Option(
            "--models",
            metavar="DIR",
            help=f"Where to put the models; by default ${store.ENVIRONMENT_VARIABLE}, else the "
            "user's data folder.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="A wheel, a .task bundle, a .tflite file, or a folder of these; nothing is then "
            "downloaded.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Get the models, verified by their SHA-256, through pip or from a file."""
    with ExitStack() as stack:
        fetched = fetch(models, source, progress=_DownloadReport(stack))
    for status, ids in (
        ("fetched", fetched.installed),
        ("present", fetched.present),
        ("missing", fetched.missing),
    ):
        for model_id in ids:
            typer.echo(f"{model_id:<10} {status}")
    if fetched.missing:
        _say(
            f"{fetched.folder} still lacks {', '.join(fetched.missing)}: "
            f"run `edgehands models fetch --models {shlex.quote(str(fetched.folder))}`"
        )
    elif not fetched.installed:
        _say(f"nothing to do: {fetched.folder} has all the models")


@app.command("check")
def check_models(models: ModelsOption = None) -> None:
    """Compare the SHA-256 of every model file with the catalog; exit code 78 if one is wrong."""
    states = store.check(models)
    for state in states:
        typer.echo(f"{state.model.id:<10} {state.status:<10} {state.path or state.model.file}")
    problems = [state.problem for state in states if state.status != "ok"]
    if problems:
        raise ModelError(f"{len(problems)} of {len(states)} models cannot be used: {problems[0]}")


class _DownloadReport:
    """Draw a bar on a terminal, else say one line; nothing where nothing is downloaded."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._bar: Progress | None = None
        self._begun = False

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` bytes have arrived."""
        if not self._begun:
            self._begun = True
            self._begin(total)
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=done)

    def _begin(self, total: int) -> None:
        text = f"downloading {shipped_catalog().source.requirement}"
        if not sys.stderr.isatty():
            _say(f"{text}, {total / 1e6:.0f} MB, through pip")
            return
        self._bar = self._stack.enter_context(
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
        )
        self._bar.add_task(text, total=total)


def _as_json(state: store.ModelState) -> dict[str, object]:
    model: dict[str, object] = msgspec.to_builtins(state.model)
    return {**model, "state": state.status, "path": str(state.path) if state.path else None}


def _say(text: str) -> None:
    typer.echo(f"edgehands: {text}", err=True)

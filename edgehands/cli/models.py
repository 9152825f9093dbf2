"""`edgehands models`: list, fetch, check and build the model files."""

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehands.errors import EdgeHandsError, ModelError, UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

    from edgehands.models.catalog import Model
    from edgehands.models.store import ModelState

app = typer.Typer(help="List, fetch, check and build the model files.", no_args_is_help=True)

# Said here, so that help needs no library; a test compares them with what they are.
TARGETS = ("fp32", "pruned", "onnx", "int8", "edgetpu")

ModelsOption = Annotated[
    Path | None,
    typer.Option(
        "--models",
        metavar="DIR",
        help="Model folder; before $EDGEHANDS_MODELS, /var/lib/edgehands/models and the user's "
        "data folder.",
        exists=True,
        file_okay=False,
        show_default=False,
    ),
]


@app.command("list")
def list_models(
    models: ModelsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything, as JSON.")] = False,
) -> None:
    """List the models: what they cost and whether they are here."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from edgehands.models import store

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
    catalog = store.whole_catalog(models)
    for ensemble in catalog.ensembles:
        of = catalog.get(ensemble.of)
        macs = f"{of.macs * len(ensemble.views) / 1e6:.0f} M"
        table.add_row(
            *(ensemble.id, of.role, f"{of.input_size}×{of.input_size}", f"{of.params / 1e6:.2f} M"),
            *(macs, ensemble.note, ""),
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
            help="Where to put the models; by default $EDGEHANDS_MODELS, else the user's data "
            "folder.",
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
    from edgehands.models.fetch import fetch

    with ExitStack() as stack:
        fetched = fetch(models, source, progress=_DownloadReport(stack))
    _prune(fetched.installed, fetched.folder)
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


def _prune(ids: Sequence[str], folder: Path) -> None:
    """Build now what the first start would: a service may have nowhere to keep it."""
    from edgehands.models import store
    from edgehands.models.derived import SUBFOLDER, build, keep

    for model in (store.load(each, folder) for each in ids):
        if not model.silent_channels:
            continue
        try:
            keep(build(model, "pruned"), folder / SUBFOLDER)
        except EdgeHandsError as error:
            _say(f"{model.id} will run a little slower: {error}")


@app.command("check")
def check_models(models: ModelsOption = None) -> None:
    """Compare the SHA-256 of every model file with the catalog; exit code 78 if one is wrong."""
    from edgehands.models import store

    states = store.check(models)
    for state in states:
        typer.echo(f"{state.model.id:<10} {state.status:<10} {state.path or state.model.file}")
    problems = [state.problem for state in states if state.status != "ok"]
    if problems:
        raise ModelError(f"{len(problems)} of {len(states)} models cannot be used: {problems[0]}")


@app.command("build")
def build_models(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help=f"What to build: {', '.join(TARGETS)}.", show_default=False
        ),
    ],
    model: Annotated[str, typer.Option("--model", metavar="ID", help="One model, or all.")] = "all",
    models: ModelsOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Where to put the files; by default the user's cache. A device that cannot build "
            "finds them in the folder derived of its model folder.",
            show_default=False,
        ),
    ] = None,
    clip: Annotated[
        list[str] | None,
        typer.Option(
            "--clip",
            metavar="FILE",
            help="A clip of your own to calibrate int8 and edgetpu with, beside rendered hands; "
            "may be repeated.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Build derived model files, each compared with its original; exit code 78 if one differs.

    fp32, pruned and onnx compute the same. int8 and edgetpu are quantised: they are calibrated with
    rendered hands and your clips, and refused if the landmark error or the palms missed rise too
    much. edgetpu needs Google's edgetpu_compiler and compiles a landmark model with its palm model.
    """
    from edgehands.models import store
    from edgehands.models.derived import build, cache_folder, get_recipe, keep

    recipe = get_recipe(target)  # a wrong name is said before anything is read
    folder = out or cache_folder()
    if folder is None:
        raise UsageError("this user has no home folder: name one with --out")
    catalog = store.whole_catalog(models)
    if recipe.on_request:
        chosen = catalog.models if model == "all" else (catalog.get(model),)
        _build_quantised(target, chosen, models, folder, clip or [])
        return
    if clip:
        raise UsageError(f"--clip is for int8 and edgetpu: {target} needs no calibration")
    for each in catalog.models if model == "all" else (catalog.get(model),):
        with _status(f"building the {target} file of {each.id}"):
            built = build(store.load(each.id, models), target)
            kept = keep(built, folder)
        differences = ", ".join(f"{name} {off:.1e}" for name, off in built.differences.items())
        typer.echo(
            f"{each.id:<10} {target:<5} {len(kept.data) / 1e6:5.1f} MB  off by {differences} "
            f"(allowed {recipe.tolerance:g})  {kept.path}"
        )


def _build_quantised(
    target: str, chosen: "Sequence[Model]", models: Path | None, folder: Path, clips: list[str]
) -> None:
    from edgehands import quantising
    from edgehands.calibration import calibration
    from edgehands.models import store
    from edgehands.models.convert import tool
    from edgehands.models.convert.edgetpu import find_compiler
    from edgehands.models.convert.int8 import INSTALL
    from edgehands.models.derived import keep

    tool("ai_edge_quantizer", INSTALL)  # what is missing is said before minutes are spent
    if target == "edgetpu":
        find_compiler()
    with _status("collecting calibration pictures"):
        pictures = calibration(clips, folder=models)
    for group in _groups(target, chosen):
        with _status(f"building the {target} file of {' and '.join(each.id for each in group)}"):
            files = [store.load(each.id, models) for each in group]
            if target == "edgetpu":
                made = quantising.build_edgetpus(files, pictures)
            else:
                made = [quantising.build_int8(file, pictures.of(file)) for file in files]
            kept = [keep(each, folder) for each in made]
        for built, file in zip(made, kept, strict=True):
            size = f"{len(file.data) / 1e6:5.1f} MB"
            typer.echo(f"{file.id:<10} {target:<5} {size}  {built.summary}  {file.path}")


def _groups(target: str, chosen: "Sequence[Model]") -> "list[list[Model]]":
    """Return the models that are built together: for the Edge TPU, those that run in turn."""
    if target != "edgetpu":
        return [[each] for each in chosen]
    from edgehands.models.catalog import shipped_catalog

    catalog = shipped_catalog()
    groups = [[catalog.get(each.palm), each] for each in chosen if each.palm]
    paired = {each.id for group in groups for each in group}
    return groups + [[each] for each in chosen if each.id not in paired]


@contextmanager
def _status(text: str) -> Iterator[None]:
    """Show on a terminal what is being done, and say nothing elsewhere."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


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
        from edgehands.models.catalog import shipped_catalog

        text = f"downloading {shipped_catalog().source.requirement}"
        if not sys.stderr.isatty():
            _say(f"{text}, {total / 1e6:.0f} MB, through pip")
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TransferSpeedColumn,
        )

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


def _as_json(state: "ModelState") -> dict[str, object]:
    import msgspec

    model: dict[str, object] = msgspec.to_builtins(state.model)
    return {**model, "state": state.status, "path": str(state.path) if state.path else None}


def _say(text: str) -> None:
    typer.echo(f"edgehands: {text}", err=True)

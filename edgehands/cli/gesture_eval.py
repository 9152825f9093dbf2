"""`edgehands gestures eval`: how well gestures are recognised, measured."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgehands.benchmarks.gestures.evaluation import Effort


def evaluate_gestures(
    quick: Annotated[
        bool, typer.Option("--quick", help="Little of everything and no films, in a minute.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything, as JSON.")] = False,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the tables there too.")
    ] = None,
    scenes: Annotated[
        int | None,
        typer.Option(min=1, help="Of each gesture; 200, quick 12.", show_default=False),
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="Of hands that mean nothing; 6, quick 0.25.", show_default=False
        ),
    ] = None,
    films: Annotated[
        int | None,
        typer.Option(min=0, max=16, help="Drawn of each gesture; 4, quick 0.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Of people, hands and noise: one that nobody has looked at yet."),
    ] = None,
    tuning: Annotated[
        bool, typer.Option("--tuning", help="With the seed for choosing numbers by.")
    ] = False,
    processes: Annotated[int, typer.Option(min=1, help="At work together.")] = 1,
) -> None:
    """Measure recall, precision, time to event and false activations per hour.

    On drawn hands, most of them only as landmarks with the model's errors imitated,
    some as films through the whole pipeline; and on the real clips of the folder in
    $EDGEHANDS_MEDIA. Films are drawn once, for half an hour, and kept in the cache.
    """
    from rich.console import Console

    from edgehands.benchmarks.gestures import show
    from edgehands.benchmarks.gestures.evaluation import QUICK, Effort, evaluate
    from edgehands.synthetic.dataset import REPORTING_SEED, TUNING_SEED

    base = QUICK if quick else Effort()
    effort = Effort(
        base.scenes if scenes is None else scenes,
        base.hours if hours is None else hours,
        base.films if films is None else films,
        processes,
    )
    folder = os.environ.get("EDGEHANDS_MEDIA")
    media = Path(folder) if folder and not quick else None
    command = " ".join(["edgehands gestures eval", *_typed(effort, quick=quick, tuning=tuning)])
    if seed is None:
        seed = TUNING_SEED if tuning else REPORTING_SEED
    else:
        command += f" --seed {seed}"
    with Console(stderr=True).status("starting") as status:
        report = evaluate(command, seed, effort, media, status.update)
    if markdown is not None:
        markdown.write_text(show.markdown(report), encoding="utf-8")
    if as_json:
        print(json.dumps(show.as_json(report), indent=1))
        return
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(report.summary(), highlight=False)
    console.print(show.table(report.rows))
    for clip in report.clips:
        said = ", ".join(clip.starts) or "none"
        console.print(f"{clip.name}, {clip.seconds:.0f} s: {said}", highlight=False)


def _typed(effort: "Effort", *, quick: bool, tuning: bool) -> list[str]:
    """Return the options that change what is measured."""
    from edgehands.benchmarks.gestures import evaluation

    base = evaluation.QUICK if quick else evaluation.Effort()
    words = [*(["--quick"] if quick else []), *(["--tuning"] if tuning else [])]
    for name in ("scenes", "hours", "films"):
        if getattr(effort, name) != getattr(base, name):
            words.append(f"--{name} {getattr(effort, name):g}")
    return words

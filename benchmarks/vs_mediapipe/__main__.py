"""The command: who runs, on what, how often; then the tables and the files."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from edgehands import verdict
from edgehands.benchmarks.vs_mediapipe import contest, show
from edgehands.benchmarks.vs_mediapipe.scenarios import SCENARIOS, Scenario, default_scenarios
from edgehands.errors import EdgeHandsError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edgehands.benchmarks.vs_mediapipe.contest import Contender, Result, Rules

RESULTS = Path(__file__).parents[1] / "results"

_RATIOS = "EdgeHands / the better MediaPipe in each figure (below 1: EdgeHands is better)"
_FIGURES = "Everybody, medians of the rounds"


def main(
    scenario: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given again.")
    ] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option(help="Of EdgeHands; by default tflite and the fastest other one here."),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(help="EdgeHands once more with a tracker setting, KEY=VALUE."),
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Rounds.")] = 3,
    frames: Annotated[int, typer.Option(min=20, help="Of each clip, at most.")] = 300,
    calm: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Do a run again, twice at most, if others took more than this share of the cores.",
        ),
    ] = 1.0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = RESULTS,
) -> None:
    """Run EdgeHands and MediaPipe in turns on the same clips, all with their defaults.

    The first time, MediaPipe is installed into environments of its own below
    $XDG_CACHE_HOME/edgehands/peers; after that no network is needed. Real clips
    come from the folder in $EDGEHANDS_MEDIA; without it, drawn ones are used.
    """
    rules = contest.Rules(repeat, frames, calm=calm)
    try:
        _main(scenario or [], backend or [], also or [], rules, out)
    except EdgeHandsError as error:
        print(f"vs_mediapipe: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from error


def _main(
    names: Sequence[str], backends: Sequence[str], also: Sequence[str], rules: Rules, out: Path
) -> None:
    folder = os.environ.get("EDGEHANDS_MEDIA")
    media = Path(folder) if folder else None
    scenarios = [_scenario(name) for name in names] or default_scenarios(media)
    settings = dict(map(_setting, also))
    console = Console(width=None if sys.stdout.isatty() else 180)
    log = Console(stderr=True)
    load = os.getloadavg()[0]
    with log.status("making clips and environments"):
        clips = [scenario.clip(media) for scenario in scenarios]
        skipped: list[str] = []
        contenders = contest.mediapipe(skipped.append)
    for reason in skipped:
        log.print(f"skipped: {reason}", highlight=False)
    with log.status("looking for the fastest backend"):
        contenders += _ours(backends, settings, clips[0], scenarios[0].max_hands)
    total = len(scenarios) * len(contenders) * rules.repeat
    with _progress(log, total) as step:
        results = [
            contest.compete(scenario, clip, contenders, rules, step)
            for scenario, clip in zip(scenarios, clips, strict=True)
        ]
    for line in filter(None, [*map(show.other_pixels, results), show.noise(results)]):
        log.print(line, highlight=False, markup=False)
    _print(results, console)
    record = {
        "command": _command(),
        "machine": msgspec.structs.asdict(verdict.fingerprint()),
        "load_before": load,
        "rules": asdict(rules),
        "skipped": skipped,
        "scenarios": [asdict(result) for result in results],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "vs_mediapipe.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (out / "vs_mediapipe.md").write_text(_markdown(results, rules, skipped), encoding="utf-8")
    if not show.plot(results, out / "vs_mediapipe.png"):
        log.print(show.PLOT_HINT, highlight=False, markup=False)


def _command() -> str:
    """Return what was typed, without the place of the results, which is nobody's concern."""
    words = sys.argv[1:]
    kept = [
        word
        for before, word in zip(["", *words], words, strict=False)
        if "--out" not in {before, word.split("=")[0]}
    ]
    return " ".join(["python -m edgehands.benchmarks.vs_mediapipe", *kept])


def _scenario(name: str) -> Scenario:
    known = {scenario.name: scenario for scenario in SCENARIOS}
    if name not in known:
        hint = did_you_mean(name, known)
        raise UsageError(f"no scenario {name!r}: {hint}choose {', '.join(known)}")
    return known[name]


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--also {text} is no setting: say KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _ours(
    backends: Sequence[str], settings: dict[str, Any], clip: Path, max_hands: int
) -> list[Contender]:
    chosen = list(backends)
    if not chosen:
        fastest = contest.fastest_backend(clip, max_hands)
        chosen = ["tflite", *([fastest] if fastest else [])]
    ours = [contest.edgehands(backend) for backend in chosen]
    if settings:
        ours.append(contest.edgehands(chosen[0], settings))
    return ours


@contextmanager
def _progress(log: Console, total: int) -> Iterator[Callable[[str], None]]:
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=log) as progress:
        task = progress.add_task("", total=total)
        begun = 0

        def step(name: str) -> None:
            nonlocal begun
            progress.update(task, description=name, completed=begun)
            begun += 1

        yield step
        progress.update(task, completed=begun)


def _print(results: Sequence[Result], console: Console) -> None:
    rows = show.ratio_rows(results)
    if rows:
        console.print(show.table(_RATIOS, show.RATIO_HEADS, rows))
    console.print(show.table(_FIGURES, show.FIGURE_HEADS, show.figure_rows(results)))


def _markdown(results: Sequence[Result], rules: Rules, skipped: Sequence[str]) -> str:
    machine = verdict.fingerprint()
    parts = [
        (
            f"`{_command()}`: rounds in turns: {rules.repeat}, frames: at most {rules.frames}, of "
            f"which the first {rules.warm_up} do not count; {machine.cpu}, {machine.cores} cores. "
            f"{show.versions(results)}."
        ),
        *(f"Skipped: {reason}." for reason in skipped),
    ]
    if rows := show.ratio_rows(results):
        parts.append(f"{_RATIOS}:\n\n{show.markdown(show.RATIO_HEADS, rows)}")
    parts.append(f"{_FIGURES}:\n\n{show.markdown(show.FIGURE_HEADS, show.figure_rows(results))}")
    parts.extend(filter(None, [show.noise(results), *map(show.other_pixels, results)]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    typer.run(main)

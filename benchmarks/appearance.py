"""How soon a hand is seen that appears: `python -m edgehands.benchmarks.appearance`.

EdgeHands and both MediaPipes, all with their defaults, see the same films: cuts from an empty scene
to a hand, hands that enter slowly, hands behind a board. "Late" is against the earlier of the two
MediaPipes, in each take.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from edgehands.benchmarks.clips import FPS
from edgehands.benchmarks.films import appearances
from edgehands.benchmarks.films.watch import contenders, paired, watch
from edgehands.errors import EdgeHandsError
from edgehands.synthetic.dataset import REPORTING_SEED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgehands.benchmarks.films.film import Film, Take
    from edgehands.benchmarks.films.watch import View

RESULTS = Path(__file__).parent / "results"
BOUNDS = {"cuts": 2, "entries": round(0.25 * FPS), "hidings": 0}
"""Frames that a hand may be seen later than by MediaPipe."""

_TITLES = {
    "cuts": "Cut from an empty scene to a hand",
    "entries": f"Entering at {appearances.ENTRY_SPEED} palm sizes a second",
    "hidings": "Hidden by a board and back",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One take."""

    film: str
    take: str
    seconds: float
    """Behind the board."""
    delays: dict[str, int | None]
    """Of each hand tracker, frames from the cue to the first hand; None: not in this take."""
    late: int | None
    """Frames that ours is later than the earlier MediaPipe; None if neither saw the hand."""


def first_seen(view: View, film: Film, take: Take) -> int | None:
    """Return how many frames after the cue the hand was first seen; None: never.

    Where it is known what is in the picture, only a hand at its place counts.
    """
    for frame in range(take.cue, take.end):
        hands, truth = view.hands[frame], film.hands[frame]
        if paired(hands, truth) if truth else len(hands):
            return frame - take.cue
    return None


def outcomes(name: str, film: Film, views: Sequence[View]) -> list[Outcome]:
    """Compare what was seen, take by take."""
    found = []
    for take in film.takes:
        delays = {view.name: first_seen(view, film, take) for view in views}
        theirs = [delays[view.name] for view in views if not view.ours]
        best = min((delay for delay in theirs if delay is not None), default=None)
        (ours,) = (delays[view.name] for view in views if view.ours)
        length = take.end - take.cue  # never seen counts as seen at the end
        late = None if best is None else (length if ours is None else ours) - best
        found.append(Outcome(name, take.name, take.seconds, delays, late))
    return found


def markdown(found: Sequence[Outcome], about: Iterable[str]) -> str:
    """Return the figures as Markdown."""
    lines = [
        (
            f"`python -m edgehands.benchmarks.appearance`: {'; '.join(about)}; all with their "
            f"defaults and two hands at most, {FPS:.0f} fps."
        ),
        "",
    ]
    for film, title in _TITLES.items():
        takes = [each for each in found if each.film == film]
        judged = [each.late for each in takes if each.late is not None]
        missed = sum(late > BOUNDS[film] for late in judged)
        lines += [
            (
                f"**{title}**: {len(takes)} takes, {len(judged)} with a hand that MediaPipe saw. "
                f"EdgeHands later than the earlier MediaPipe by: {_spread(judged)}. "
                f"More than {BOUNDS[film]} frames: {missed}."
            ),
            "",
            f"| take | {' | '.join(takes[0].delays)} | late |" if takes else "",
            "|---|" + "---|" * (len(takes[0].delays) + 1) if takes else "",
            *(_line(each) for each in takes if film != "cuts" or (each.late or 0) > 0),
            "",
        ]
    lines += ["Delays are frames from the cue to the first landmarks; of the cuts, late ones only."]
    return "\n".join(lines)


def _spread(late: Sequence[int]) -> str:
    counts = {each: late.count(each) for each in sorted(set(late))}
    return ", ".join(f"{each:+d} frames ×{count}" for each, count in counts.items()) or "–"


def _line(each: Outcome) -> str:
    name = f"{each.take} {each.seconds:.2f} s" if each.seconds else each.take
    delays = ["never" if delay is None else str(delay) for delay in each.delays.values()]
    return f"| {name} | {' | '.join(delays)} | {'–' if each.late is None else each.late} |"


def main(
    seed: Annotated[int, typer.Option(help="Of the films.")] = REPORTING_SEED,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = RESULTS,
) -> None:
    """Draw the films, show them to everybody, write the results."""
    log = Console(stderr=True)
    try:
        found, about = _run(seed, log)
    except EdgeHandsError as error:
        print(f"appearance: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from error
    text = markdown(found, about)
    print(text)
    result = {
        "command": "python -m edgehands.benchmarks.appearance",
        "seed": seed,
        "takes": [asdict(each) for each in found],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "appearance.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (out / "appearance.md").write_text(text + "\n", encoding="utf-8")


def _run(seed: int, log: Console) -> tuple[list[Outcome], list[str]]:
    runners = contenders(lambda reason: log.print(f"skipped: {reason}", highlight=False))
    found: list[Outcome] = []
    about: list[str] = []
    for name, make in (
        ("cuts", appearances.cuts),
        ("entries", appearances.entries),
        ("hidings", appearances.hidings),
    ):
        with log.status(f"drawing the film of {name}"):
            film = make(seed)
        views = []
        for runner in runners:
            with log.status(f"{runner.name} sees {name}"):
                views.append(watch(film, runner, max_hands=2))
        found += outcomes(name, film, views)
        about = [view.name for view in views]
    return found, about


if __name__ == "__main__":
    typer.run(main)

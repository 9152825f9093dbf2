"""Whether hands keep who they are: `python -m edgehands.benchmarks.identity`.

EdgeHands, and both MediaPipes where they can, see the same films of hands that cross and hands that
are hidden for a while. MediaPipe has no ids; its sides and its doubles can be counted.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from edgehands.benchmarks.films.appearances import hidings
from edgehands.benchmarks.films.crossings import crossings
from edgehands.benchmarks.films.tally import crossed, kept, steadiness
from edgehands.benchmarks.films.watch import contenders, watch
from edgehands.errors import EdgeHandsError
from edgehands.synthetic.dataset import REPORTING_SEED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.benchmarks.films.tally import Steadiness, Verdict
    from edgehands.benchmarks.films.watch import View

RESULTS = Path(__file__).parent / "results"
MAX_HANDS = 2

_SHORT = 0.3
"""Seconds of hiding after which a hand should still have its id."""


def main(
    seed: Annotated[int, typer.Option(help="Of the films.")] = REPORTING_SEED,
    ours: Annotated[bool, typer.Option("--ours", help="Leave MediaPipe out.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = RESULTS,
) -> None:
    """Draw the films, show them to everybody, write the results."""
    log = Console(stderr=True)
    try:
        text, result = _run(seed, log, ours=ours)
    except EdgeHandsError as error:
        print(f"identity: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from error
    print(text)
    out.mkdir(parents=True, exist_ok=True)
    (out / "identity.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (out / "identity.md").write_text(text + "\n", encoding="utf-8")


def _run(seed: int, log: Console, *, ours: bool) -> tuple[str, dict[str, object]]:
    with log.status("drawing the films"):
        films = [crossings(seed), hidings(seed)]
    runners = contenders(lambda reason: log.print(f"skipped: {reason}", highlight=False), ours=ours)
    views: dict[str, list[View]] = {}
    for runner in runners:
        with log.status(f"{runner.name} looks"):
            views[runner.name] = [watch(film, runner, MAX_HANDS) for film in films]
    general = {name: steadiness(films, seen, MAX_HANDS) for name, seen in views.items()}
    (mine,) = (seen for seen in views.values() if seen[0].ours)
    verdicts = {
        kind: Counter(
            crossed(films[0], take, mine[0]) for take in films[0].takes if take.name == kind
        )
        for kind in ("crossing", "pass")
    }
    hidden = [(take.seconds, kept(films[1], take, mine[1])) for take in films[1].takes]
    result = {
        "command": "python -m edgehands.benchmarks.identity",
        "seed": seed,
        "ids": {kind: dict(counts) for kind, counts in verdicts.items()},
        "hidden": hidden,
        "general": {name: asdict(each) for name, each in general.items()},
    }
    return markdown(verdicts, hidden, general), result


def markdown(
    verdicts: dict[str, Counter[Verdict]],
    hidden: Sequence[tuple[float, bool]],
    general: dict[str, Steadiness],
) -> str:
    """Return the figures as Markdown."""
    lines = [
        (
            "`python -m edgehands.benchmarks.identity`: drawn hands, two at most, every tracker "
            "with its defaults."
        ),
        "",
        "| EdgeHands, ids afterwards | takes with both seen before | right | else |",
        "|---|---|---|---|",
    ]
    for kind, counts in verdicts.items():
        unseen = counts["not seen before"]
        judged = counts.total() - unseen
        rest = [f"{name} ×{n}" for name, n in counts.items() if name != "right"]
        lines.append(
            f"| {kind} | {judged} of {counts.total()} | {_part(counts['right'], judged)} "
            f"| {', '.join(rest) or '–'} |"
        )
    for name, some in (
        (f"hidden up to {_SHORT} s", [same for seconds, same in hidden if seconds <= _SHORT]),
        ("hidden longer", [same for seconds, same in hidden if seconds > _SHORT]),
    ):
        lines.append(f"| {name} | {len(some)} | {_part(sum(some), len(some))} | |")
    lines += [
        "",
        "| who | flips of the side a minute | hands seen | frames with too many | two on one |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {each.flips / each.minutes:.1f} | {each.seen:.1%} | {each.too_many} "
            f"| {each.doubles} |"
            for name, each in general.items()
        ),
        "",
        "Ids of MediaPipe cannot be compared: it has none.",
    ]
    return "\n".join(lines)


def _part(some: int, of: int) -> str:
    return f"{some} ({some / of:.0%})" if of else "–"


if __name__ == "__main__":
    typer.run(main)

"""How near the landmarks are to the truth: `python -m edgehands.benchmarks.accuracy`.

On the synthetic set, whose truth is exact, and beside it on labelled real photographs where
$EDGEHANDS_MEDIA has them, so that nobody takes the one for the other.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import track

from edgehands.benchmarks.bench import datasets
from edgehands.benchmarks.bench.accuracy_samples import whole_pictures
from edgehands.benchmarks.bench.accuracy_whole import judge
from edgehands.models import store
from edgehands.settings import TrackerSettings
from edgehands.synthetic.dataset import REPORTING_SEED
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edgehands.benchmarks.bench.accuracy_whole import WholeAccuracy
    from edgehands.benchmarks.metrics import Picture

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to run the pipeline on single pictures."""

    name: str
    model: str
    second_pass: bool = False


VARIANTS = (
    Variant("light", "light"),
    Variant("full", "full"),
    Variant("full, second pass", "full", second_pass=True),
    Variant("heavy (full on two views)", "heavy"),
)


def score(variant: Variant, pictures: Iterable[Picture]) -> WholeAccuracy:
    """Run a variant over pictures."""
    settings = TrackerSettings(second_pass=variant.second_pass)
    with HandTracker(variant.model, max_hands=4, static=True, settings=settings) as tracker:
        return judge(tracker, pictures)


def figures(accuracy: WholeAccuracy) -> dict[str, float | int | None]:
    """Return what is published."""
    return {
        "hands": accuracy.hands,
        "found": accuracy.found,
        "false_hands": accuracy.false_hands,
        "error_mean": accuracy.mean_error,
        "error_p50": accuracy.p50_error,
        "error_p95": accuracy.p95_error,
        "side_right": accuracy.handedness,
    }


def synthetic_pictures(seed: int, count: int) -> Iterator[Picture]:
    """Yield pictures of the synthetic set; hands cut by the picture's edge are not asked for."""
    console = Console(stderr=True)
    yield from track(
        whole_pictures(seed, count), "drawing the synthetic set", count, console=console
    )


def labelled_photographs(media: Path) -> Iterator[Picture]:
    """Yield the hand-labelled photographs of handpose_x that lie in `media`."""
    folder = media / "XIAN-HHappy+handpose_x" / "handpose_datasets"
    if folder.is_dir():
        yield from datasets.read(f"handpose_x:{folder}")


def table(rows: dict[str, dict[str, dict[str, float | int | None]]]) -> str:
    """Return the figures as Markdown."""
    lines = [
        "| set | model | hands | found | false | error mean | p50 | p95 | side right |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, variants in rows.items():
        for variant, row in variants.items():
            shares = [row[key] for key in ("error_mean", "error_p50", "error_p95", "side_right")]
            cells = ["–" if share is None else f"{share:.1%}" for share in shares]
            counts = [str(row[key]) for key in ("hands", "found", "false_hands")]
            lines.append(f"| {' | '.join([name, variant, *counts, *cells])} |")
    return "\n".join(lines)


def main(
    count: Annotated[int, typer.Option(help="Synthetic pictures.")] = 240,
    seed: Annotated[int, typer.Option(help="Of the synthetic set.")] = REPORTING_SEED,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = RESULTS,
) -> None:
    """Measure, print the table and write it, with its figures as JSON, to a folder."""
    sets = {f"synthetic, {count} pictures": list(synthetic_pictures(seed, count))}
    media = os.environ.get("EDGEHANDS_MEDIA")
    photographs = list(labelled_photographs(Path(media))) if media else []
    if photographs:
        sets[f"{len(photographs)} labelled photographs"] = photographs
    rows = {
        name: {variant.name: figures(score(variant, pictures)) for variant in VARIANTS}
        for name, pictures in sets.items()
    }
    record = {
        "command": f"python -m edgehands.benchmarks.accuracy --count {count} --seed {seed}",
        "models": {model: store.load(model).sha256 for model in ("light", "full")},
        "variants": [asdict(variant) for variant in VARIANTS],
        "sets": rows,
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "accuracy.md").write_text(table(rows) + "\n", encoding="utf-8")
    (out / "accuracy.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    typer.run(main)

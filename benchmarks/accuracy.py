"""How near the landmarks are to the truth: `python -m edgehands.benchmarks.accuracy`.

On the synthetic set, whose truth is exact, and beside it on labelled real photographs where
$EDGEHANDS_MEDIA has them, so that nobody takes the one for the other.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from edgehands.cameras import open_camera
from edgehands.landmarks import distance_in_palms
from edgehands.models import store
from edgehands.settings import TrackerSettings
from edgehands.synthetic.dataset import REPORTING_SEED, accuracy_set
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edgehands.hand import FloatArray, Hand, Handedness, ImageArray

RESULTS = Path(__file__).parent / "results"

_MATCH_WITHIN = 1.0  # palm sizes: a hand farther off is another hand
_MIN_INSIDE = 0.95  # share of a true hand's points in the picture; others are not counted


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One hand whose landmarks are known."""

    landmarks: FloatArray
    """[21, 2 or 3] pixels."""
    handedness: Handedness | None = None


Picture = tuple["ImageArray", list[Labelled]]


@dataclass(slots=True)
class Score:
    """How a model did on a set of pictures."""

    hands: int = 0
    found: int = 0
    false_hands: int = 0
    """Reported where no hand is."""
    sides_asked: int = 0
    sides_right: int = 0
    errors: list[float] = field(default_factory=list)
    """Mean distance over the 21 points of each found hand, in palm sizes."""

    def add(self, found: list[Hand], truths: list[Labelled]) -> None:
        """Match one picture's hands to its truths and count."""
        left = list(found)
        for truth in truths:
            self.hands += 1
            best = min(
                left,
                key=lambda hand: distance_in_palms(hand.landmarks, truth.landmarks),
                default=None,
            )
            if best is None:
                continue
            error = distance_in_palms(best.landmarks, truth.landmarks)
            if error > _MATCH_WITHIN:
                continue
            left.remove(best)
            self.found += 1
            self.errors.append(error)
            if truth.handedness is not None:
                self.sides_asked += 1
                self.sides_right += best.handedness == truth.handedness
        self.false_hands += len(left)

    def figures(self) -> dict[str, float | int | None]:
        """Return what is published."""
        mean, p50, p95 = (
            (float(np.mean(self.errors)), *map(float, np.percentile(self.errors, (50, 95))))
            if self.errors
            else (None, None, None)
        )
        return {
            "hands": self.hands,
            "found": self.found,
            "false_hands": self.false_hands,
            "error_mean": mean,
            "error_p50": p50,
            "error_p95": p95,
            "side_right": self.sides_right / self.sides_asked if self.sides_asked else None,
        }


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


def score(variant: Variant, pictures: Iterable[Picture]) -> Score:
    """Run a variant over pictures."""
    result = Score()
    settings = TrackerSettings(second_pass=variant.second_pass)
    with HandTracker(variant.model, max_hands=4, static=True, settings=settings) as tracker:
        for image, truths in pictures:
            result.add(tracker.update(image), truths)
    return result


def synthetic_pictures(seed: int, count: int) -> Iterator[Picture]:
    """Yield pictures of the synthetic set; hands cut by the picture's edge are not asked for."""
    samples = accuracy_set(seed, count)
    for sample in track(samples, "drawing the synthetic set", console=Console(stderr=True)):
        height, width = sample.image.shape[:2]
        if all(hand.inside(width, height) >= _MIN_INSIDE for hand in sample.hands):
            hands = [Labelled(hand.landmarks, hand.handedness) for hand in sample.hands]
            yield sample.image, hands


def labelled_photographs(media: Path) -> Iterator[Picture]:
    """Yield the hand-labelled photographs of handpose_x that lie in `media`."""
    for labels in sorted(media.glob("XIAN-HHappy+handpose_x/handpose_datasets/*.json")):
        (frame,) = open_camera(str(labels.with_suffix(".jpg")))
        hands = [
            Labelled(
                np.array([[pts[str(i)]["x"], pts[str(i)]["y"]] for i in range(21)], np.float32)
            )
            for pts in (info["pts"] for info in json.loads(labels.read_text())["info"])
        ]
        yield frame.image, hands


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
        name: {variant.name: score(variant, pictures).figures() for variant in VARIANTS}
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

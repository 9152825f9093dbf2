"""Shows a film to EdgeHands and to both MediaPipes, and pairs what they saw with what was there."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.benchmarks.vs_mediapipe import contest
from edgehands.benchmarks.vs_mediapipe.play import Job, Label, read_labels, read_landmarks
from edgehands.landmarks import distance_in_palms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from edgehands.benchmarks.films.film import Film, Seen
    from edgehands.benchmarks.vs_mediapipe.contest import Contender
    from edgehands.hand import FloatArray

WITHIN = 0.7
"""Palm sizes: what is farther from a hand, on average over its landmarks, is not that hand."""
_FOREVER = 1_000_000  # frames


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one hand tracker saw of a film."""

    name: str
    ours: bool
    hands: list[FloatArray]
    """[hands, 21, 2] pixels for each frame."""
    labels: list[list[Label]]
    about: dict[str, Any]


def contenders(skipped: Callable[[str], None], *, ours: bool = False) -> list[Contender]:
    """Return EdgeHands and the MediaPipes that can run here, or, with `ours`, EdgeHands alone.

    `skipped` is told why one cannot.
    """
    return [contest.edgehands("tflite"), *([] if ours else contest.mediapipe(skipped))]


def watch(film: Film, who: Contender, max_hands: int) -> View:
    """Run a hand tracker over a film. What MediaPipe saw is kept: it will not change."""
    kept = film.path.with_name(f"{film.path.stem}-{who.peer}-{max_hands}.npz")
    if not who.ours and kept.exists():
        return View(who.name, who.ours, read_landmarks(kept), read_labels(kept), {})
    with tempfile.TemporaryDirectory(dir=film.path.parent) as folder:
        path = Path(folder) / "hands.npz"
        job = Job("", str(film.path), 0.0, max_hands, _FOREVER, landmarks=str(path))
        about = contest.start(who, job).about
        view = View(who.name, who.ours, read_landmarks(path), read_labels(path), about)
        if not who.ours:
            path.replace(kept)
    return view


def paired(points: Iterable[FloatArray], truth: Sequence[Seen]) -> dict[int, int]:
    """Return for each real hand (its number) which of the seen ones it is, the nearest first."""
    table = np.array([[distance_in_palms(seen, real.points) for seen in points] for real in truth])
    found: dict[int, int] = {}
    while table.size and table.min() < WITHIN:
        row, column = np.unravel_index(table.argmin(), table.shape)
        found[truth[int(row)].who] = int(column)
        table[row, :] = table[:, column] = np.inf
    return found

"""Labelled photographs that a user has: `--dataset freihand:DIR`, and the like.

=====================  ========================================================================
``handpose_x:DIR``     photographs, each with a JSON file beside it
``freihand:DIR``       the unpacked FreiHAND set
``coco:FILE.json``     COCO-WholeBody, or 21 keypoints of a hand in COCO's format
=====================  ========================================================================

All points are taken as they are labelled; none is moved by half a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgehands.benchmarks.bench import datasets_coco, datasets_freihand, datasets_handpose_x
from edgehands.benchmarks.bench.accuracy_whole import WholeAccuracy, judge
from edgehands.benchmarks.bench.pipeline_engine import Engine
from edgehands.errors import UsageError, did_you_mean
from edgehands.settings import TrackerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgehands.benchmarks.bench.datasets_files import Entry
    from edgehands.benchmarks.metrics import Picture

MOST_PICTURES = 2000
"""Of a larger set so many are taken, evenly: a minute on a desktop, and its errors hardly move."""

_MOST_HANDS = 4
"""Hands looked for in a picture, more where one has more."""

READERS: dict[str, Callable[[str], list[Entry]]] = {
    "handpose_x": datasets_handpose_x.entries,
    "freihand": datasets_freihand.entries,
    "coco": datasets_coco.entries,
}


@dataclass(frozen=True, slots=True)
class Dataset:
    """Pictures whose hands are known; each is read from disk when its turn comes."""

    name: str
    """What the user called it."""
    entries: list[Entry]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Picture]:
        return (entry.picture() for entry in self.entries)

    @property
    def most_hands(self) -> int:
        """How many hands to look for: as many as any picture has, `_MOST_HANDS` at least."""
        return max((_MOST_HANDS, *(len(entry.hands) for entry in self.entries)))


def read(spec: str, limit: int | None = MOST_PICTURES) -> Dataset:
    """Read the labels of a set.

    Args:
        spec: kind and place, as in the table at the top of this module.
        limit: how many pictures at most, evenly from the whole set; None takes all.

    Raises:
        UsageError: no kind of that name.
        InputError: a file is missing or has a mistake; the message names file and place.
    """
    kind, colon, address = spec.partition(":")
    if kind not in READERS or not address:
        known = ", ".join(f"{name}:{'FILE.json' if name == 'coco' else 'DIR'}" for name in READERS)
        hint = did_you_mean(kind, READERS) if colon and kind not in READERS else ""
        raise UsageError(f"no dataset {spec!r}: {hint}write {known}")
    entries = READERS[kind](address)
    if limit is not None and limit < len(entries):
        places = np.linspace(0, len(entries) - 1, limit).round().astype(int)
        entries = [entries[place] for place in places]
    return Dataset(spec, entries)


def measure(
    dataset: Dataset,
    model: str = "full",
    backend: str = "auto",
    threads: int | None = None,
    second_pass: bool = False,
    settings: TrackerSettings | None = None,
    watch: Callable[[int, int], None] | None = None,
) -> WholeAccuracy:
    """Find the hands of each picture with the whole pipeline, and compare.

    Args:
        dataset: as `read` returns it.
        model: landmark model or ensemble.
        backend: name of the runtime, or "auto".
        threads: for each model; None picks by the cores of the machine.
        second_pass: measure each hand again in the region of the first answer.
        settings: of the tracker.
        watch: told after each picture how many are done, of how many.

    Raises:
        InputError: a picture cannot be read.
        EdgeHandsError: as `HandTracker` raises it.
    """
    settings = msgspec.structs.replace(settings or TrackerSettings(), second_pass=second_pass)
    engine = Engine(model, backend, threads, settings)
    with engine.tracker(dataset.most_hands, static=True) as tracker:
        return judge(tracker, _watched(dataset, watch))


def _watched(dataset: Dataset, watch: Callable[[int, int], None] | None) -> Iterator[Picture]:
    for number, picture in enumerate(dataset):
        yield picture
        if watch:
            watch(number + 1, len(dataset))

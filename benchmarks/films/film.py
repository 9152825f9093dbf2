"""A film: a clip of many takes, and what is in every picture."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgehands import folders
from edgehands.benchmarks.clips import cache_folder, kept_clip
from edgehands.synthetic.cache import recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from edgehands.hand import FloatArray, ImageArray

SIZE = (640, 480)


class Seen(NamedTuple):
    """A hand that is really there."""

    who: int
    """The same hand has the same number all through its take."""
    points: FloatArray
    """[21, 2] pixels."""


class Shot(NamedTuple):
    """One picture of a take."""

    image: ImageArray
    """uint8 [480, 640, 3] RGB."""
    hands: Sequence[Seen] = ()
    """In view and not hidden; none where nobody knows, as in real clips."""


@dataclass(frozen=True, slots=True)
class Take:
    """Where a take lies in its film."""

    name: str
    first: int
    """Frame."""
    cue: int
    """Frame at which what it is about begins."""
    end: int
    """Frame after its last."""
    seconds: float = 0.0
    """The length of what it is about, where it has one."""


class Script(NamedTuple):
    """A take still to be drawn."""

    name: str
    shots: Callable[[], Iterator[Shot]]
    cue: int
    """Frame of the take."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A clip and its truth."""

    path: Path
    takes: list[Take]
    hands: list[list[Seen]]
    """For each frame."""


def kept_film(name: str, scripts: Callable[[], Iterator[Script]]) -> Film:
    """Return the film kept under `name`, or draw and keep it."""
    beside = cache_folder() / "clips" / f"{name}-{recipe()}.json"

    def pictures() -> Iterator[ImageArray]:
        takes: list[Take] = []
        hands: list[list[tuple[int, list[list[float]]]]] = []
        for script in scripts():
            first = len(hands)
            for shot in script.shots():
                hands.append([(who, np.round(points, 2).tolist()) for who, points in shot.hands])
                yield shot.image
            takes.append(Take(script.name, first, first + script.cue, len(hands), script.seconds))
        # Before the clip has its name: a clip without a truth is never found.
        record = {"takes": [asdict(take) for take in takes], "hands": hands}
        folders.write_whole(beside, json.dumps(record).encode("ascii"))

    path = kept_clip(f"{name}-{recipe()}", SIZE, pictures)
    record = json.loads(beside.read_text(encoding="ascii"))
    return Film(
        path,
        [Take(**take) for take in record["takes"]],
        [[Seen(who, np.array(p, np.float32)) for who, p in each] for each in record["hands"]],
    )

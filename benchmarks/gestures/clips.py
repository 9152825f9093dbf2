"""The real clips: what starts in them, to look at beside the drawn ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgehands.benchmarks.gestures.trial import starts
from edgehands.cameras import open_camera
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgehands.hand import Hand


@dataclass(frozen=True, slots=True)
class Clip:
    """What came of a real clip."""

    name: str
    seconds: float
    starts: tuple[str, ...]
    """Each gesture with the second at which it started."""


def real_clips(media: Path) -> Iterator[Clip]:
    """Yield what starts in each video below a folder."""
    for path in sorted(media.rglob("*.mp4")):
        last = [0.0]
        found = starts(_watched(path, last))
        said = tuple(f"{start.gesture} {start.time:.1f}" for start in found)
        yield Clip(path.stem, last[0], said)


def _watched(path: Path, last: list[float]) -> Iterator[tuple[float, list[Hand]]]:
    with HandTracker("full", threads=1) as tracker, open_camera(str(path)) as camera:
        for frame in camera:
            last[0] = frame.time
            yield frame.time, tracker.update(frame.image, frame.time)

"""Takes to learn from: the hands of a recording, a clip, pictures or a camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands import service
from edgehands.errors import InputError
from edgehands.outputs import Output
from edgehands.recording import Reader, is_recording

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgehands.config import Config
    from edgehands.hand import Hand
    from edgehands.outputs import Result

    Frames = Iterable[tuple[float, Sequence[Hand]]]


@dataclass(slots=True)
class Take:
    """One hand for some time."""

    source: str
    times: list[float] = field(default_factory=list)
    """Seconds, rising."""
    hands: list[Hand] = field(default_factory=list)
    """One for each time."""


@dataclass(slots=True)
class Takes:
    """What a source gave."""

    takes: list[Take]
    crowded: int = 0
    """Frames left out because of more than one hand: nobody knows which one is meant."""
    empty: int = 0
    """Frames without a hand."""


class _Collector(Output):
    """Keeps the hands of a run."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, Sequence[Hand]]] = []

    def result(self, result: Result) -> None:
        """Keep one frame's hands."""
        self.frames.append((result.frame.time, result.hands))


def read_takes(source: str, config: Config, *, single: bool = False) -> Takes:
    """Return what is to be learned from in a recording, or in what a camera or clip shows.

    Args:
        source: a recording's name, or what `edgehands run` takes.
        config: whose first camera has that source, for what is no recording.
        single: each frame is a take of its own, as for pictures.

    Raises:
        InputError: it cannot be read, or there is no hand in it.
    """
    found = cut(source, read_frames(source, config), single=single)
    if not found.takes:
        why = " alone" if found.crowded else ""
        raise InputError(
            f"{source}: no hand{why} in any frame; look with: "
            f"edgehands run --source {source} --draw look.mp4"
        )
    return found


def read_frames(source: str, config: Config) -> Sequence[tuple[float, Sequence[Hand]]]:
    """Return times and hands of a recording, or of what a camera or clip shows."""
    path = Path(source)
    if is_recording(path):
        with Reader(path) as reader:
            return [(entry.time, entry.hands) for entry in reader]
    collector = _Collector()
    service.run(config, listeners=(collector,))
    return collector.frames


def cut(source: str, frames: Frames, *, single: bool = False) -> Takes:
    """Cut frames into takes: each goes on while the same hand is alone in view."""
    found = Takes([])
    last: int | None = None
    for time, hands in frames:
        if len(hands) != 1:
            found.crowded += len(hands) > 1
            found.empty += not hands
            last = None
            continue
        (hand,) = hands
        if single or hand.id != last:
            found.takes.append(Take(source))
        last = hand.id
        found.takes[-1].times.append(time)
        found.takes[-1].hands.append(hand)
    return found

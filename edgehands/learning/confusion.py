"""What is taken for what: the gesture that is meant against those that are seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgehands.gestures.learned import LearnedMotion
from edgehands.gestures.motions import MOTIONS
from edgehands.replay import interpreter_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgehands.hand import Hand
    from edgehands.recording import Header

NOTHING = "nothing"


@dataclass(slots=True)
class Row:
    """One gesture that was meant, or NOTHING."""

    meant: str
    seen: Counter[str] = field(default_factory=Counter)
    """How often each gesture was seen: hands of frames for static ones, starts for the others."""

    @property
    def total(self) -> int:
        """All that was counted."""
        return sum(self.seen.values())

    def share(self, gesture: str) -> float:
        """Return which part was seen as a gesture, 0 to 1."""
        return self.seen[gesture] / self.total if self.total else 0.0


def confusion(meant: str, frames: Iterable[tuple[float, Sequence[Hand]]], header: Header) -> Row:
    """Return what hands are seen as: every frame by itself, but for motions.

    Args:
        meant: the gesture that they show.
        frames: times and hands.
        header: with all gestures that there are, and their rules.
    """
    interpreter = interpreter_of(header)
    motions = {*MOTIONS, *(each.name for each in header.learned if isinstance(each, LearnedMotion))}
    row = Row(meant)
    for time, hands in frames:
        if meant in motions:
            events = interpreter.update(hands, time, time, (header.width, header.height))
            row.seen.update(
                event.gesture for event in events if event.phase == "start" and event.gesture
            )
            continue
        for hand in hands:
            pose = interpreter.pose(hand)
            row.seen[pose.gesture if pose else NOTHING] += 1
    return row

"""What might have been a motion, and what it lacked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgehands.hand import Handedness  # noqa: TC001 (msgspec reads it at run time)

if TYPE_CHECKING:
    from edgehands.gestures.motions import Attempt
    from edgehands.hand import Hand

_WORTH_SAYING = 0.5


class Lacking(msgspec.Struct, kw_only=True):
    """One measure of a motion; lengths in palm sizes, times in seconds."""

    what: str
    measured: float
    usual: float
    """Of those who make the motion."""
    lack: float
    """How much it lacks: 0 where it is usual or better, 1 where it is poor, and on."""

    def __str__(self) -> str:
        return f"{self.what} {self.measured:.2f}, usually {self.usual:.2f}"


class Missed(msgspec.Struct, kw_only=True):
    """A motion that was not like enough to the usual one."""

    time: float
    """Seconds, of the frame in which it was over."""
    hand: int
    side: Handedness
    gesture: str
    score: float
    lacks: list[Lacking]
    """All its measures, those that lack most first."""

    @classmethod
    def of(cls, attempt: Attempt, hand: Hand, time: float) -> Missed:
        """Say what a hand's attempt lacked."""
        lacks = [
            Lacking(what=each.what, measured=each.value, usual=each.usual, lack=each.size)
            for each in sorted(attempt.lacks, key=lambda each: -each.size)
        ]
        return cls(
            time=time,
            hand=hand.id,
            side=hand.handedness,
            gesture=attempt.gesture,
            score=attempt.score,
            lacks=lacks,
        )

    def worst(self) -> list[Lacking]:
        """Return what lacks enough to be worth a word, and the first in any case."""
        return [each for each in self.lacks if each.lack >= _WORTH_SAYING] or self.lacks[:1]

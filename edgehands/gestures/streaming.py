"""Which motions become gestures, and how often a continuous one says its value.

Pure: motions and times in, changes out. One `MotionFollower` serves all hands of a stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgehands.gestures.change import Change
from edgehands.settings import TICK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.gestures.gates import Gates, Size
    from edgehands.gestures.motions import Motion
    from edgehands.hand import Hand


@dataclass(slots=True)
class _Stream:
    """A continuous motion under way."""

    hands: tuple[Hand, ...]
    since: float
    last: Motion
    seen: float
    told: float
    """When its latest value went out."""


class MotionFollower:
    """Lets through the motions that may start, and what follows those that have.

    A motion that starts with a value is continuous: it streams more of them and ends. One without
    is over at once.

    Args:
        gates: the rules, and what the hands of a stream have in common.
    """

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self._streams: dict[tuple[str, tuple[int, ...]], _Stream] = {}

    def update(
        self, motion: Motion, hands: Mapping[int, Hand], time: float, picture: Size | None = None
    ) -> list[Change]:
        """Take a motion read at `time` and return what it changes.

        Args:
            motion: as the reader returned it.
            hands: those that have entered, by id.
            time: now, seconds.
            picture: what the hands' pixels lie in.
        """
        if motion.phase == "start":
            return self._start(motion, hands, time, picture)
        stream = self._streams.get((motion.gesture, motion.hands))
        if stream is None:  # it was not let through
            return []
        stream.hands = tuple(hands.get(hand.id, hand) for hand in stream.hands)
        stream.last, stream.seen = motion, time
        self._gates.went_on(motion.gesture, time)
        if motion.phase == "end":
            return [self._end((motion.gesture, motion.hands), time)]
        return self._value(stream, time)

    def end(self, hand_id: int, time: float) -> list[Change]:
        """End what a hand takes part in, as when it leaves."""
        keys = [key for key in self._streams if hand_id in key[1]]
        return [self._end(key, time) for key in keys]

    def _start(
        self, motion: Motion, hands: Mapping[int, Hand], time: float, picture: Size | None
    ) -> list[Change]:
        key = motion.gesture, motion.hands
        shown = tuple(hands[id_] for id_ in motion.hands if id_ in hands)
        if len(shown) < len(motion.hands):
            return []
        if self._gates.block(motion.gesture, motion.score, shown, time, picture):
            return []
        ended = [self._end(key, time)] if key in self._streams else []
        self._gates.went_on(motion.gesture, time)
        if motion.value is None:
            self._pause(motion.gesture, shown, time)
        else:
            self._streams[key] = _Stream(shown, time, motion, time, time)
        return [*ended, Change("start", motion.gesture, motion.score, shown, value=motion.value)]

    def _value(self, stream: _Stream, time: float) -> list[Change]:
        motion = stream.last
        if time - stream.told < 1 / self._gates.rules(motion.gesture).value_rate - TICK:
            return []
        stream.told = time
        return [Change("value", motion.gesture, motion.score, stream.hands, value=motion.value)]

    def _end(self, key: tuple[str, tuple[int, ...]], time: float) -> Change:
        stream = self._streams.pop(key)
        motion, hands = stream.last, stream.hands
        self._pause(motion.gesture, hands, time)
        duration = stream.seen - stream.since
        return Change("end", motion.gesture, motion.score, hands, duration, motion.value)

    def _pause(self, gesture: str, hands: tuple[Hand, ...], time: float) -> None:
        for hand in hands:
            self._gates.ended(gesture, hand, time)

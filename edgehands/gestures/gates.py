"""What keeps a gesture from starting though a hand shows it: side, zone, pause, arming.

Pure: time is an argument. One `Gates` serves all hands of a stream.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from edgehands.hand import Landmark
from edgehands.settings import TICK, EventSettings, GestureRules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgehands.hand import Hand

Rule: TypeAlias = Literal[
    "enabled",
    "min_score",
    "side",
    "zone",
    "arming",
    "refractory",
    "max_speed",
    "enter_delay",
]
Size: TypeAlias = tuple[int, int]
"""Width and height of a picture, pixels."""

_DEFAULT_RULES = GestureRules()
_PALM = [Landmark.WRIST, Landmark.INDEX_MCP, Landmark.PINKY_MCP]


@dataclass(frozen=True, slots=True)
class Block:
    """Why a gesture does not start now."""

    gesture: str
    rule: Rule
    measured: float | str | tuple[float, ...] | None
    """A score, a side, the palm's place in shares of the picture, or seconds; None where nothing
    was measured."""
    needed: float | str | tuple[float, ...] | None


class Gates:
    """Says whether a gesture may start.

    Args:
        rules: per gesture; one without an entry has the defaults.
        settings: which gesture arms the others, and for how long.
        static: each image stands alone: nothing has a delay, a pause or must be armed.
    """

    def __init__(
        self,
        rules: Mapping[str, GestureRules],
        settings: EventSettings | None = None,
        *,
        static: bool = False,
    ) -> None:
        self._rules = dict(rules)
        self._settings = settings or EventSettings()
        self._static = static
        self._armed_until = float("-inf")
        self._ends: dict[tuple[str, int], float] = {}

    def set_rules(self, rules: Mapping[str, GestureRules]) -> None:
        """Let other rules hold from now on."""
        self._rules = dict(rules)

    def rules(self, gesture: str) -> GestureRules:
        """Return the rules that hold for a gesture here."""
        rules = self._rules.get(gesture, _DEFAULT_RULES)
        if self._static:
            still = {"enter_delay": 0.0, "refractory": 0.0, "max_speed": math.inf}
            return msgspec.structs.replace(rules, **still)
        if gesture == self._settings.arming:
            return msgspec.structs.replace(rules, enter_delay=self._settings.arming_delay)
        return rules

    def block(
        self, gesture: str, score: float, hands: Sequence[Hand], time: float, picture: Size | None
    ) -> Block | None:
        """Return what keeps these hands from starting the gesture, or None.

        Args:
            gesture: its name.
            score: of its pose or motion, 0 to 1.
            hands: the one that shows it, or both.
            time: now, seconds.
            picture: what the hands' pixels lie in.

        Raises:
            ValueError: the gesture has a zone and there is no picture.
        """
        rules = self.rules(gesture)
        if not rules.enabled:
            return Block(gesture, "enabled", None, None)
        if score < rules.min_score:
            return Block(gesture, "min_score", score, rules.min_score)
        blocks = (self._hand_block(gesture, rules, hand, time, picture) for hand in hands)
        if block := next(filter(None, blocks), None):
            return block
        armed = self._is_armed(gesture, time)
        return None if armed else Block(gesture, "arming", None, self._settings.arming)

    def went_on(self, gesture: str, time: float) -> None:
        """Take note that a gesture started or lasts: what is armed stays so."""
        if gesture == self._settings.arming or time <= self._armed_until:
            self._armed_until = time + self._settings.armed_for

    def ended(self, gesture: str, hand: Hand, time: float) -> None:
        """Take note that a hand ended a gesture: its refractory time begins."""
        self._ends[gesture, hand.id] = time

    def forget(self, hand_id: int) -> None:
        """Drop what is kept of a hand that is gone."""
        self._ends = {key: time for key, time in self._ends.items() if key[1] != hand_id}

    def _hand_block(
        self, gesture: str, rules: GestureRules, hand: Hand, time: float, picture: Size | None
    ) -> Block | None:
        if rules.side not in ("any", hand.handedness):
            return Block(gesture, "side", hand.handedness, rules.side)
        if rules.zone and not _lies_in(rules.zone, place := _place(hand, picture)):
            return Block(gesture, "zone", place, rules.zone)
        since = time - self._ends.get((gesture, hand.id), float("-inf"))
        if since < rules.refractory - TICK:
            return Block(gesture, "refractory", since, rules.refractory)
        return None

    def _is_armed(self, gesture: str, time: float) -> bool:
        arming = self._settings.arming
        return self._static or arming in (None, gesture) or time <= self._armed_until


def _place(hand: Hand, picture: Size | None) -> tuple[float, float]:
    """Return where the palm's middle is, in shares of the picture."""
    if picture is None:
        raise ValueError("a gesture has a zone: say what picture the hands lie in")
    x, y = hand.landmarks[_PALM, :2].mean(axis=0).tolist()
    return x / picture[0], y / picture[1]


def _lies_in(zone: tuple[float, float, float, float], place: tuple[float, float]) -> bool:
    left, top, right, bottom = zone
    return left <= place[0] <= right and top <= place[1] <= bottom

"""When a pose has become a gesture and when it has stopped being one: delays and hysteresis.

Pure: poses and times in, beginnings and ends out. One `GestureHolder` follows one hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgehands.settings import TICK, GestureRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.gestures.poses import PoseScore

_DEFAULT_RULES = GestureRules()


@dataclass(frozen=True, slots=True)
class Change:
    """A gesture began or ended."""

    phase: Literal["start", "end"]
    gesture: str
    score: float


class GestureHolder:
    """Follows the poses of one hand.

    A pose starts its gesture once it was held for `enter_delay`. The gesture ends when another one
    starts, or when its pose has been away for `exit_delay`; shorter gaps do not end it.

    Args:
        rules: per gesture; one without an entry has the defaults.
    """

    def __init__(self, rules: Mapping[str, GestureRules]) -> None:
        self._rules = rules
        self._held: PoseScore | None = None
        self._held_until = 0.0  # when the held gesture's pose was last seen
        self._shown: str | None = None
        self._shown_since = 0.0

    @property
    def gesture(self) -> str | None:
        """The gesture that has started and not ended."""
        return self._held.gesture if self._held else None

    def update(self, pose: PoseScore | None, time: float) -> list[Change]:
        """Take the pose seen at `time` (seconds, rising), or None, and return what changed."""
        pose = self._allowed(pose)
        shown = pose.gesture if pose else None
        if shown != self._shown:
            self._shown, self._shown_since = shown, time
        if pose is not None and shown == self.gesture:
            self._held, self._held_until = pose, time
            return []
        ripe = pose is not None and self._is_ripe(pose, time)
        changes = self.end() if ripe or self._is_over(time) else []
        if pose is not None and ripe:
            self._held, self._held_until = pose, time
            changes.append(Change("start", pose.gesture, pose.score))
        return changes

    def end(self) -> list[Change]:
        """End what is held, as when the hand leaves."""
        if self._held is None:
            return []
        change = Change("end", self._held.gesture, self._held.score)
        self._held = None
        return [change]

    def _allowed(self, pose: PoseScore | None) -> PoseScore | None:
        if pose is None:
            return None
        rules = self._rules_of(pose.gesture)
        return pose if rules.enabled and pose.score >= rules.min_score else None

    def _is_ripe(self, pose: PoseScore, time: float) -> bool:
        return time - self._shown_since >= self._rules_of(pose.gesture).enter_delay - TICK

    def _is_over(self, time: float) -> bool:
        if self._held is None:
            return False
        return time - self._held_until >= self._rules_of(self._held.gesture).exit_delay - TICK

    def _rules_of(self, gesture: str) -> GestureRules:
        return self._rules.get(gesture, _DEFAULT_RULES)

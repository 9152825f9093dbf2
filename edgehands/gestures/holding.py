"""When a pose has become a gesture, how long it lasts, and when it has stopped being one.

Pure: poses and times in, beginnings and ends out. One `GestureHolder` follows one hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.gestures.change import Change
from edgehands.gestures.gates import Block
from edgehands.gestures.steadiness import Steadiness
from edgehands.settings import TICK

if TYPE_CHECKING:
    from edgehands.gestures.gates import Gates, Size
    from edgehands.gestures.poses import PoseScore
    from edgehands.hand import Hand


_CERTAIN, _LEAST_CERTAIN = 0.8, 0.6
"""The score from which on the time of a pose counts in full, and how much of it at 0.5.

On two tuning seeds: of what hands without a meaning seem to hold for `enter_delay`, more than half
is gone; what is meant is found as often as before. A share of less costs gestures of real clips."""


class GestureHolder:
    """Follows the poses of one hand.

    A pose starts its gesture once it was held for `enter_delay` by a still hand with no gate
    closed, or for longer, the less certain it is. The gesture ends when another one starts, or when
    its pose has been away for `exit_delay`; shorter gaps do not end it.

    Args:
        gates: the rules, and what the hands of a stream have in common.
    """

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self._steadiness = Steadiness()
        self._held: PoseScore | None = None
        self._held_since = 0.0
        self._held_until = 0.0  # when the held gesture's pose was last seen
        self._next_hold = 0.0
        self._shown: str | None = None
        self._shown_until = 0.0
        self._shown_for = 0.0  # seconds, those in doubt in part
        self.block: Block | None = None
        """Why the pose of the latest update has not started its gesture; None if it has, or if
        there was no pose."""

    @property
    def gesture(self) -> str | None:
        """The gesture that has started and not ended."""
        return self._held.gesture if self._held else None

    def update(
        self,
        pose: PoseScore | None,
        hand: Hand,
        time: float,
        picture: Size | None = None,
        *,
        may_start: bool = True,
    ) -> list[Change]:
        """Take the pose seen at `time` (seconds, rising), or None, and return what changed.

        Args:
            pose: the hand's best pose.
            hand: whose it is.
            time: now.
            picture: what the hand's pixels lie in.
            may_start: False lets no gesture start yet, as while the hand has not entered.
        """
        speed = self._steadiness.update(hand, time)
        pose = self._counting(pose, hand, time, picture)
        if pose is not None and pose.gesture != self.gesture:
            pose = self._still(pose, speed)
        shown = pose.gesture if pose else None
        self._count(pose, time)
        if pose is not None and shown == self.gesture:
            self._held, self._held_until = pose, time
            return self._hold(pose, hand, time)
        ripe = pose is not None and self._is_ripe(pose) and may_start
        changes = self.end(hand, time) if ripe or self._is_over(time) else []
        if pose is not None and ripe:
            changes.append(self._start(pose, hand, time))
        return changes

    def end(self, hand: Hand, time: float) -> list[Change]:
        """End what is held, as when the hand leaves."""
        if self._held is None:
            return []
        gesture, score = self._held.gesture, self._held.score
        self._held = None
        self._gates.ended(gesture, hand, time)
        return [Change("end", gesture, score, (hand,), self._held_until - self._held_since)]

    def _counting(
        self, pose: PoseScore | None, hand: Hand, time: float, picture: Size | None
    ) -> PoseScore | None:
        """Return the pose if nothing but time keeps it from being its gesture."""
        self.block = None
        if pose is None:
            return None
        if pose.gesture == self.gesture:
            rules = self._gates.rules(pose.gesture)
            return pose if pose.score >= rules.min_score else None
        self.block = self._gates.block(pose.gesture, pose.score, (hand,), time, picture)
        return None if self.block else pose

    def _still(self, pose: PoseScore, speed: float) -> PoseScore | None:
        """Return the pose if the hand is slow enough for it to start."""
        fastest = self._gates.rules(pose.gesture).max_speed
        if speed <= fastest:
            return pose
        self.block = Block(pose.gesture, "max_speed", speed, fastest)
        return None

    def _count(self, pose: PoseScore | None, time: float) -> None:
        """Add the time since the pose was last seen to how long it has been shown."""
        shown = pose.gesture if pose else None
        if pose is None or shown != self._shown:
            self._shown_for = 0.0
        else:
            self._shown_for += (time - self._shown_until) * _certainty(pose.score)
        self._shown, self._shown_until = shown, time

    def _is_ripe(self, pose: PoseScore) -> bool:
        held = self._shown_for
        delay = self._gates.rules(pose.gesture).enter_delay
        if held >= delay - TICK:
            return True
        self.block = Block(pose.gesture, "enter_delay", held, delay)
        return False

    def _is_over(self, time: float) -> bool:
        if self._held is None:
            return False
        return time - self._held_until >= self._gates.rules(self._held.gesture).exit_delay - TICK

    def _start(self, pose: PoseScore, hand: Hand, time: float) -> Change:
        self._held, self._held_since, self._held_until = pose, time, time
        self._next_hold = time + self._gates.rules(pose.gesture).hold_interval
        self._gates.went_on(pose.gesture, time)
        return Change("start", pose.gesture, pose.score, (hand,))

    def _hold(self, pose: PoseScore, hand: Hand, time: float) -> list[Change]:
        self._gates.went_on(pose.gesture, time)
        interval = self._gates.rules(pose.gesture).hold_interval
        if not interval or time < self._next_hold - TICK:
            return []
        # What a gap between frames has missed is not made up for.
        self._next_hold += interval * ((time + TICK - self._next_hold) // interval + 1)
        return [Change("hold", pose.gesture, pose.score, (hand,), time - self._held_since)]


def _certainty(score: float) -> float:
    """Return which share of a moment counts."""
    share = _LEAST_CERTAIN + (1 - _LEAST_CERTAIN) * (score - 0.5) / (_CERTAIN - 0.5)
    return min(max(share, _LEAST_CERTAIN), 1.0)

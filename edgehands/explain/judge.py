"""What becomes of a hand's pose in one frame, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.errors import UsageError
from edgehands.explain.spans import Need, Span, Verdict, need_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.gestures.gates import Block
    from edgehands.gestures.poses import PoseExplanation
    from edgehands.hand import Hand
    from edgehands.interpreter import Interpreter
    from edgehands.settings import GestureRules

_NEARLY = 0.1  # below, a pose is not worth a word

_RULES = {
    "enabled": "switched off",
    "side": "the other hand's",
    "zone": "outside of its zone",
    "arming": "waits for the arming gesture",
    "refractory": "too soon after its end",
    "max_speed": "the hand moves",
}


class Judge:
    """Says of one frame's hands what their poses lack.

    Args:
        interpreter: whose poses; its events are not looked at.
        rules: of a gesture by its name.
        gesture: speak of this one only; None speaks of the best of each moment.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        rules: Callable[[str], GestureRules],
        gesture: str | None = None,
    ) -> None:
        self._interpreter = interpreter
        self._rules = rules
        self._gesture = gesture

    def span(self, hand: Hand, shown: str | None, block: Block | None, time: float) -> Span:
        """Return what becomes of a hand's pose in one frame.

        Args:
            hand: as the tracker returned it.
            shown: the gesture that it is in.
            block: what keeps its pose from being a gesture.
            time: of the frame, seconds.

        Raises:
            UsageError: the gesture to speak of is switched off.
        """
        best = self._interpreter.pose(hand)
        gesture = self._gesture or (best.gesture if best else shown) or self._nearest(hand)
        poses = self._interpreter.explain(hand, gesture)
        if not poses:
            raise UsageError(f"{gesture} is switched off: enable it to have it explained")
        (pose,) = poses
        counts = best is not None and best.gesture == pose.gesture
        verdict, reason, needs = self._verdict(pose, shown, block, counts=counts)
        if self._gesture and best and not counts and verdict == "torn":
            reason = f"{best.gesture} is seen instead"
        return Span(
            begin=time,
            end=time,
            frames=1,
            hand=hand.id,
            side=hand.handedness,
            verdict=verdict,
            gesture=pose.gesture,
            scores=(pose.score, pose.score),
            reason=reason,
            needs=needs,
        )

    def _nearest(self, hand: Hand) -> str:
        scores = self._interpreter.scores(hand)
        counting = [each for each in scores if self._rules(each.gesture).enabled]
        return max(counting or scores, key=lambda each: each.score).gesture

    def _verdict(
        self, pose: PoseExplanation, shown: str | None, block: Block | None, *, counts: bool
    ) -> tuple[Verdict, str, list[Need]]:
        conditions = [need_of(condition) for condition in pose.conditions]
        if shown == pose.gesture:
            return ("shown" if counts else "fading"), "", conditions
        if counts:
            return self._hold_up(block, conditions)
        if pose.score >= self._rules(pose.gesture).min_score:
            return "torn", "another pose is seen as well", conditions
        return ("short" if pose.score >= _NEARLY or self._gesture else "nothing"), "", conditions

    def _hold_up(
        self, block: Block | None, conditions: list[Need]
    ) -> tuple[Verdict, str, list[Need]]:
        """Say what keeps a pose that counts from being its gesture."""
        if block is None:
            return "waiting", "the hand has only just come", conditions
        if block.rule == "enter_delay":
            return "waiting", "held", [_rule_need(block)]
        reason = _RULES.get(block.rule, block.rule)
        if block.rule in ("refractory", "max_speed"):
            return "blocked", reason, [_rule_need(block)]
        return "blocked", f"{reason}{_told(block)}", conditions


def _rule_need(block: Block) -> Need:
    assert isinstance(block.measured, float)  # noqa: S101 (for the type checker)
    assert isinstance(block.needed, float)  # noqa: S101
    moves = block.rule == "max_speed"
    return Need(
        what=block.rule,
        measure="speed" if moves else "seconds",
        low=block.measured,
        high=block.measured,
        needed=(None, block.needed) if moves else (block.needed, None),
        unit="palms/s" if moves else "s",
        degree=0.0,
    )


def _told(block: Block) -> str:
    if block.rule == "side":
        return f": {block.measured}, needs {block.needed}"
    if block.rule == "arming":
        return f" {block.needed}"
    return f": needs {list(block.needed)}" if isinstance(block.needed, tuple) else ""

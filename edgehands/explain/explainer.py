"""Follows hands as a run does and says what becomes of each one's pose, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.errors import UsageError
from edgehands.explain.spans import Need, Span, Verdict, need_of
from edgehands.replay import interpreter_of
from edgehands.settings import GestureRules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.events import Event
    from edgehands.gestures.gates import Block, Size
    from edgehands.gestures.poses import PoseExplanation
    from edgehands.hand import Hand
    from edgehands.recording import Header

_NEARLY = 0.1  # below, a pose is not worth a word

_RULES = {
    "enabled": "switched off",
    "side": "the other hand's",
    "zone": "outside of its zone",
    "arming": "waits for the arming gesture",
    "refractory": "too soon after its end",
    "max_speed": "the hand moves",
}


class Explainer:
    """Explains one stream of hands.

    Args:
        header: with the gestures and their rules.
        gesture: speak of this one only; None speaks of the best of each moment.
    """

    def __init__(self, header: Header, gesture: str | None = None) -> None:
        self._interpreter = interpreter_of(header)
        self._header = header
        self._gesture = gesture
        self._open: dict[int, Span] = {}

    def update(
        self, hands: Sequence[Hand], time: float, ts: float, picture: Size
    ) -> tuple[list[Span], list[Event]]:
        """Take a frame's hands; return what has come to an end, and the frame's events."""
        events = self._spoken_of(self._interpreter.update(hands, time, ts, picture))
        shown = self._interpreter.gestures(hands)
        gone = self._open.keys() - {hand.id for hand in hands}
        ended = [self._open.pop(id_) for id_ in sorted(gone)]
        for hand in hands:
            span = self._explain(hand, shown.get(hand.id), time)
            last = self._open.get(hand.id)
            if last is not None and span.follows(last, closely=self._gesture is not None):
                last.absorb(span)
                continue
            if last is not None:
                ended.append(last)
            self._open[hand.id] = span
        return ended, events

    def finish(self, ts: float) -> tuple[list[Span], list[Event]]:
        """End everything, as when the stream ends."""
        spans = [*self._open.values()]
        self._open.clear()
        return spans, self._spoken_of(self._interpreter.finish(ts))

    def _spoken_of(self, events: list[Event]) -> list[Event]:
        return [event for event in events if self._gesture in (None, event.gesture)]

    def _explain(self, hand: Hand, shown: str | None, time: float) -> Span:
        poses = {pose.gesture: pose for pose in self._interpreter.explain(hand)}
        best = self._interpreter.pose(hand)
        if self._gesture is not None:
            if self._gesture not in poses:
                raise UsageError(f"{self._gesture} is switched off: enable it to have it explained")
            pose = poses[self._gesture]
        elif best is not None:
            pose = poses[best.gesture]
        elif shown is not None:
            pose = poses[shown]
        else:
            pose = max(poses.values(), key=lambda each: each.score)
        counts = best is not None and best.gesture == pose.gesture
        verdict, reason, needs = self._judge(hand, pose, shown, counts=counts)
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

    def _judge(
        self, hand: Hand, pose: PoseExplanation, shown: str | None, *, counts: bool
    ) -> tuple[Verdict, str, list[Need]]:
        conditions = [need_of(condition) for condition in pose.conditions]
        if shown == pose.gesture:
            return ("shown" if counts else "fading"), "", conditions
        if counts:
            return self._hold_up(self._interpreter.block(hand), conditions)
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

    def _rules(self, gesture: str) -> GestureRules:
        return self._header.gestures.get(gesture, GestureRules())


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

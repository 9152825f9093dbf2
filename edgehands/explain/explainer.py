"""Follows hands as a run does and says what becomes of each one's pose, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.explain.attempts import Missed
from edgehands.explain.judge import Judge
from edgehands.gestures.motions import MOTIONS
from edgehands.replay import interpreter_of
from edgehands.settings import GestureRules
from edgehands.steering import take_over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgehands.events import Event
    from edgehands.explain.spans import Span
    from edgehands.gestures.gates import Size
    from edgehands.gestures.motions import Attempt
    from edgehands.hand import Hand
    from edgehands.recording import Change, Header


_NEARLY = 0.01  # below, nobody meant the motion


class Explainer:
    """Explains one stream of hands.

    Args:
        header: with the gestures and their rules.
        gesture: speak of this one only; None speaks of the best pose of each moment and of motions
            that were nearly made.
    """

    def __init__(self, header: Header, gesture: str | None = None) -> None:
        self._interpreter = interpreter_of(header)
        self._judge = Judge(self._interpreter, self._rules, gesture)
        self._held: Mapping[str, GestureRules] = header.gestures
        self._gesture = gesture
        self._open: dict[int, Span] = {}

    def update(
        self, hands: Sequence[Hand], time: float, ts: float, picture: Size
    ) -> tuple[list[Span], list[Event], list[Missed]]:
        """Take a frame's hands; return what has come to an end, and the frame's events.

        And the motions that might have been made and were not.
        """
        events = self._spoken_of(self._interpreter.update(hands, time, ts, picture))
        spans = [] if self._gesture in MOTIONS else self._spans(hands, time)
        return spans, events, self._missed(hands, time)

    def _missed(self, hands: Sequence[Hand], time: float) -> list[Missed]:
        known = {hand.id: hand for hand in hands}
        return [
            Missed.of(attempt, known[attempt.hand], time)
            for attempt in self._interpreter.attempts()
            if attempt.hand in known and self._is_worth_a_word(attempt)
        ]

    def _is_worth_a_word(self, attempt: Attempt) -> bool:
        if self._gesture is None:
            return attempt.score >= _NEARLY
        return attempt.gesture == self._gesture

    def _spans(self, hands: Sequence[Hand], time: float) -> list[Span]:
        shown = self._interpreter.gestures(hands)
        gone = self._open.keys() - {hand.id for hand in hands}
        ended = [self._open.pop(id_) for id_ in sorted(gone)]
        for hand in hands:
            block = self._interpreter.block(hand)
            span = self._judge.span(hand, shown.get(hand.id), block, time)
            last = self._open.get(hand.id)
            if last is not None and span.follows(last, closely=self._gesture is not None):
                last.absorb(span)
                continue
            if last is not None:
                ended.append(last)
            self._open[hand.id] = span
        return ended

    def take_over(self, change: Change) -> None:
        """Let what the run was told meanwhile hold from the next frame on."""
        take_over(self._interpreter, change)
        self._held = change.rules

    def finish(self, ts: float) -> tuple[list[Span], list[Event], list[Missed]]:
        """End everything, as when the stream ends, or is interrupted."""
        spans = [*self._open.values()]
        self._open.clear()
        return spans, self._spoken_of(self._interpreter.finish(ts)), []

    def _spoken_of(self, events: list[Event]) -> list[Event]:
        return [event for event in events if self._gesture in (None, event.gesture)]

    def _rules(self, gesture: str) -> GestureRules:
        return self._held.get(gesture, GestureRules())

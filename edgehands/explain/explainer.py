"""Follows hands as a run does and says what becomes of each one's pose, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.explain.judge import Judge
from edgehands.replay import interpreter_of
from edgehands.settings import GestureRules
from edgehands.steering import take_over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgehands.events import Event
    from edgehands.explain.spans import Span
    from edgehands.gestures.gates import Size
    from edgehands.hand import Hand
    from edgehands.recording import Change, Header


class Explainer:
    """Explains one stream of hands.

    Args:
        header: with the gestures and their rules.
        gesture: speak of this one only; None speaks of the best of each moment.
    """

    def __init__(self, header: Header, gesture: str | None = None) -> None:
        self._interpreter = interpreter_of(header)
        self._judge = Judge(self._interpreter, self._rules, gesture)
        self._held: Mapping[str, GestureRules] = header.gestures
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
            block = self._interpreter.block(hand)
            span = self._judge.span(hand, shown.get(hand.id), block, time)
            last = self._open.get(hand.id)
            if last is not None and span.follows(last, closely=self._gesture is not None):
                last.absorb(span)
                continue
            if last is not None:
                ended.append(last)
            self._open[hand.id] = span
        return ended, events

    def take_over(self, change: Change) -> None:
        """Let what the run was told meanwhile hold from the next frame on."""
        take_over(self._interpreter, change)
        self._held = change.rules

    def finish(self, ts: float) -> tuple[list[Span], list[Event]]:
        """End everything, as when the stream ends, or is interrupted."""
        spans = [*self._open.values()]
        self._open.clear()
        return spans, self._spoken_of(self._interpreter.finish(ts))

    def _spoken_of(self, events: list[Event]) -> list[Event]:
        return [event for event in events if self._gesture in (None, event.gesture)]

    def _rules(self, gesture: str) -> GestureRules:
        return self._held.get(gesture, GestureRules())

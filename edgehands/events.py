"""Hands and poses over time → events with a beginning and an end. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from edgehands.gestures.holding import GestureHolder
from edgehands.hand import Handedness  # noqa: TC001 (msgspec reads it at run time)
from edgehands.settings import TICK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgehands.gestures.holding import Change
    from edgehands.gestures.poses import PoseScore
    from edgehands.hand import Hand
    from edgehands.settings import GestureRules

Phase = Literal["enter", "leave", "start", "end"]

HAND_ENTER_DELAY = 0.1
"""Seconds a hand must be seen before it counts as having entered."""


class EventHand(msgspec.Struct, frozen=True):
    """Which hand an event is about."""

    id: int
    side: Handedness


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event, as every output sends it. Version 1 of the schema."""

    event_type: str
    """The bare gesture for its start, so that an automation fires once; `thumb_up_end` for its
    end; `hand_enter` and `hand_leave`."""
    gesture: str | None
    phase: Phase
    hand: EventHand
    score: float
    """Of the pose, or for enter and leave of the hand's presence; 0 to 1."""
    camera: str
    seq: int
    """Rises by one with each event of this run: a gap shows a loss."""
    id: str
    """Unique, and sorted by time."""
    ts: float
    """Seconds since 1970 at capture; for a file, seconds from its beginning."""
    age_ms: float | None = None
    """From capture to emission, filled in by the output; null for a file."""
    version: int = 1


@dataclass(slots=True)
class _Visit:
    """One hand from its first frame to its last."""

    hand: Hand
    since: float
    holder: GestureHolder
    entered: bool = False


class EventMaker:
    """Turns each frame's hands and poses into events.

    Args:
        camera: name put into each event.
        run: a sortable word, unique to this run; event ids are made of it and the sequence number.
        rules: per gesture; one without an entry has the defaults. It may change between frames.
        enter_delay: seconds a hand must be seen before `hand_enter`; 0 for single images.
    """

    def __init__(
        self,
        camera: str,
        run: str,
        rules: Mapping[str, GestureRules] | None = None,
        enter_delay: float = HAND_ENTER_DELAY,
    ) -> None:
        self._camera = camera
        self._run = run
        self._rules: Mapping[str, GestureRules] = {} if rules is None else rules
        self._enter_delay = enter_delay
        self._visits: dict[int, _Visit] = {}
        self._seq = 0

    def update(
        self, hands: Sequence[Hand], poses: Sequence[PoseScore | None], time: float, ts: float
    ) -> list[Event]:
        """Take a frame's hands, and each one's pose, and return what has begun or ended.

        Args:
            hands: as the tracker returned them.
            poses: for each hand its best pose, or None.
            time: of the frame, seconds.
            ts: the time to write into events, seconds.
        """
        seen = {hand.id for hand in hands}
        gone = [visit for id_, visit in self._visits.items() if id_ not in seen]
        events = [event for visit in gone for event in self._leave(visit, ts)]
        for hand, pose in zip(hands, poses, strict=True):
            visit = self._visits.get(hand.id)
            if visit is None:
                visit = self._visits[hand.id] = _Visit(hand, time, GestureHolder(self._rules))
            visit.hand = hand
            events += self._follow(visit, pose, time, ts)
        return events

    def gesture(self, hand_id: int) -> str | None:
        """Return the gesture that a hand is in, for drawings and states."""
        visit = self._visits.get(hand_id)
        return visit.holder.gesture if visit else None

    def finish(self, ts: float) -> list[Event]:
        """End everything that is under way, as when the stream ends."""
        return [event for visit in list(self._visits.values()) for event in self._leave(visit, ts)]

    def _follow(self, visit: _Visit, pose: PoseScore | None, time: float, ts: float) -> list[Event]:
        events = []
        if not visit.entered and time - visit.since >= self._enter_delay - TICK:
            visit.entered = True
            events.append(self._hand_event("enter", visit.hand, ts))
        if visit.entered:
            events += self._gesture_events(visit.holder.update(pose, time), visit.hand, ts)
        return events

    def _leave(self, visit: _Visit, ts: float) -> list[Event]:
        del self._visits[visit.hand.id]
        if not visit.entered:
            return []
        ends = self._gesture_events(visit.holder.end(), visit.hand, ts)
        return [*ends, self._hand_event("leave", visit.hand, ts)]

    def _hand_event(self, phase: Literal["enter", "leave"], hand: Hand, ts: float) -> Event:
        return self._event(f"hand_{phase}", None, phase, hand, hand.presence, ts)

    def _gesture_events(self, changes: Sequence[Change], hand: Hand, ts: float) -> list[Event]:
        return [
            self._event(
                change.gesture if change.phase == "start" else f"{change.gesture}_{change.phase}",
                change.gesture,
                change.phase,
                hand,
                change.score,
                ts,
            )
            for change in changes
        ]

    def _event(
        self,
        event_type: str,
        gesture: str | None,
        phase: Phase,
        hand: Hand,
        score: float,
        ts: float,
    ) -> Event:
        self._seq += 1
        return Event(
            event_type=event_type,
            gesture=gesture,
            phase=phase,
            hand=EventHand(hand.id, hand.handedness),
            score=round(score, 3),
            camera=self._camera,
            seq=self._seq,
            id=f"{self._run}-{self._seq:08d}",
            ts=round(ts, 3),
        )

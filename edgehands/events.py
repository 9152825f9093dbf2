"""Hands and gestures over time → events with a beginning and an end. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

import msgspec
from msgspec import UNSET, UnsetType

from edgehands.gestures.gates import Gates
from edgehands.gestures.holding import GestureHolder
from edgehands.gestures.streaming import MotionFollower
from edgehands.hand import Handedness  # noqa: TC001 (msgspec reads it at run time)
from edgehands.settings import TICK, EventSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgehands.gestures.change import Change
    from edgehands.gestures.gates import Block, Size
    from edgehands.gestures.motions import Motion
    from edgehands.gestures.poses import PoseScore
    from edgehands.hand import Hand
    from edgehands.settings import GestureRules

Phase = Literal["enter", "leave", "start", "hold", "end", "value"]


class EventHand(msgspec.Struct, frozen=True):
    """Which hand an event is about."""

    id: int
    side: Handedness


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event, as every output sends it. Version 1 of the schema."""

    event_type: str
    """The bare gesture for its start, so that an automation fires once; `thumb_up_hold`,
    `thumb_up_end` and `knob_value` for what comes after; `hand_enter` and `hand_leave`."""
    gesture: str | None
    phase: Phase
    hand: EventHand
    score: float
    """Of the pose or motion, or for enter and leave of the hand's presence; 0 to 1."""
    camera: str
    seq: int
    """Rises by one with each event of this run, values included: a gap shows a loss, or that values
    were left out, as they are where they come too fast."""
    id: str
    """Unique, and sorted by time."""
    ts: float
    """Seconds since 1970 at capture; for a file, seconds from its beginning."""
    age_ms: float | None = None
    """From capture to emission, filled in by the output; null for a file."""
    version: int = 1
    duration: float | UnsetType = UNSET
    """With hold and end: seconds from the start until the gesture was last seen."""
    number: int | UnsetType = UNSET
    """What the gesture counts in the configured culture; left out for one that counts nothing."""
    value: dict[str, float] | UnsetType = UNSET
    """Of a gesture that streams one: what it measures now, by name."""
    other_hand: EventHand | UnsetType = UNSET
    """The second hand of a gesture that takes two."""


@dataclass(slots=True)
class _Visit:
    """One hand from its first frame to when it has been missing for too long."""

    hand: Hand
    since: float
    until: float
    """When it was last seen."""
    holder: GestureHolder
    entered: bool = False


class EventMaker:
    """Turns each frame's hands, poses and motions into events.

    Args:
        camera: name put into each event.
        run: a sortable word, unique to this run; event ids are made of it and the sequence number.
        rules: per gesture; one without an entry has the defaults.
        settings: what holds for all gestures together.
        numbers: what gestures count, by their names.
        static: each image stands alone, so nothing waits for a second one.
    """

    def __init__(
        self,
        camera: str,
        run: str,
        rules: Mapping[str, GestureRules] | None = None,
        settings: EventSettings | None = None,
        *,
        numbers: Mapping[str, int] | None = None,
        static: bool = False,
    ) -> None:
        settings = settings or EventSettings()
        self._camera = camera
        self._run = run
        self._gates = Gates(rules or {}, settings, static=static)
        self._numbers = dict(numbers or {})
        self._enter_delay = 0.0 if static else settings.enter_delay
        self._leave_delay = 0.0 if static else settings.leave_delay
        self._visits: dict[int, _Visit] = {}
        self._motions = MotionFollower(self._gates)
        self._seq = 0

    def set_rules(self, rules: Mapping[str, GestureRules]) -> None:
        """Let other rules hold from the next frame on."""
        self._gates.set_rules(rules)

    def update(
        self,
        hands: Sequence[Hand],
        poses: Sequence[PoseScore | None],
        time: float,
        ts: float,
        motions: Sequence[Motion] = (),
        picture: Size | None = None,
    ) -> list[Event]:
        """Take what a frame shows and return what has begun, lasts or has ended.

        Args:
            hands: as the tracker returned them.
            poses: for each hand its best pose, or None.
            time: of the frame, seconds.
            ts: the time to write into events, seconds.
            motions: as the motion reader returned them.
            picture: the frame's width and height, which rules with a zone need.
        """
        seen = {hand.id for hand in hands}
        missing = [visit for id_, visit in self._visits.items() if id_ not in seen]
        events = [
            event
            for visit in missing
            if time - visit.until >= self._leave_delay - TICK
            for event in self._leave(visit, time, ts)
        ]
        for hand, pose in zip(hands, poses, strict=True):
            visit = self._visits.get(hand.id)
            if visit is None:
                visit = _Visit(hand, time, time, GestureHolder(self._gates))
                self._visits[hand.id] = visit
            visit.hand, visit.until = hand, time
            events += self._follow(visit, pose, time, ts, picture)
        if motions:
            events += self._follow_motions(motions, time, ts, picture)
        return events

    def gesture(self, hand_id: int) -> str | None:
        """Return the pose's gesture that a hand is in, for drawings and states."""
        visit = self._visits.get(hand_id)
        return visit.holder.gesture if visit else None

    def block(self, hand_id: int) -> Block | None:
        """Return what keeps a hand's pose from being a gesture now, for explanations."""
        visit = self._visits.get(hand_id)
        return visit.holder.block if visit else None

    def finish(self, ts: float) -> list[Event]:
        """End everything that is under way, as when the stream ends."""
        visits = list(self._visits.values())
        return [event for visit in visits for event in self._leave(visit, visit.until, ts)]

    def _follow(
        self, visit: _Visit, pose: PoseScore | None, time: float, ts: float, picture: Size | None
    ) -> list[Event]:
        events = []
        if not visit.entered and time - visit.since >= self._enter_delay - TICK:
            visit.entered = True
            events.append(self._hand_event("enter", visit.hand, ts))
        changes = visit.holder.update(pose, visit.hand, time, picture, may_start=visit.entered)
        return events + self._gesture_events(changes, ts)

    def _follow_motions(
        self, motions: Sequence[Motion], time: float, ts: float, picture: Size | None
    ) -> list[Event]:
        entered = {id_: visit.hand for id_, visit in self._visits.items() if visit.entered}
        changes = [
            change
            for motion in motions
            for change in self._motions.update(motion, entered, time, picture)
        ]
        return self._gesture_events(changes, ts)

    def _leave(self, visit: _Visit, time: float, ts: float) -> list[Event]:
        del self._visits[visit.hand.id]
        if not visit.entered:
            return []
        ends = [*self._motions.end(visit.hand.id, time), *visit.holder.end(visit.hand, time)]
        self._gates.forget(visit.hand.id)
        return [*self._gesture_events(ends, ts), self._hand_event("leave", visit.hand, ts)]

    def _hand_event(self, phase: Literal["enter", "leave"], hand: Hand, ts: float) -> Event:
        return Event(
            event_type=f"hand_{phase}",
            gesture=None,
            phase=phase,
            hand=_who(hand),
            score=round(hand.presence, 3),
            **self._common(ts),
        )

    def _gesture_events(self, changes: Sequence[Change], ts: float) -> list[Event]:
        return [self._gesture_event(change, ts) for change in changes]

    def _gesture_event(self, change: Change, ts: float) -> Event:
        gesture, phase = change.gesture, change.phase
        hand, *others = change.hands
        return Event(
            event_type=gesture if phase == "start" else f"{gesture}_{phase}",
            gesture=gesture,
            phase=phase,
            hand=_who(hand),
            score=round(change.score, 3),
            duration=UNSET if change.duration is None else round(change.duration, 3),
            number=self._numbers.get(gesture, UNSET),
            value=_rounded(change.value),
            other_hand=_who(others[0]) if others else UNSET,
            **self._common(ts),
        )

    def _common(self, ts: float) -> _Common:
        self._seq += 1
        return {
            "camera": self._camera,
            "seq": self._seq,
            "id": f"{self._run}-{self._seq:08d}",
            "ts": round(ts, 3),
        }


class _Common(TypedDict):
    """What all events of a run have."""

    camera: str
    seq: int
    id: str
    ts: float


def _who(hand: Hand) -> EventHand:
    return EventHand(hand.id, hand.handedness)


def _rounded(value: Mapping[str, float] | None) -> dict[str, float] | UnsetType:
    if value is None:
        return UNSET
    return {name: round(number, 4) for name, number in value.items()}

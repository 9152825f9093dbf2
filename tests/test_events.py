"""Hands and poses over time become events with a beginning and an end.

Times are in sixteenths of a second, which a float holds exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgehands.events import Event, EventMaker
from edgehands.gestures.motions import Motion
from edgehands.gestures.poses import PoseScore
from edgehands.hand import Hand, Handedness, Roi
from edgehands.settings import EventSettings, GestureRules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.gestures.motions.motion import MotionPhase

TICK = 1 / 16
RULES = {
    name: GestureRules(enter_delay=TICK, exit_delay=TICK, refractory=0)
    for name in ("fist", "victory")
}


def hand(id_: int = 1, side: Handedness = "right", presence: float = 0.75) -> Hand:
    points = np.zeros((21, 3), np.float32)
    return Hand(id_, points, points, presence, side, 0.9, Roi(0, 0, 1, 0))


class Play:
    """Feeds an event maker one tick at a time and keeps what it said."""

    def __init__(
        self,
        enter_delay: float = 2 * TICK,
        leave_delay: float = 0.0,
        rules: dict[str, GestureRules] | None = None,
    ) -> None:
        settings = EventSettings(enter_delay=enter_delay, leave_delay=leave_delay)
        self.maker = EventMaker("bench", "run", {**RULES, **(rules or {})}, settings)
        self.events: list[Event] = []
        self.tick = 0

    def show(
        self, ticks: int, *hands: Hand, gestures: Sequence[str | None] = (), score: float = 0.9
    ) -> Play:
        """Show these hands, each in its gesture, for some ticks."""
        shown = [*gestures, *[None] * (len(hands) - len(gestures))]
        poses = [PoseScore(name, score) if name else None for name in shown]
        for _ in range(ticks):
            time = self.tick * TICK
            self.events += self.maker.update(hands, poses, time, ts=1000 + time)
            self.tick += 1
        return self

    def move(self, *motions: Motion, hands: Sequence[Hand]) -> Play:
        """Show these hands for a tick in which they make these motions."""
        time = self.tick * TICK
        none = [None] * len(hands)
        self.events += self.maker.update(hands, none, time, 1000 + time, motions)
        self.tick += 1
        return self

    @property
    def story(self) -> list[tuple[float, str, int]]:
        """(tick, event type, hand) of everything said."""
        return [
            (round((event.ts - 1000) / TICK, 1), event.event_type, event.hand.id)
            for event in self.events
        ]

    @property
    def types(self) -> list[str]:
        return [event.event_type for event in self.events]


def test_a_hand_enters_after_a_moment_and_leaves() -> None:
    play = Play().show(5, hand()).show(2)
    assert [(round(tick, 1), type_) for tick, type_, _ in play.story] == [
        (2, "hand_enter"),
        (5, "hand_leave"),
    ]


def test_a_hand_seen_too_shortly_makes_no_events() -> None:
    assert Play().show(2, hand(), gestures=["fist"]).show(3).events == []


def test_without_a_delay_a_hand_enters_in_its_first_frame() -> None:
    assert Play(enter_delay=0).show(1, hand()).types == ["hand_enter"]


def test_the_default_delay_keeps_out_a_hand_of_a_single_frame() -> None:
    maker = EventMaker("bench", "run")
    assert maker.update([hand()], [None], 0.0, 0.0) == []
    assert len(maker.update([hand()], [None], EventSettings().enter_delay, 0.0)) == 1


def test_a_gesture_starts_and_ends_within_the_hands_visit() -> None:
    play = Play().show(4).show(6, hand(), gestures=["fist"]).show(4, hand()).show(1)
    assert play.types == ["hand_enter", "fist", "fist_end", "hand_leave"]
    assert [event.phase for event in play.events] == ["enter", "start", "end", "leave"]
    assert [event.gesture for event in play.events] == [None, "fist", "fist", None]


def test_a_gesture_does_not_start_before_its_hand_has_entered() -> None:
    play = Play().show(9, hand(), gestures=["fist"])
    assert play.types == ["hand_enter", "fist"]
    assert play.events[0].ts <= play.events[1].ts


def test_a_hand_that_leaves_ends_its_gesture_first() -> None:
    play = Play().show(6, hand(), gestures=["fist"]).show(1)
    assert play.types == ["hand_enter", "fist", "fist_end", "hand_leave"]
    assert play.events[2].ts == play.events[3].ts


def test_a_change_of_gesture_ends_the_first_before_the_second_starts() -> None:
    play = Play().show(6, hand(), gestures=["fist"]).show(4, hand(), gestures=["victory"])
    assert play.types == ["hand_enter", "fist", "fist_end", "victory"]


def test_each_hand_has_its_own_gesture() -> None:
    two = hand(1), hand(2, "left")
    play = Play().show(6, *two, gestures=["fist", "victory"])
    assert [(event.event_type, event.hand.id, event.hand.side) for event in play.events] == [
        ("hand_enter", 1, "right"),
        ("fist", 1, "right"),
        ("hand_enter", 2, "left"),
        ("victory", 2, "left"),
    ]
    assert play.maker.gesture(1) == "fist"
    assert play.maker.gesture(2) == "victory"


def test_who_leaves_is_told_before_who_comes() -> None:
    play = Play(enter_delay=0).show(2, hand(1)).show(1, hand(2))
    assert [(type_, id_) for _, type_, id_ in play.story] == [
        ("hand_enter", 1),
        ("hand_leave", 1),
        ("hand_enter", 2),
    ]


def test_the_order_of_the_hands_does_not_matter() -> None:
    play = Play()
    for _ in range(3):
        play.show(1, hand(1), hand(2), gestures=["fist", None])
        play.show(1, hand(2), hand(1), gestures=[None, "fist"])
    assert [type_ for _, type_, id_ in play.story if id_ == 1] == ["hand_enter", "fist"]


def test_a_hand_without_a_gesture_and_an_unknown_hand_have_none() -> None:
    play = Play().show(4, hand())
    assert play.maker.gesture(1) is None
    assert play.maker.gesture(99) is None


def test_events_carry_the_side_as_it_is_now() -> None:
    play = Play(enter_delay=0).show(1, hand(side="left")).show(1, hand(side="right")).show(1)
    assert [event.hand.side for event in play.events] == ["left", "right"]


def test_scores_are_the_poses_and_the_hands_presence() -> None:
    play = Play(enter_delay=0).show(3, hand(presence=0.8125), gestures=["fist"], score=0.61234)
    assert [(event.event_type, event.score) for event in play.events] == [
        ("hand_enter", 0.812),
        ("fist", 0.612),
    ]


def test_the_sequence_has_no_gaps_and_ids_sort_like_it() -> None:
    play = Play(enter_delay=0)
    for id_ in range(1, 60):
        play.show(3, hand(id_), gestures=["fist"])
    play.events += play.maker.finish(2000)
    assert [event.seq for event in play.events] == list(range(1, len(play.events) + 1))
    assert len(play.events) > 200
    names = [event.id for event in play.events]
    assert names == sorted(set(names))


def test_ids_of_two_runs_differ_and_sort_by_run() -> None:
    first, second = (
        EventMaker("bench", run, static=True).update([hand()], [None], 0, 0)[0]
        for run in ("0001", "0002")
    )
    assert first.id < second.id


def test_events_carry_camera_version_and_time() -> None:
    (event,) = Play(enter_delay=0).show(1, hand()).events
    assert (event.camera, event.version, event.ts, event.age_ms) == ("bench", 1, 1000.0, None)


def test_finishing_ends_everything_under_way_once() -> None:
    two = hand(1), hand(2)
    play = Play().show(6, *two, gestures=["fist"]).show(1, *two, hand(3), gestures=["fist"])
    ends = play.maker.finish(ts=1234.5)
    assert [(event.event_type, event.hand.id) for event in ends] == [
        ("fist_end", 1),
        ("hand_leave", 1),
        ("hand_leave", 2),
    ]
    assert {event.ts for event in ends} == {1234.5}
    assert play.maker.finish(ts=1235) == []


def test_the_same_input_makes_the_same_events() -> None:
    one, two = (Play().show(6, hand(), gestures=["fist"]).show(3, hand()).show(1) for _ in "ab")
    assert one.events == two.events


def test_an_event_is_plain_json() -> None:
    (event,) = Play(enter_delay=0).show(1, hand()).events
    assert msgspec.json.decode(msgspec.json.encode(event)) == {
        "event_type": "hand_enter",
        "gesture": None,
        "phase": "enter",
        "hand": {"id": 1, "side": "right"},
        "score": 0.75,
        "camera": "bench",
        "seq": 1,
        "id": "run-00000001",
        "ts": 1000.0,
        "age_ms": None,
        "version": 1,
    }


def test_a_missing_hand_leaves_only_after_a_while() -> None:
    play = Play(enter_delay=0, leave_delay=4 * TICK).show(2, hand()).show(9)
    assert play.story == [(0, "hand_enter", 1), (5, "hand_leave", 1)]  # last seen at 1


def test_a_hand_that_is_soon_back_goes_on_with_its_gesture() -> None:
    play = Play(leave_delay=4 * TICK)
    play.show(6, hand(), gestures=["fist"]).show(3).show(6, hand(), gestures=["fist"]).show(9)
    assert play.types == ["hand_enter", "fist", "fist_end", "hand_leave"]
    assert [tick for tick, *_ in play.story] == [2, 2, 18, 18]


def test_a_hand_that_is_back_without_its_gesture_has_ended_it() -> None:
    play = Play(leave_delay=4 * TICK).show(6, hand(), gestures=["fist"]).show(3).show(3, hand())
    assert play.types == ["hand_enter", "fist", "fist_end"]


def test_a_gesture_is_counted_from_when_its_pose_was_first_seen() -> None:
    slow = {"fist": GestureRules(enter_delay=4 * TICK)}
    play = Play(enter_delay=3 * TICK, rules=slow).show(9, hand(), gestures=["fist"])
    assert play.story == [(3, "hand_enter", 1), (4, "fist", 1)]


def test_a_gesture_held_says_so_with_its_duration() -> None:
    rules = {"fist": GestureRules(enter_delay=0, exit_delay=TICK, hold_interval=8 * TICK)}
    play = Play(enter_delay=0, rules=rules).show(20, hand(), gestures=["fist"]).show(2, hand())
    told = [(event.event_type, event.phase, event.duration) for event in play.events[1:]]
    assert told == [
        ("fist", "start", msgspec.UNSET),
        ("fist_hold", "hold", 0.5),
        ("fist_hold", "hold", 1.0),
        ("fist_end", "end", 1.188),
    ]


def test_events_say_what_a_gesture_counts() -> None:
    maker = EventMaker("bench", "run", numbers={"fist": 0}, static=True)
    events = maker.update([hand()], [PoseScore("fist", 0.9)], 0, 0)
    assert [event.number for event in events] == [msgspec.UNSET, 0]


def test_single_images_have_one_start_each_and_no_delay() -> None:
    maker = EventMaker("bench", "run", RULES, static=True)
    types = [
        event.event_type
        for number in (1, 2)
        for event in maker.update([hand(number)], [PoseScore("fist", 0.9)], number / 1000, 0.0)
    ]
    assert types == ["hand_enter", "fist", "fist_end", "hand_leave", "hand_enter", "fist"]


def motion(
    gesture: str,
    phase: MotionPhase = "start",
    value: dict[str, float] | None = None,
    hands: tuple[int, ...] = (1,),
    score: float = 0.8,
) -> Motion:
    return Motion(gesture, phase, hands, score, value)


def test_a_motion_that_is_over_at_once_is_one_event() -> None:
    play = Play(enter_delay=0).move(motion("swipe_left"), hands=[hand()]).show(3, hand())
    play.events += play.maker.finish(0)
    assert play.types == ["hand_enter", "swipe_left", "hand_leave"]
    assert (play.events[1].phase, play.events[1].score) == ("start", 0.8)


def test_a_continuous_motion_streams_values_at_a_capped_rate() -> None:
    play = Play(enter_delay=0, rules={"twist": GestureRules(value_rate=4.0)})
    play.move(motion("twist", value={"angle": 0.0}), hands=[hand()])
    for tick in range(1, 10):
        play.move(motion("twist", "value", {"angle": tick / 3}), hands=[hand()])
    play.move(motion("twist", "end", {"angle": 9.0}), hands=[hand()])
    told = [(tick, type_) for tick, type_, _ in play.story[1:]]
    assert told == [(0, "twist"), (4, "twist_value"), (8, "twist_value"), (10, "twist_end")]
    assert [event.value for event in play.events[1:]] == [
        {"angle": 0.0},
        {"angle": 1.3333},
        {"angle": 2.6667},
        {"angle": 9.0},
    ]
    assert play.events[-1].duration == 10 / 16


def test_the_rules_hold_for_motions_too() -> None:
    rules = {
        "push": GestureRules(enabled=False),
        "pull": GestureRules(min_score=0.9),
        "wave": GestureRules(side="left"),
        "clap": GestureRules(refractory=4 * TICK),
    }
    play = Play(enter_delay=0, rules=rules)
    names = ("push", "pull", "wave", "clap")
    for _ in range(6):
        play.move(*(motion(name) for name in names), hands=[hand()])
    assert play.story[1:] == [(0, "clap", 1), (4, "clap", 1)]


def test_what_follows_a_motion_that_was_not_let_through_is_not_told() -> None:
    play = Play(enter_delay=0, rules={"twist": GestureRules(side="left")})
    for phase in ("start", "value", "end"):
        play.move(motion("twist", phase, {"angle": 1.0}), hands=[hand()])
    assert play.types == ["hand_enter"]


def test_a_motion_of_a_hand_that_has_not_entered_is_not_told() -> None:
    assert Play().move(motion("swipe_left"), hands=[hand()]).events == []


def test_a_gesture_of_two_hands_names_both_and_ends_with_either() -> None:
    two = hand(1), hand(2, "left")
    play = Play(enter_delay=0)
    play.move(motion("pinch_zoom", value={"scale": 1.0}, hands=(1, 2)), hands=two)
    play.show(1, two[0])
    assert play.types[2:] == ["pinch_zoom", "pinch_zoom_end", "hand_leave"]
    told = play.events[2]
    assert told.other_hand is not msgspec.UNSET
    assert (told.hand.id, told.other_hand.id, told.other_hand.side) == (1, 2, "left")


def test_what_blocks_a_gesture_can_be_asked() -> None:
    play = Play(rules={"fist": GestureRules(min_score=0.95)}).show(1, hand(), gestures=["fist"])
    block = play.maker.block(1)
    assert block is not None
    assert (block.rule, block.measured, block.needed) == ("min_score", 0.9, 0.95)
    assert play.maker.block(99) is None

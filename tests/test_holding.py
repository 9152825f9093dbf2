"""When a pose becomes a gesture and when it stops being one.

Times are in sixteenths of a second, which a float holds exactly.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from edgehands.gestures.gates import Block, Gates
from edgehands.gestures.holding import GestureHolder
from edgehands.gestures.poses import PoseScore
from edgehands.hand import Hand, Roi
from edgehands.settings import EventSettings, GestureRules

TICK = 1 / 16


def hand(side: Literal["left", "right"] = "right", at: tuple[float, float] = (50, 50)) -> Hand:
    points = np.full((21, 3), (*at, 0), np.float32)
    return Hand(1, points, points, 0.9, side, 0.9, Roi(0, 0, 1, 0))


HAND = hand()


def holder_of(**rules: GestureRules) -> GestureHolder:
    return GestureHolder(Gates(rules))


def pose(name: str, score: float = 0.9) -> PoseScore | None:
    return PoseScore(name, score) if name != "-" else None


def play(poses: str, **rules: GestureRules) -> list[tuple[int, str, str]]:
    """Show one pose a tick ("-" is none) and return (tick, phase, gesture) of each change."""
    defaults = {
        name: GestureRules(enter_delay=2 * TICK, exit_delay=3 * TICK, refractory=0)
        for name in "abc"
    }
    holder = holder_of(**{**defaults, **rules})
    return [
        (tick, change.phase, change.gesture)
        for tick, name in enumerate(poses)
        for change in holder.update(pose(name), HAND, tick * TICK)
    ]


def test_a_pose_starts_its_gesture_once_it_was_held() -> None:
    assert play("-aaaaaa") == [(3, "start", "a")]


@pytest.mark.parametrize(("score", "ticks"), [(1.0, 6), (0.8, 6), (0.65, 8), (0.5, 10)])
def test_a_pose_in_doubt_must_be_held_for_longer(score: float, ticks: int) -> None:
    holder = holder_of(a=GestureRules(enter_delay=6 * TICK))
    held = (holder.update(pose("a", score), HAND, tick * TICK) for tick in range(20))
    assert next(tick for tick, changes in enumerate(held) if changes) == ticks


def test_a_pose_that_goes_too_soon_starts_nothing() -> None:
    assert play("-aa-aa-aa-") == []


def test_a_gap_starts_the_delay_anew() -> None:
    assert play("aa-aaa") == [(5, "start", "a")]


def test_a_gesture_ends_when_its_pose_has_been_away() -> None:
    assert play("aaaa-----") == [(2, "start", "a"), (6, "end", "a")]


def test_a_short_gap_does_not_end_a_gesture() -> None:
    assert play("aaa--a--a--a") == [(2, "start", "a")]


def test_another_gesture_ends_the_first_in_the_same_moment() -> None:
    assert play("aaabbbb") == [(2, "start", "a"), (5, "end", "a"), (5, "start", "b")]


def test_another_gesture_does_not_wait_for_the_firsts_exit_delay() -> None:
    lasting = GestureRules(enter_delay=2 * TICK, exit_delay=99 * TICK)
    changes = [(2, "start", "a"), (5, "end", "a"), (5, "start", "b")]
    assert play("aaabbbb", a=lasting) == changes


def test_a_glimpse_of_another_pose_does_not_end_a_gesture() -> None:
    assert play("aaabbaabbaa") == [(2, "start", "a")]


def test_other_poses_that_never_ripen_end_a_gesture_by_its_exit_delay() -> None:
    assert play("aaabcbcb") == [(2, "start", "a"), (5, "end", "a")]


def test_a_gesture_can_come_back() -> None:
    assert [change[1] for change in play("aaa----aaa")] == ["start", "end", "start"]


def test_a_disabled_gesture_never_starts() -> None:
    assert play("aaaaaa", a=GestureRules(enabled=False)) == []


def test_a_disabled_gesture_is_no_pose_to_the_others() -> None:
    assert play("aaabbbbb", b=GestureRules(enabled=False)) == [(2, "start", "a"), (5, "end", "a")]


def test_no_delays_mean_at_once() -> None:
    at_once = GestureRules(enter_delay=0, exit_delay=0, refractory=0)
    changes = [(0, "start", "a"), (1, "end", "a"), (1, "start", "b"), (2, "end", "b")]
    assert play("ab-", a=at_once, b=at_once) == changes


def test_each_gesture_has_its_own_delay() -> None:
    slow = GestureRules(enter_delay=4 * TICK, exit_delay=3 * TICK)
    assert play("aaaaaa", a=slow) == [(4, "start", "a")]


def test_a_gesture_without_rules_has_the_defaults() -> None:
    holder = holder_of()
    assert holder.update(pose("x"), HAND, 0.0) == []
    assert holder.update(pose("x"), HAND, 0.19) == []
    assert [change.phase for change in holder.update(pose("x"), HAND, 0.21)] == ["start"]


def test_a_pose_below_the_least_score_does_not_count() -> None:
    holder = holder_of(a=GestureRules(min_score=0.8, enter_delay=0))
    assert holder.update(pose("a", 0.79), HAND, 0.0) == []
    (start,) = holder.update(pose("a", 0.8), HAND, 1.0)
    assert (start.phase, start.gesture, start.score, start.hands) == ("start", "a", 0.8, (HAND,))


def test_the_end_carries_the_last_score_that_was_seen_and_how_long_it_was() -> None:
    holder = holder_of(a=GestureRules(enter_delay=0, exit_delay=0))
    holder.update(pose("a", 0.9), HAND, 0.0)
    holder.update(pose("a", 0.7), HAND, 0.25)
    (end,) = holder.update(None, HAND, 0.5)
    assert (end.phase, end.score, end.duration) == ("end", 0.7, 0.25)


def test_the_gesture_under_way_is_known() -> None:
    holder = holder_of(a=GestureRules(enter_delay=TICK, exit_delay=TICK))
    seen = []
    for tick, name in enumerate("aa---"):
        holder.update(pose(name), HAND, tick * TICK)
        seen.append(holder.gesture)
    assert seen == [None, "a", None, None, None]


def test_ending_ends_what_is_held_once() -> None:
    holder = holder_of(a=GestureRules(enter_delay=0))
    assert holder.end(HAND, 0.0) == []
    holder.update(pose("a"), HAND, 0.0)
    assert [change.phase for change in holder.end(HAND, 0.5)] == ["end"]
    assert holder.end(HAND, 1.0) == []
    assert holder.gesture is None


def holds(interval: float, times: list[float]) -> list[tuple[float, float | None]]:
    """(time, duration) of each hold event of a pose that is seen at these times."""
    holder = holder_of(a=GestureRules(enter_delay=0, exit_delay=9, hold_interval=interval))
    return [
        (time, change.duration)
        for time in times
        for change in holder.update(pose("a"), HAND, time)
        if change.phase == "hold"
    ]


def test_a_held_gesture_is_told_again_and_again_with_growing_duration() -> None:
    ticks = [tick * TICK for tick in range(50)]
    assert holds(1.0, ticks) == [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]


def test_no_interval_means_no_hold_events() -> None:
    assert holds(0.0, [0.0, 1.0, 2.0, 100.0]) == []


def test_holds_that_a_gap_has_missed_are_not_made_up_for() -> None:
    assert holds(1.0, [0.0, 3.5, 3.75, 4.0]) == [(3.5, 3.5), (4.0, 4.0)]


def test_a_tiny_interval_is_one_hold_a_frame() -> None:
    assert [time for time, _ in holds(1e-9, [0.0, 1.0, 2.0])] == [1.0, 2.0]


def test_a_gesture_that_has_ended_rests_before_it_starts_again() -> None:
    rules = GestureRules(enter_delay=0, exit_delay=0, refractory=4 * TICK)
    changes = [(0, "start", "a"), (2, "end", "a"), (6, "start", "a")]
    assert play("aa-aaaaa", a=rules) == changes


def test_the_rest_of_one_gesture_does_not_delay_another() -> None:
    rules = GestureRules(enter_delay=0, exit_delay=0, refractory=4 * TICK)
    changes = [(0, "start", "a"), (1, "end", "a"), (1, "start", "b")]
    assert play("abb", a=rules, b=rules) == changes


def test_the_wrong_hand_starts_nothing() -> None:
    holder = holder_of(a=GestureRules(side="left", enter_delay=0))
    assert holder.update(pose("a"), hand("right"), 0.0) == []
    assert holder.block == Block("a", "side", "right", "left")
    assert [change.phase for change in holder.update(pose("a"), hand("left"), 1.0)] == ["start"]


@pytest.mark.parametrize(
    ("at", "starts"), [((10, 50), True), ((49, 99), True), ((51, 50), False), ((10, 20), False)]
)
def test_a_gesture_starts_in_its_zone_only(at: tuple[float, float], starts: bool) -> None:
    holder = holder_of(a=GestureRules(zone=(0.0, 0.25, 0.5, 1.0), enter_delay=0))
    changes = holder.update(pose("a"), hand(at=at), 0.0, (100, 100))
    assert bool(changes) == starts
    if not starts:
        assert holder.block is not None
        assert (holder.block.rule, holder.block.measured) == ("zone", (at[0] / 100, at[1] / 100))


def test_a_gesture_that_leaves_its_zone_goes_on() -> None:
    holder = holder_of(a=GestureRules(zone=(0.0, 0.0, 0.5, 1.0), enter_delay=0, exit_delay=0))
    holder.update(pose("a"), hand(at=(10, 50)), 0.0, (100, 100))
    assert holder.update(pose("a"), hand(at=(90, 50)), 0.1, (100, 100)) == []
    assert holder.gesture == "a"


def test_time_before_a_closed_gate_does_not_count_as_held() -> None:
    holder = holder_of(
        a=GestureRules(zone=(0.0, 0.0, 0.5, 1.0), enter_delay=2 * TICK, max_speed=1e9)
    )
    for tick in range(9):
        assert holder.update(pose("a"), hand(at=(90, 50)), tick * TICK, (100, 100)) == []
    assert holder.update(pose("a"), hand(at=(10, 50)), 9 * TICK, (100, 100)) == []
    assert holder.update(pose("a"), hand(at=(10, 50)), 11 * TICK, (100, 100)) != []


def test_a_zone_needs_a_picture() -> None:
    holder = holder_of(a=GestureRules(zone=(0.0, 0.0, 0.5, 1.0)))
    with pytest.raises(ValueError, match="say what picture"):
        holder.update(pose("a"), HAND, 0.0)


def test_what_keeps_a_pose_from_starting_is_known() -> None:
    holder = holder_of(a=GestureRules(enter_delay=2 * TICK, min_score=0.8))
    holder.update(pose("a", 0.6), HAND, 0.0)
    assert holder.block == Block("a", "min_score", 0.6, 0.8)
    holder.update(pose("a"), HAND, TICK)
    holder.update(pose("a"), HAND, 2 * TICK)
    assert holder.block == Block("a", "enter_delay", TICK, 2 * TICK)
    assert [change.phase for change in holder.update(pose("a"), HAND, 3 * TICK)] == ["start"]
    blocks = [holder.block]
    holder.update(None, HAND, 4 * TICK)
    assert [*blocks, holder.block] == [None, None]


def armed_play(poses: str, armed_for: float = 8 * TICK) -> list[tuple[int, str]]:
    """Start and end nothing but "o" until that was held for 2 ticks; return what starts."""
    settings = EventSettings(arming="o", arming_delay=2 * TICK, armed_for=armed_for)
    rules = GestureRules(enter_delay=0, exit_delay=0, refractory=0)
    holder = GestureHolder(Gates(dict.fromkeys("abo", rules), settings))
    return [
        (tick, change.gesture)
        for tick, name in enumerate(poses)
        for change in holder.update(pose(name), HAND, tick * TICK)
        if change.phase == "start"
    ]


def test_nothing_starts_until_the_arming_gesture_was_held() -> None:
    assert armed_play("aaabo-aab") == []
    assert armed_play("aaooo-ab") == [(4, "o"), (6, "a"), (7, "b")]


def test_gestures_keep_armed_and_quiet_disarms() -> None:
    assert armed_play("ooo-------a") == [(2, "o"), (10, "a")]
    assert armed_play("ooo---------a") == [(2, "o")]
    assert armed_play("ooo" + "a" * 20 + "-b") == [(2, "o"), (3, "a"), (24, "b")]


def test_single_images_know_no_delay_no_rest_and_no_arming() -> None:
    rules = {"a": GestureRules(enter_delay=9, refractory=9, exit_delay=0)}
    holder = GestureHolder(Gates(rules, EventSettings(arming="o"), static=True))
    phases = [
        change.phase
        for tick, name in enumerate("a-a")
        for change in holder.update(pose(name), HAND, tick * TICK)
    ]
    assert phases == ["start", "end", "start"]


def moving(way: float) -> Hand:
    """A hand of palm size 100 px, so many palm sizes to the right."""
    points = np.zeros((21, 3), np.float32)
    points[5], points[9], points[17] = (40, -90, 0), (0, -100, 0), (-40, -90, 0)
    world = points / 1000
    points[:, 0] += 100 * way
    return Hand(1, points, world.astype(np.float32), 0.9, "right", 0.9, Roi(0, 0, 1, 0))


def begun(speed: float, stop: float, rules: GestureRules) -> float | None:
    """Show a pose with a hand that moves at `speed` until `stop`; when did it start?"""
    holder = holder_of(a=rules)
    for tick in range(32):
        time = tick * TICK
        if holder.update(pose("a"), moving(speed * min(time, stop)), time):
            return time
    return None


def test_a_pose_of_a_moving_hand_starts_once_the_hand_is_still() -> None:
    rules = GestureRules(enter_delay=2 * TICK)
    slow = begun(0.5, 1.0, rules)
    fast = begun(5.0, 1.0, rules)
    assert slow == 2 * TICK
    assert fast is not None
    assert 1.0 + 2 * TICK < fast <= 1.5


def test_how_fast_a_hand_may_move_is_a_rule() -> None:
    assert begun(5.0, 9.0, GestureRules(max_speed=6.0)) is not None
    assert begun(5.0, 9.0, GestureRules()) is None
    assert begun(0.5, 9.0, GestureRules(max_speed=0.4)) is None


def test_speed_is_said_where_it_keeps_a_gesture_from_starting() -> None:
    holder = holder_of()
    for tick in range(8):
        holder.update(pose("a"), moving(2.0 * tick * TICK), tick * TICK)
    block = holder.block
    assert block is not None
    assert (block.gesture, block.rule, block.needed) == ("a", "max_speed", 0.9)
    assert block.measured == pytest.approx(2.0, abs=0.01)


def test_a_hand_that_moves_goes_on_with_its_gesture() -> None:
    holder = holder_of(a=GestureRules(enter_delay=0.0, hold_interval=0.0))
    assert holder.update(pose("a"), moving(0.0), 0.0) != []
    assert [holder.update(pose("a"), moving(5 * t), t) for t in (0.1, 0.2, 0.5, 1.0)] == [[]] * 4
    assert holder.gesture == "a"


def test_a_photograph_of_a_moving_hand_starts_at_once() -> None:
    holder = GestureHolder(Gates({}, static=True))
    assert holder.update(None, moving(0.0), 0.0) == []
    assert holder.update(pose("a"), moving(3.0), 0.1) != []

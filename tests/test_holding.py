"""When a pose becomes a gesture and when it stops being one.

Times are in sixteenths of a second, which a float holds exactly.
"""

from __future__ import annotations

from edgehands.gestures.holding import Change, GestureHolder
from edgehands.gestures.poses import PoseScore
from edgehands.settings import GestureRules

TICK = 1 / 16


def pose(name: str, score: float = 0.9) -> PoseScore | None:
    return PoseScore(name, score) if name != "-" else None


def play(poses: str, **rules: GestureRules) -> list[tuple[int, str, str]]:
    """Show one pose a tick ("-" is none) and return (tick, phase, gesture) of each change."""
    defaults = {name: GestureRules(enter_delay=2 * TICK, exit_delay=3 * TICK) for name in "abc"}
    holder = GestureHolder({**defaults, **rules})
    return [
        (tick, change.phase, change.gesture)
        for tick, name in enumerate(poses)
        for change in holder.update(pose(name), tick * TICK)
    ]


def test_a_pose_starts_its_gesture_once_it_was_held() -> None:
    assert play("-aaaaaa") == [(3, "start", "a")]


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
    at_once = GestureRules(enter_delay=0, exit_delay=0)
    changes = [(0, "start", "a"), (1, "end", "a"), (1, "start", "b"), (2, "end", "b")]
    assert play("ab-", a=at_once, b=at_once) == changes


def test_each_gesture_has_its_own_delay() -> None:
    slow = GestureRules(enter_delay=4 * TICK, exit_delay=3 * TICK)
    assert play("aaaaaa", a=slow) == [(4, "start", "a")]


def test_a_gesture_without_rules_has_the_defaults() -> None:
    holder = GestureHolder({})
    assert holder.update(pose("x"), 0.0) == []
    assert holder.update(pose("x"), 0.14) == []
    assert [change.phase for change in holder.update(pose("x"), 0.16)] == ["start"]


def test_a_pose_below_the_least_score_does_not_count() -> None:
    holder = GestureHolder({"a": GestureRules(min_score=0.8, enter_delay=0)})
    assert holder.update(pose("a", 0.79), 0.0) == []
    assert holder.update(pose("a", 0.8), 1.0) == [Change("start", "a", 0.8)]


def test_the_end_carries_the_last_score_that_was_seen() -> None:
    holder = GestureHolder({"a": GestureRules(enter_delay=0, exit_delay=0)})
    holder.update(pose("a", 0.9), 0.0)
    holder.update(pose("a", 0.7), 0.1)
    assert holder.update(None, 0.2) == [Change("end", "a", 0.7)]


def test_the_gesture_under_way_is_known() -> None:
    holder = GestureHolder({"a": GestureRules(enter_delay=TICK, exit_delay=TICK)})
    seen = []
    for tick, name in enumerate("aa---"):
        holder.update(pose(name), tick * TICK)
        seen.append(holder.gesture)
    assert seen == [None, "a", None, None, None]


def test_ending_ends_what_is_held_once() -> None:
    holder = GestureHolder({"a": GestureRules(enter_delay=0)})
    assert holder.end() == []
    holder.update(pose("a"), 0.0)
    assert holder.end() == [Change("end", "a", 0.9)]
    assert holder.end() == []
    assert holder.gesture is None

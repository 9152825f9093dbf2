"""States and plans of cameras: everything about time without waiting for it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands.cameras.condition import Condition
from edgehands.cameras.look import Look, look_at
from edgehands.cameras.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.health import CameraState

FPS = 8.0  # its period has no error in binary


class Story:
    """A camera's condition over time, and when its state changed."""

    def __init__(self) -> None:
        self.now = 100.0
        self.condition = Condition(self.now)
        self.condition.opened(self.now, FPS)
        self.changes: list[tuple[float, CameraState]] = []
        self._digests = itertools.count()

    def go(self, seconds: float, look: Look | None = None, *, frames: bool = True) -> None:
        """Let time pass, with a frame each eighth of a second: `look`, or a different one each."""
        for _ in range(round(seconds * FPS)):
            self.now += 1 / FPS
            before = self.condition.state
            if frames:
                self.condition.frame(self.now, look or Look(next(self._digests), 90.0, 40.0))
            else:
                self.condition.tick(self.now)
            if self.condition.state != before:
                self.changes.append((self.now, self.condition.state))

    def since(self, start: float) -> list[tuple[float, CameraState]]:
        return [(round(at - start, 1), state) for at, state in self.changes if at > start]


DARK = Look(7, 2.0, 1.0)
STILL = Look(8, 90.0, 40.0)


def noisy_dark() -> Iterator[Look]:
    return (Look(number, 3.0, 2.0) for number in itertools.count())


def test_a_camera_without_frames_is_stalled_after_two_seconds_and_ok_with_the_next() -> None:
    story = Story()
    story.go(5)
    start = story.now
    story.go(10, frames=False)
    assert story.since(start) == [(2.0, "stalled")]
    assert "no frame for 2 s" in str(story.condition.reason)
    story.go(1)
    assert story.since(start)[-1] == (10.1, "ok")
    assert story.condition.reason is None


def test_a_camera_that_never_gave_a_frame_is_stalled_too() -> None:
    story = Story()
    story.go(3, frames=False)
    assert story.since(100.0) == [(2.0, "stalled")]


def test_opening_may_take_longer_than_a_frame() -> None:
    condition = Condition(0.0)
    for now, state in ((4.9, "ok"), (5.1, "stalled")):
        condition.tick(now)
        assert condition.state == state


def test_frames_that_nobody_waited_for_are_not_missed() -> None:
    condition, plan = Condition(0.0), Plan(0.0)
    for each in (condition, plan):
        each.opened(0.0, FPS)
    plan.frame(0.0, frozen=False)
    for each in (condition, plan):
        each.rested(60.0)
    for now, state in ((61.0, "ok"), (62.5, "stalled")):
        condition.tick(now)
        assert condition.state == state
    assert not plan.hangs(61.0)
    assert plan.hangs(63.5)


def test_a_camera_that_was_away_has_not_stood_still_meanwhile() -> None:
    story = Story()
    story.go(2, STILL)
    story.condition.lost(story.now, "unplugged")
    story.go(20, frames=False)
    start = story.now
    story.go(6, STILL)
    assert story.since(start) == [(0.1, "ok"), (5.1, "frozen")]


def test_a_slow_camera_has_three_of_its_periods() -> None:
    condition = Condition(0.0)
    condition.opened(0.0, fps=0.5)
    for now, state in ((5.9, "ok"), (6.1, "stalled")):
        condition.tick(now)
        assert condition.state == state


def test_the_same_picture_for_five_seconds_is_a_frozen_camera() -> None:
    story = Story()
    story.go(2)
    start = story.now
    story.go(4.9, STILL)
    assert story.condition.state == "ok"
    story.go(2, STILL)
    assert story.since(start) == [(5.1, "frozen")]
    story.go(0.1)
    assert story.condition.state == "ok"


def test_a_consumer_that_rarely_looks_does_not_make_a_camera_frozen() -> None:
    condition = Condition(0.0)
    condition.opened(0.0, FPS)
    for now in (1.0, 8.0):
        condition.frame(now, STILL)
    assert condition.state == "ok"


def test_a_covered_lens_is_dark_after_three_seconds_noise_or_not() -> None:
    story = Story()
    start = story.now
    story.go(10, DARK)
    assert story.since(start) == [(3.1, "dark")]
    story = Story()
    for look in itertools.islice(noisy_dark(), 40):
        story.go(0.1, look)
    assert story.condition.state == "dark"


def test_a_dark_room_with_a_lamp_and_a_short_shadow_are_not_dark() -> None:
    story = Story()
    for number in range(100):
        story.go(0.1, Look(number, 5.0, 9.0))
    for number in range(20):
        story.go(0.1, Look(1000 + number, 2.0, 1.0))
    story.go(1)
    assert story.changes == []


def test_a_lost_camera_says_why_until_a_frame_is_there() -> None:
    story = Story()
    story.go(1)
    story.condition.lost(story.now, "it was unplugged")
    assert (story.condition.state, story.condition.reason) == ("lost", "it was unplugged")
    story.go(20, frames=False)
    assert story.condition.state == "lost"
    story.condition.opened(story.now, FPS)
    assert story.condition.state == "lost"
    story.go(0.1)
    assert (story.condition.state, story.condition.reason) == ("ok", None)


def test_one_that_is_back_and_gives_nothing_is_stalled() -> None:
    story = Story()
    story.condition.lost(story.now, "gone")
    story.condition.opened(story.now, FPS)
    story.go(3, frames=False)
    assert story.condition.state == "stalled"


def test_opening_a_frozen_camera_again_does_not_make_it_well() -> None:
    story = Story()
    story.go(7, STILL)
    story.condition.reopening(story.now)
    story.go(1, frames=False)
    story.condition.opened(story.now, FPS)
    assert story.condition.state == "frozen"
    story.go(1, STILL)
    assert story.condition.state == "frozen"


def test_frames_that_cannot_be_decoded_are_no_frames_and_say_so() -> None:
    story = Story()
    story.go(1)
    for _ in range(30):
        story.go(0.1, frames=False)
        story.condition.unusable(story.now)
    assert story.condition.state == "stalled"
    assert "cannot be decoded" in str(story.condition.reason)


def test_a_look_tells_noise_from_standstill_and_dark_from_light() -> None:
    random = np.random.default_rng(1)
    image = random.integers(0, 255, (480, 640, 3), np.uint8)
    noisy = image + random.integers(0, 2, image.shape, np.uint8)
    assert look_at(image) == look_at(image.copy())
    assert look_at(image).digest != look_at(noisy).digest
    assert look_at(np.zeros((1, 1, 3), np.uint8)) == Look(look_at(image[:1, :1] * 0).digest, 0, 0)
    grey = look_at(np.full((720, 1280, 3), 100, np.uint8))
    assert grey.mean == pytest.approx(100, abs=0.1)
    assert grey.deviation == pytest.approx(0, abs=0.1)


# Opening again


def failing_plan(outage: float, *, chance: float = 1.0) -> list[float]:
    """When a camera that cannot be opened is tried, in seconds from its first failure."""
    now, tries = 0.0, []
    plan = Plan(now, lambda: chance)
    while now < outage:
        if plan.may_open(now, absent=False):
            tries.append(now)
            plan.opening(now, ready=True)
            plan.failed(now + 0.01)
        now += 0.01
    return tries


def test_attempts_are_a_quarter_to_five_seconds_apart() -> None:
    gaps = np.diff(failing_plan(200, chance=0.999))
    assert gaps[0] == pytest.approx(0.25, abs=0.03)
    assert (np.diff(gaps[:4]) > 0).all()
    assert gaps[10] == pytest.approx(2.0, abs=0.03)
    assert gaps[-1] == pytest.approx(5.0, abs=0.03)
    assert np.diff(failing_plan(200, chance=0.0)) == pytest.approx(0.25, abs=0.03)


def test_attempts_that_take_long_are_not_followed_by_a_long_wait() -> None:
    plan = Plan(0.0, lambda: 1.0)
    for _ in range(6):
        plan.opening(0.0, ready=True)
        plan.failed(3.0)
    assert not plan.may_open(3.2, absent=False)
    assert plan.may_open(3.26, absent=False)


def test_a_device_that_comes_back_is_opened_at_once() -> None:
    plan = Plan(0.0, lambda: 1.0)
    for now in range(10):
        plan.opening(now, ready=True)
        plan.failed(now + 3.0)
    assert not plan.may_open(12.0, absent=True)
    assert not plan.may_open(12.0, absent=True)
    for _ in range(2):  # however often it is asked
        assert plan.may_open(12.1, absent=False)


def test_a_missing_node_is_not_believed_for_ever() -> None:
    plan = Plan(0.0, lambda: 1.0)
    assert plan.may_open(0.0, absent=True)
    plan.opening(0.0, ready=True)
    plan.failed(0.1)
    assert not plan.may_open(29.0, absent=True)
    assert plan.may_open(30.0, absent=True)


def test_what_hangs_is_given_up() -> None:
    plan = Plan(0.0)
    plan.opening(0.0, ready=True)
    assert not plan.hangs(14.9)
    plan.sign(10.0)
    assert not plan.hangs(24.9)
    assert plan.hangs(25.0)
    plan.opened(25.0, FPS)
    assert not plan.hangs(34.0)
    plan.frame(34.0, frozen=False)
    assert not plan.hangs(36.9)
    assert plan.hangs(37.0)
    plan.opening(40.0, ready=True)
    plan.opened(40.0, fps=0.5)
    plan.frame(40.0, frozen=False)
    assert not plan.hangs(47.0)
    plan.opening(50.0, ready=True)
    plan.opened(50.0, fps=0.1)
    assert not plan.hangs(65.0)  # its first frame is no sooner than the others


def test_a_process_has_a_minute_to_start_and_then_as_long_as_any_to_open() -> None:
    plan = Plan(0.0)
    plan.opening(0.0, ready=False)
    assert not plan.hangs(59.0)
    assert plan.hangs(60.0)
    plan.ready(50.0)
    assert not plan.hangs(64.0)
    assert plan.hangs(65.0)


def test_a_frozen_camera_is_opened_again_more_and_more_rarely() -> None:
    plan = Plan(0.0)
    plan.opened(0.0, FPS)
    gaps, last = [], 0.0
    for tenth in range(3000):
        now = tenth / 10
        plan.frame(now, frozen=True)
        if plan.hangs(now):
            gaps.append(round(now - last))
            last = now
    assert gaps == [10, 20, 40, 80]


def test_a_camera_that_was_steady_for_a_while_begins_again_with_short_waits() -> None:
    plan = Plan(0.0, lambda: 1.0)
    for now in (0.0, 1.0, 2.0, 3.0):
        plan.opening(now, ready=True)
        plan.failed(now)
    plan.opening(10.0, ready=True)
    plan.opened(10.0, FPS)
    for now in (10.0, 13.0, 16.0):
        plan.frame(now, frozen=False)
    plan.failed(17.0)
    assert plan.may_open(17.3, absent=False)


def test_a_loose_plug_does_not_make_the_next_outage_long() -> None:
    """Half a second away every two: an attempt in vain is no reason to wait past the outage."""
    plan, now = Plan(0.0, lambda: 1.0), 0.0
    for _ in range(20):
        plan.opening(now, ready=True)
        plan.opened(now, FPS)
        back = now + 2.0
        for frame in np.arange(now, now + 1.5, 1 / FPS):
            plan.frame(frame, frozen=False)
        now += 1.5
        plan.failed(now)
        while now < back or not plan.may_open(now, absent=False):
            if plan.may_open(now, absent=False):
                plan.opening(now, ready=True)
                plan.failed(now)
            now += 0.01
        assert now - back <= 0.5


def test_a_camera_that_fails_again_and_again_is_still_tried_every_two_seconds() -> None:
    plan, now, longest = Plan(0.0, lambda: 1.0), 0.0, 0.0
    for _ in range(100):
        begun = now
        plan.opening(now, ready=True)
        plan.opened(now, FPS)
        plan.frame(now + 0.5, frozen=False)
        plan.failed(now + 1.0)
        while not plan.may_open(now, absent=False):
            now += 0.125
        longest = max(longest, now - begun)
    assert longest == 2.0

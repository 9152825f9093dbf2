"""States, plans, faults and passwords of cameras: everything about time without waiting for it."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands import config_shown, passwords
from edgehands.cameras import faults, open_camera, open_steady_camera, split_source
from edgehands.cameras.condition import Condition
from edgehands.cameras.look import Look, look_at
from edgehands.cameras.passwords import (
    find_password,
    hide_password,
    takes_password,
    with_password,
)
from edgehands.cameras.plan import Plan
from edgehands.config import load_config
from edgehands.config_text import read_document
from edgehands.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgehands.config import CameraConfig
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
    plan.opened(40.0, fps=0.5)
    plan.frame(40.0, frozen=False)
    assert not plan.hangs(47.0)
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


# Faults


def test_faults_come_when_they_are_told_to() -> None:
    script = faults.parse("?stall=30@10&dark=5@60&dark=1&every=120&seed=3&clip=a.mp4")
    assert (script.every, script.seed, script.clip) == (120.0, 3, "a.mp4")
    for time, stalled, dark in ((0.5, 0, 1), (9.9, 0, 0), (10, 1, 0), (39.9, 1, 0), (64.9, 0, 1)):
        for again in (0, 120, 1200):
            assert script.has("stall", time + again) == bool(stalled)
            assert script.has("dark", time + again) == bool(dark)


def test_a_fault_that_strikes_once_is_not_missed_and_not_repeated() -> None:
    script = faults.parse("crash=0@10&every=100")
    struck = [
        round(now, 2)
        for before, now in itertools.pairwise(step * 0.0334 for step in range(10000))
        if script.passed("crash", before, now)
    ]
    assert [int(now) for now in struck] == [10, 110, 210, 310]


@pytest.mark.parametrize(
    ("address", "fragment"),
    [
        ("?stal=1@2", "did you mean 'stall'?"),
        ("stall", "stall='' is no number of seconds"),
        ("stall=3@x", "stall='x' is no number"),
        ("stall=-1", "is no number"),
        ("stall=nan", "is no number"),
        ("every=0", "is no number"),
        ("seed=x", "seed must be a whole number"),
        ("?", None),
        ("?=", "no ''"),
        ("hello", "no 'hello'"),
    ],
)
def test_a_script_that_means_nothing_is_a_usage_error(address: str, fragment: str | None) -> None:
    if fragment is None:
        assert split_source(f"test:{address}") == ("test", address)
        return
    for do in (split_source, open_camera, open_steady_camera):
        with pytest.raises(UsageError) as caught:
            do(f"test:{address}")
        assert fragment in str(caught.value)


# Passwords


def test_a_password_is_put_where_it_belongs() -> None:
    odd = 'a@b:c/d "e"\\'
    assert with_password("rtsp://me@door:554/x?y=1", odd) == (
        "rtsp://me:a%40b%3Ac%2Fd%20%22e%22%5C@door:554/x?y=1"
    )
    assert with_password("http://door/?pwd={password}", "a b") == "http://door/?pwd=a%20b"
    pipeline = with_password("rtspsrc user-pw={password} ! decodebin", odd)
    assert pipeline == 'rtspsrc user-pw="a@b:c/d \\"e\\"\\\\" ! decodebin'
    assert with_password("rtsp://door/x", None) == "rtsp://door/x"


@pytest.mark.parametrize(
    ("source", "password"),
    [("rtsp://door/x", "x"), ("0", "x"), ("http://a/?p={password}", None), ("rtsp://a/b@c", "x")],
)
def test_a_password_without_a_place_and_a_place_without_one_are_refused(
    source: str, password: str | None
) -> None:
    for do in (open_camera, open_steady_camera):
        with pytest.raises(UsageError, match="password") as caught:
            do(source, password=password)
        assert "'x'" not in str(caught.value)


def test_a_source_tells_whether_it_takes_a_password() -> None:
    for source in ("rtsp://me@door", "gstreamer:rtspsrc user-pw={password}"):
        assert takes_password(source)
    for source in ("rtsp://door", "0", "usb:me@home", "clip@2.mp4"):
        assert not takes_password(source)


def camera_config(folder: Path, text: str) -> CameraConfig:
    path = folder / "edgehands.toml"
    path.write_text(f"[[camera]]\n{text}")
    return load_config(path).camera[0]


def test_a_password_comes_from_its_file_the_environment_or_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_taken", {})
    source = 'source = "rtsp://me@door/1"\nname = "door"\n'
    camera = camera_config(tmp_path, source)
    assert find_password(camera) is None
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for name in ("camera-password", "camera-password-door"):
        (tmp_path / name).write_text("\n")  # as the unit gives it where there is none
        (tmp_path / name).chmod(0o600)
    assert find_password(camera) is None
    (tmp_path / "camera-password").write_text("of all\n")
    assert find_password(camera) == "of all"
    (tmp_path / "camera-password-door").write_text("of the door\n")
    assert find_password(camera) == "of the door"
    monkeypatch.setenv("EDGEHANDS_CAMERA_PASSWORD", "from outside")
    hide_password(camera)
    assert "EDGEHANDS_CAMERA_PASSWORD" not in os.environ
    assert find_password(camera) == "from outside"
    file = tmp_path / "password"
    file.write_text("from file\n")
    file.chmod(0o644)
    camera = camera_config(tmp_path, f'{source}password_file = "{file}"')
    with pytest.raises(ConfigError, match="anybody can read it; chmod 600"):
        find_password(camera)
    file.chmod(0o600)
    assert find_password(camera) == "from file"
    assert find_password(camera_config(tmp_path, 'source = "0"')) is None


def test_a_config_with_a_password_file_names_the_user_and_never_the_password(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match="write source as scheme://USER@host"):
        camera_config(tmp_path, 'source = "rtsp://door/1"\npassword_file = "p"')
    with pytest.raises(ConfigError, match="give password_file, or EDGEHANDS_CAMERA") as caught:
        camera_config(tmp_path, 'source = "rtsp://me:4711@door/1"')
    assert "4711" not in str(caught.value)
    camera_config(tmp_path, 'source = "rtsp://me:{password}@door/1"')


def test_config_show_says_where_a_cameras_password_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "edgehands.toml"
    path.write_text('[[camera]]\nsource = "rtsp://me@door/1"\npassword_file = "p"\n')
    shown = config_shown.lines(load_config(path), read_document(path), origins=True)
    assert "# the password comes from the file p" in shown

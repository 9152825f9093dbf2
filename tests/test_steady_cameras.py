"""Cameras in a process of their own: every kind, and what it does when something fails."""

from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from edgehands.cameras import open_steady_camera
from edgehands.cameras.look import Look
from edgehands.cameras.messages import Opened, Picture
from edgehands.cameras.slots import COUNT, Loans, Slots
from edgehands.cameras.steady import SteadyCamera
from edgehands.errors import UsageError
from edgehands.synthetic import DEMO_CLIP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgehands.cameras import Camera
    from edgehands.frame import Frame
    from edgehands.hand import ImageArray
    from edgehands.health import CameraState

PATIENT = 20.0
"""Seconds that a test waits before it fails; the machine may be busy."""


@contextmanager
def steady(source: str, **options: float | str) -> Iterator[Camera]:
    with open_steady_camera(source, **options) as camera:  # type: ignore[arg-type]
        yield camera


def take_until(camera: Camera, done: Callable[[], bool]) -> list[Frame]:
    """Take frames until something holds."""
    limit = time.monotonic() + PATIENT
    frames = []
    while not done():
        assert time.monotonic() < limit, (camera.state, camera.reason)
        frame = camera.take(0.1)
        if frame is not None:
            frames.append(frame)
            del frames[:-20]
    return frames


def take_one(camera: Camera) -> Frame:
    limit = time.monotonic() + PATIENT
    while (frame := camera.take(0.1)) is None:
        assert time.monotonic() < limit, (camera.state, camera.reason)
    return frame


def children() -> list[int]:
    """Processes that capture for this one, zombies too."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [
        int(pid)
        for task in tasks
        for pid in task.read_text().split()
        if Path(f"/proc/{pid}/comm").read_text().strip() == "edgehands-cam"
    ]


def only_child() -> int:
    limit = time.monotonic() + PATIENT
    while len(found := children()) != 1:
        assert time.monotonic() < limit
        time.sleep(0.01)
    return found[0]


# Shared memory


def picture(image: ImageArray, slot: int, offset: int) -> Picture:
    height, width = image.shape[:2]
    return Picture(slot, offset, width, height, 0.0, 0.0, 0, 0, Look(0, 0.0, 0.0))


def image(value: int, height: int = 48, width: int = 64) -> ImageArray:
    return np.full((height, width, 3), value, np.uint8)


@pytest.fixture
def memory() -> Iterator[tuple[Slots, Loans]]:
    loans = Loans()
    yield Slots(loans.descriptor), loans
    loans.close()


def hand_over(memory: tuple[Slots, Loans], original: ImageArray) -> ImageArray:
    slots, loans = memory
    return loans.look_at(picture(original, *slots.put(loans.free(), original)))


def test_a_picture_is_handed_over_unchanged_and_read_only(memory: tuple[Slots, Loans]) -> None:
    original = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
    seen = hand_over(memory, original[:, ::-1])
    assert np.array_equal(seen, original[:, ::-1])
    assert seen.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        seen[0, 0] = 1


def test_a_picture_that_is_kept_does_not_change(memory: tuple[Slots, Loans]) -> None:
    kept = [hand_over(memory, image(value))[8:, 8:] for value in range(20)]
    assert [int(each.max()) for each in kept] == [int(each.min()) for each in kept] == [*range(20)]
    assert memory[1].free()


def test_memory_is_used_again_once_nobody_looks(memory: tuple[Slots, Loans]) -> None:
    _, loans = memory
    for value in range(50):
        assert hand_over(memory, image(value))[0, 0, 0] == value
    assert len(loans.free()) == COUNT
    assert os.fstat(loans.descriptor).st_size <= COUNT * 16384


def test_pictures_may_change_their_size_while_others_are_kept(memory: tuple[Slots, Loans]) -> None:
    kept = []
    for value in range(40):
        kept.append(hand_over(memory, image(value, 48 * (1 + value % 4), 64 * (1 + value % 3))))
        kept = kept[-5:]
        assert {int(each.max()) for each in kept} == {*range(max(0, value - 4), value + 1)}
    assert os.fstat(memory[1].descriptor).st_size < 2 * 2 * COUNT * 192 * 192 * 3


def test_a_message_that_lies_is_refused(memory: tuple[Slots, Loans]) -> None:
    slots, loans = memory
    place = slots.put(loans.free(), image(1))
    for slot, offset, height, width in (
        (3, 0, 48, 64),
        (-1, 0, 48, 64),
        (0, -1, 48, 64),
        (0, 1 << 40, 48, 64),
        (0, 0, 4800, 6400),
        (0, 0, -48, -64),
        (0, 0, 1 << 20, 1 << 20),
        (0, 0, 0, 64),
    ):
        lie = Picture(slot, offset, width, height, 0.0, 0.0, 0, 0, Look(0, 0.0, 0.0))
        with pytest.raises(ValueError, match="no picture can be at"):
            loans.look_at(lie)
    assert loans.look_at(picture(image(1), *place)).max() == 1


def test_memory_cannot_be_taken_away_from_its_reader(memory: tuple[Slots, Loans]) -> None:
    hand_over(memory, image(1))
    with pytest.raises(PermissionError):
        os.ftruncate(memory[1].descriptor, 0)


# The capture process


def test_a_live_camera_is_captured_in_a_process_that_ends_with_it() -> None:
    with steady("test:", width=320, height=240, fps=50.0) as camera:
        assert camera.live
        frame = take_one(camera)
        assert frame.image.shape == (240, 320, 3)
        assert camera.fps == 50.0
        child = only_child()
        assert child != os.getpid()
    assert children() == []
    with pytest.raises(StopIteration):
        camera.take(0.1)


def test_a_camera_is_opened_before_anybody_takes_a_frame() -> None:
    with steady("test:", width=64, height=48) as camera:
        assert isinstance(camera, SteadyCamera)
        process = camera._process
        assert process is not None
        # Heard of behind its back: what it does without being asked.
        reports: list[object] = []
        limit = time.monotonic() + PATIENT
        while not any(isinstance(report, Opened) for report in reports):
            assert time.monotonic() < limit
            reports.extend(process.reports(0.1))


def test_files_and_images_need_no_process(tmp_path: Path) -> None:
    with steady(str(DEMO_CLIP)) as camera:
        assert next(camera).image.shape[2] == 3
        assert not camera.live
        assert children() == []
    with pytest.raises(OSError, match="no file"):
        open_steady_camera(str(tmp_path / "none.mp4"))


def test_its_process_dies_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import os, sys, time\n"
        "from edgehands.cameras import open_steady_camera\n"
        "camera = open_steady_camera('test:', width=64, height=48)\n"
        "next(camera)\n"
        "print(camera._process._process.pid, flush=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert parent.stdout
    with parent:
        child = int(parent.stdout.readline())
        comm = Path(f"/proc/{child}/comm")
        assert comm.read_text().strip() == "edgehands-cam"
        parent.send_signal(signal.SIGKILL)
    limit = time.monotonic() + PATIENT
    # Nobody waits for it any more but init, which may take its time.
    while comm.exists() and "(zombie)" not in Path(f"/proc/{child}/status").read_text():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_its_process_never_sees_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "canary" + "-4711"
    monkeypatch.setenv("EDGEHANDS_MQTT_PASSWORD", secret)
    monkeypatch.setenv("DOOR_API_KEY", secret)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", f"/run/{secret}")
    monkeypatch.setenv("NOTIFY_SOCKET", f"/run/{secret}")
    monkeypatch.setenv("HARMLESS", "stays")
    with steady(f"http://me@127.0.0.1:9/{'x'}", password=secret) as camera:
        take_until(camera, lambda: camera.state == "lost")
        child = Path(f"/proc/{only_child()}")
        seen = (child / "environ").read_bytes() + (child / "cmdline").read_bytes()
        assert b"HARMLESS=stays" in seen
        assert secret.encode() not in seen
        assert secret not in str(camera.reason)
        assert "127.0.0.1" in str(camera.reason)


def test_a_process_that_is_killed_is_replaced() -> None:
    with steady("test:", width=64, height=48) as camera:
        for number in range(2):
            take_one(camera)
            os.kill(only_child(), signal.SIGKILL)
            take_until(camera, lambda: camera.state == "lost")
            assert "died by signal SIGKILL" in str(camera.reason)
            take_until(camera, lambda: camera.state == "ok")
            assert camera.reopened == number + 1
        assert camera.reason is None


def test_what_the_process_logs_is_logged_here(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A driver that says something, and then has a bug.
    (tmp_path / "picamera2.py").write_text(
        "import logging\n"
        "def Picamera2(number):\n"
        "    logging.getLogger('edgehands.x').warning('hot', extra={'code': 'EH1101'})\n"
        "    return number.nothing"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with steady("csi:") as camera:
        take_until(camera, lambda: camera.state == "lost")
        assert "AttributeError" in str(camera.reason)
    hot, bug = caplog.records[:2]
    assert (hot.name, hot.getMessage(), vars(hot)["code"]) == ("edgehands.x", "hot", "EH1101")
    assert "Traceback" in bug.getMessage()
    assert vars(bug)["code"] == "EH1106"


def test_a_process_leaves_its_end_to_its_parent() -> None:
    with steady("test:", width=64, height=48) as camera:
        take_one(camera)
        child = only_child()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(child, number)
        for _ in range(5):
            take_one(camera)
        assert only_child() == child


def test_a_pause_of_the_consumer_is_no_fault_of_the_camera() -> None:
    with steady("test:", width=64, height=48) as camera:
        take_one(camera)
        child = only_child()
        time.sleep(3.5)
        assert camera.take(0.0) is None or camera.state == "ok"
        take_one(camera)
        assert only_child() == child
        assert camera.state == "ok"


def test_a_process_that_is_stopped_is_replaced() -> None:
    with steady("test:", width=64, height=48) as camera:
        take_one(camera)
        child = only_child()
        os.kill(child, signal.SIGSTOP)
        take_until(camera, lambda: camera.state == "stalled")
        take_until(camera, lambda: camera.state == "ok")
        assert camera.reopened == 1
        assert only_child() != child


def test_times_rise_and_pictures_stay_while_processes_come_and_go() -> None:
    with steady("test:?crash=0@1&every=1.5", width=64, height=48) as camera:
        kept, frames = [], []
        limit = time.monotonic() + PATIENT
        while camera.reopened < 2:
            assert time.monotonic() < limit
            frame = camera.take(0.2)
            if frame is not None:
                frames.append(frame)
                kept.append(frame.image.copy())
    for name in ("time", "captured"):
        times = [getattr(frame, name) for frame in frames]
        assert times == sorted(set(times))
    assert all(np.array_equal(a.image, b) for a, b in zip(frames, kept, strict=True))


def test_a_camera_whose_clock_begins_anew_has_later_times_all_the_same() -> None:
    with steady(f"loop:{DEMO_CLIP}") as camera:
        first = [take_one(camera) for _ in range(10)]
        os.kill(only_child(), signal.SIGKILL)
        again = [take_one(camera) for _ in range(5)]
    times = [frame.time for frame in (*first, *again)]
    assert times == sorted(set(times))
    gap = again[0].captured - first[-1].captured
    assert again[0].time - first[-1].time == pytest.approx(gap)


def test_a_mistake_that_only_opening_shows_is_raised() -> None:
    camera = open_steady_camera("csi:front")
    with pytest.raises(UsageError, match="write csi: or csi:1"):
        take_until(camera, lambda: False)
    camera.close()
    assert children() == []


def test_a_camera_that_is_missing_is_waited_for_and_says_why() -> None:
    with steady("/dev/video97") as camera:
        assert take_until(camera, lambda: camera.state == "lost") == []
        assert "/dev/video97 does not exist" in str(camera.reason)
        assert camera.take(0.5) is None
        only_child()


def test_a_camera_that_comes_back_is_opened_by_the_process_that_lost_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgehands.cameras.steady._REOPENED", {"test"})  # in the place of USB
    with steady("test:?unplug=1@1.5&every=3", width=64, height=48) as camera:
        take_one(camera)
        child = only_child()
        for number in range(2):
            take_until(camera, lambda: camera.state == "lost")
            take_until(camera, lambda: camera.reopened == number + 1)  # noqa: B023
            assert (camera.state, only_child()) == ("ok", child)


def test_what_changes_is_told_at_once() -> None:
    with steady("test:?unplug=60@1.5", width=64, height=48) as camera:
        take_one(camera)
        limit = time.monotonic() + PATIENT
        while camera.state != "lost":
            assert (begun := time.monotonic()) < limit, camera.state
            camera.take(30.0)
        assert time.monotonic() - begun < 15


def taken() -> tuple[int, int, int]:
    """Descriptors, threads and mappings of this process."""
    gc.collect()
    return (
        len(list(Path("/proc/self/fd").iterdir())),
        len(list(Path("/proc/self/task").iterdir())),
        Path("/proc/self/maps").read_text().count("memfd:edgehands-frames"),
    )


def test_where_no_process_can_be_started_the_camera_is_lost_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    before = sorted(Path("/proc/self/fd").iterdir())
    with monkeypatch.context() as full:
        full.setattr(subprocess, "Popen", refuse)
        camera = open_steady_camera("test:")
        assert camera.take(0.1) is None
        assert camera.state == "lost"
        assert "no process can be started" in str(camera.reason)
        assert sorted(Path("/proc/self/fd").iterdir()) == before
    with camera:
        take_one(camera)


def test_no_descriptor_thread_or_memory_is_left_behind() -> None:
    with steady("test:", width=64, height=48) as camera:
        take_one(camera)
        os.kill(only_child(), signal.SIGKILL)
        take_until(camera, lambda: camera.reopened == 1)
        before = taken()
        for _ in range(2):
            goal = camera.reopened + 1
            os.kill(only_child(), signal.SIGKILL)
            take_until(camera, lambda: camera.reopened == goal)  # noqa: B023
        assert taken() == before
    assert taken()[2] == 0


# States of a real camera, in time


class Fault(NamedTuple):
    script: str
    state: CameraState
    within: float
    """Seconds from its beginning until the state says so."""
    seconds: float
    """How long it lasts; the state is ok again at most 5 s later."""


FAULTS = {
    "stall": Fault("stall=30@4", "stalled", 3.0, 30.0),
    "unplug": Fault("unplug=10@4", "lost", 1.0, 10.0),
    "freeze": Fault("freeze=20@4", "frozen", 6.0, 20.0),
    "dark": Fault("dark=20@4", "dark", 6.0, 20.0),
    "garbage": Fault("garbage=10@4", "ok", 1.0, 10.0),
    "resize": Fault("resize=10@4", "ok", 1.0, 10.0),
    "slow": Fault("slow=10@4", "ok", 1.0, 10.0),
    "hang": Fault("hang=0@4", "stalled", 3.0, 3.0),
    "crash": Fault("crash=0@4", "lost", 1.0, 0.0),
}


@pytest.mark.system
@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_told_in_time_and_gets_over_in_five_seconds(name: str) -> None:
    """R8 of the operations' table."""
    fault = FAULTS[name]
    told = None
    with steady(f"test:?{fault.script}") as camera:
        begin = time.monotonic() + 4
        last = begin
        while time.monotonic() < begin + fault.seconds + 8:
            camera.take(0.05)
            now = time.monotonic()
            if now >= begin and camera.state == fault.state and told is None:
                told = now - begin
            if camera.state != "ok":
                last = now
        over = max(0.0, last - begin - fault.seconds)
        assert (camera.state, camera.reason) == ("ok", None)
    assert told is not None
    print(  # noqa: T201
        f"{name}: {fault.state} after {told:.2f} s, over {over:.2f} s after its end; "
        f"{camera.rejected} frames rejected, reopened {camera.reopened} times"
    )
    assert told <= fault.within
    assert over <= 5.0


@pytest.mark.system
def test_a_hundred_unpluggings_leave_nothing_behind() -> None:
    """R8 of the operations' table."""
    away: list[float] = []
    with steady("test:?unplug=0.5@1.5&every=2", width=64, height=48) as camera:
        begin = lost = 0.0
        while len(away) < 101:
            camera.take(0.05)
            if camera.state == "lost" and not lost:
                lost = time.monotonic()
            elif camera.state == "ok" and lost:
                away.append(time.monotonic() - lost)
                lost = 0.0
                if len(away) == 1:
                    before, begin = taken(), time.monotonic()
        assert taken() == before
        assert len(children()) == 1
    worst = max(away) - 0.5
    print(  # noqa: T201
        f"100 unpluggings in {time.monotonic() - begin:.0f} s: a frame at most {worst:.2f} s after "
        f"the camera was back, median {np.median(away) - 0.5:.2f} s; descriptors, threads and "
        f"mappings {before} as before"
    )
    assert worst <= 3.0


def test_a_dark_camera_says_so_and_its_frames_still_come() -> None:
    with steady("test:?dark=60", width=64, height=48) as camera:
        assert take_until(camera, lambda: camera.state != "ok")
        assert camera.state == "dark"
        assert take_one(camera).image.mean() < 8


# The newest frame


def test_a_slow_consumer_gets_new_frames_not_old_ones() -> None:
    with steady("test:", width=64, height=48, fps=60.0) as camera:
        take_one(camera)
        ages, count = [], 0
        for _ in range(40):
            time.sleep(3 / 60)
            frame = take_one(camera)
            ages.append(time.monotonic() - frame.captured)
            count += 1
        assert camera.dropped >= count
    # Shares of one run, because the machine may be busy: what queues would grow by 2 s in 2 s.
    assert np.median(ages[30:]) < np.median(ages[:10]) + 0.5


@pytest.mark.system
def test_a_consumer_three_times_too_slow_gets_no_older_frames_after_minutes() -> None:
    """R9 of the operations' table, for two minutes."""
    ages, begin = [], time.monotonic()
    with steady("test:", fps=30.0) as camera:
        while time.monotonic() - begin < 120:
            frame = take_one(camera)
            ages.append((time.monotonic() - begin, time.monotonic() - frame.captured))
            time.sleep(0.1)
        dropped = camera.dropped
    times, seconds = np.array(ages).T
    slope = np.polyfit(times, seconds, 1)[0] * 60
    print(  # noqa: T201
        f"{len(ages)} frames, {dropped} overtaken; age p50 {1e3 * np.median(seconds):.1f} ms, p99 "
        f"{1e3 * np.percentile(seconds, 99):.1f} ms, slope {1e3 * slope:.2f} ms a minute"
    )
    assert dropped > 1.5 * len(ages)
    assert abs(slope) < 0.005
    assert np.median(seconds) < 2 / 30


def test_a_frame_that_waited_for_nobody_is_not_given_late() -> None:
    with steady("test:", width=64, height=48) as camera:
        take_one(camera)
        child = only_child()
        os.kill(child, signal.SIGSTOP)
        while camera.take(0.1) is not None:
            pass
        os.kill(child, signal.SIGCONT)
        time.sleep(1.5)  # the frame that was asked for has come meanwhile
        dropped, awake = camera.dropped, time.monotonic()
        frame = take_one(camera)
        assert frame.captured > awake - 1.0
        assert camera.dropped > dropped
        assert camera.reopened == 0

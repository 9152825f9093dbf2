from __future__ import annotations

import errno
import fcntl
import itertools
import logging
import os
import re
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from edgehands.cameras import IMAGE_SUFFIXES, open_camera, split_source
from edgehands.cameras.file import VideoFile
from edgehands.cameras.newest import Newest
from edgehands.cameras.synthetic import SyntheticCamera
from edgehands.cameras.usb import UsbCamera
from edgehands.errors import (
    DeviceError,
    EdgeHandsError,
    InputError,
    RuntimeMissingError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from edgehands.hand import ImageArray

WIDTH, HEIGHT, FRAMES, FPS = 160, 120, 30, 25.0
RED = (200, 30, 10)


def picture(red: int, width: int = WIDTH, height: int = HEIGHT) -> ImageArray:
    """Plain RGB colour whose red tells the frame."""
    return np.full((height, width, 3), (red, 30, 10), np.uint8)


def write_video(path: Path, codec: str = "mp4v", frames: int = FRAMES) -> Path:
    code = cv2.VideoWriter_fourcc(*codec)  # type: ignore[attr-defined,unused-ignore]
    writer = cv2.VideoWriter(str(path), code, FPS, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for index in range(frames):
        writer.write(cv2.cvtColor(picture(40 + 6 * index), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "clip.mp4")


@pytest.fixture(scope="session")
def mjpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "clip.avi", "MJPG")


def media(name: str) -> Path:
    folder = os.environ.get("EDGEHANDS_MEDIA")
    if not folder:
        pytest.skip("EDGEHANDS_MEDIA names no folder of real clips")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"no {name} in EDGEHANDS_MEDIA")
    return path


# Names


@pytest.mark.parametrize(
    ("source", "split"),
    [
        ("0", ("usb", "/dev/video0")),
        ("12", ("usb", "/dev/video12")),
        ("/dev/video3", ("usb", "/dev/video3")),
        ("/dev/front_door", ("usb", "/dev/front_door")),
        ("/dev/shm/clip.mp4", ("file", "/dev/shm/clip.mp4")),
        ("usb:C920", ("usb", "C920")),
        ("USB:C920", ("usb", "C920")),
        ("clip.mp4", ("file", "clip.mp4")),
        ("file:clip.mp4", ("file", "clip.mp4")),
        ("file:///tmp/clip.mp4", ("file", "/tmp/clip.mp4")),
        ("file:a:b.mp4", ("file", "a:b.mp4")),
        ("a.PNG", ("images", "a.PNG")),
        ("file:a.jpg", ("images", "a.jpg")),
        ("frames/*.tif", ("images", "frames/*.tif")),
        ("images:anything", ("images", "anything")),
        ("synthetic:", ("synthetic", "")),
        ("csi:", ("csi", "")),
        ("argus:1", ("argus", "1")),
        ("gstreamer:videotestsrc ! identity", ("gstreamer", "videotestsrc ! identity")),
        ("rtsp://me@door:554/1", ("rtsp", "rtsp://me@door:554/1")),
        ("http://door/video", ("http", "http://door/video")),
        ("test:?stall=30@10", ("test", "?stall=30@10")),
    ],
)
def test_a_source_names_its_kind_of_camera(
    source: str, split: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert split_source(source) == split


def test_what_exists_is_a_path_whatever_it_looks_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("12:30.mp4", "usb:stick", "take[1].mp4"):
        Path(name).touch()
        assert split_source(name) == ("file", name)
    Path("frames.mp4").mkdir()
    assert split_source("frames.mp4") == ("images", "frames.mp4")


@pytest.mark.parametrize(
    ("source", "fragment"),
    [
        ("", "names nothing"),
        (" ", "names nothing"),
        ("file:", "names nothing"),
        ("ubs:C920", "did you mean 'usb'?"),
        ("gopher://door/stream", "choose usb, csi, argus, gstreamer, rtsp, "),
    ],
)
def test_a_source_that_means_nothing_is_a_usage_error(source: str, fragment: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_camera(source)
    assert fragment in str(caught.value)


@pytest.mark.parametrize("size", [{"width": 0}, {"height": -1}, {"fps": 0.0}, {"fps": np.nan}])
def test_sizes_and_rates_are_above_zero(size: dict[str, Any], clip: Path) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(size))} of camera .* above 0"):
        open_camera(str(clip), **size)


def test_importing_the_package_loads_no_opencv() -> None:
    program = "import sys, edgehands.cameras; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_opencv_the_error_says_what_to_install(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("edgehands.cameras.opencv", "edgehands.cameras.file"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(RuntimeMissingError, match="pip install opencv-python-headless"):
        open_camera(str(clip))


# Video files


@pytest.mark.parametrize("codec", ["clip", "mjpeg"])
def test_a_video_gives_all_frames_in_rgb_with_its_own_times(
    codec: str, request: pytest.FixtureRequest
) -> None:
    path: Path = request.getfixturevalue(codec)
    before = time.monotonic()
    with open_camera(str(path), width=640, fps=7.0) as camera:
        assert (camera.live, camera.length, camera.fps) == (False, FRAMES, FPS)
        assert camera.source == str(path)
        frames = list(camera)
        assert (camera.length, camera.dropped) == (FRAMES, 0)
    assert [frame.time for frame in frames] == pytest.approx([k / FPS for k in range(FRAMES)])
    captured = [before, *(frame.captured for frame in frames), time.monotonic()]
    assert captured == sorted(captured)
    for index, frame in enumerate(frames):
        assert frame.image.shape == (HEIGHT, WIDTH, 3)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
        mean = frame.image.mean(axis=(0, 1))
        assert np.abs(mean - (40 + 6 * index, 30, 10)).max() < 8
    assert not np.shares_memory(frames[3].image, frames[4].image)


def test_a_second_loop_goes_on_and_close_ends_it(clip: Path) -> None:
    camera = open_camera(f"file:{clip}")
    assert len(list(itertools.islice(camera, 10))) == 10
    assert next(camera).time == pytest.approx(10 / FPS)
    camera.close()
    camera.close()
    assert list(camera) == []


class FakeCapture:
    """A decoder or driver with the answers that are hard to make a real one give."""

    def __init__(
        self,
        times: list[float],
        properties: dict[int, float] | None = None,
        *,
        pause: float = 0.0,
        opened: bool = True,
        blocked: threading.Event | None = None,
    ) -> None:
        self.times = times
        self.properties = dict(properties or {})
        self.asked: list[tuple[int, float]] = []
        self.released = False
        self.spoilt: set[int] = set()
        self._pause = pause
        self._opened = opened
        self._blocked = blocked
        self._count = 0

    def isOpened(self) -> bool:  # noqa: N802
        return self._opened

    def grab(self) -> bool:
        time.sleep(self._pause)
        if self._blocked:
            self._blocked.wait(20)
        self._count += 1
        return self._count <= len(self.times)

    def retrieve(self) -> tuple[bool, ImageArray | None]:
        if self._count in self.spoilt:
            return False, None
        return True, picture(self._count)[:, :, ::-1].copy()

    def read(self) -> tuple[bool, ImageArray | None]:
        return self.retrieve() if self.grab() else (False, None)

    def get(self, name: int) -> float:
        if name == cv2.CAP_PROP_POS_MSEC:
            return self.times[self._count - 1] * 1000
        return self.properties.get(name, 0.0)

    def set(self, name: int, value: float) -> bool:
        self.asked.append((name, value))
        return True

    def release(self) -> None:
        self.released = True


def fake_capture(monkeypatch: pytest.MonkeyPatch, capture: FakeCapture) -> FakeCapture:
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: capture)
    return capture


@pytest.mark.parametrize(
    ("given", "rate", "expected"),
    [
        ([0.0, 0.1, 0.35], 10.0, [0.0, 0.1, 0.35]),
        ([0.5, 0.6], 10.0, [0.5, 0.6]),
        ([0.0, 0.1, 0.0, 0.0], 10.0, [0.0, 0.1, 0.2, 0.3]),
        ([0.0, 0.0, 0.0], 10.0, [0.0, 0.1, 0.2]),
        ([0.0, 0.3, 0.2, 0.5], 10.0, [0.0, 0.3, 0.4, 0.5]),
        ([-1.0, np.nan, np.inf], 10.0, [0.0, 0.1, 0.2]),
        ([0.0, 0.0], 0.0, [0.0, 0.2]),
        ([0.0, 0.0], 90000.0, [0.0, 0.2]),
    ],
    ids=["vary", "offset", "b-frames", "none", "backwards", "absurd", "no rate", "clock rate"],
)
def test_times_rise_whatever_the_container_says(
    given: list[float],
    rate: float,
    expected: list[float],
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_capture(monkeypatch, FakeCapture(given, {cv2.CAP_PROP_FPS: rate}))
    times = [frame.time for frame in VideoFile(clip, fps=5.0)]
    assert times == pytest.approx(expected)


@pytest.mark.parametrize("claim", [-9.2e18, 0.0, 9.2e18])
def test_an_absurd_length_is_not_known(
    claim: float, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_capture(monkeypatch, FakeCapture([0.0], {cv2.CAP_PROP_FRAME_COUNT: claim}))
    assert VideoFile(clip).length is None


def test_a_turned_video_comes_upright(clip: Path, tmp_path: Path) -> None:
    content = bytearray(clip.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40
    turned = (0, 1 << 16, 0, -(1 << 16) & 0xFFFFFFFF, 0, 0, 0, 0, 1 << 30)
    content[matrix : matrix + 36] = struct.pack(">9I", *turned)
    path = tmp_path / "turned.mp4"
    path.write_bytes(content)
    assert next(open_camera(str(path))).image.shape == (WIDTH, HEIGHT, 3)


def test_a_damaged_video_gives_what_it_has_and_says_so(
    mjpeg: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "half.avi"
    content = mjpeg.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    camera = open_camera(str(path))
    frames = list(camera)
    assert 0 < len(frames) < FRAMES
    assert camera.length == len(frames)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert f"only {len(frames)} of its {FRAMES} frames" in caplog.text


def test_a_whole_video_says_nothing(clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    list(open_camera(str(clip)))
    assert not caplog.records


def junk(folder: Path, name: str, clip: Path) -> Path:
    path = folder / name
    if name == "folder.mp4":
        path.mkdir()
    elif name != "missing.mp4":
        content = {
            "empty.mp4": b"",
            "text.mp4": b"this is text\n" * 200,
            "cut.mp4": clip.read_bytes()[:2000],
            "sound.mp4": b"ID3\x03" + bytes(6) + (b"\xff\xfb\x90\x64" + bytes(413)) * 50,
        }
        path.write_bytes(content[name])
    return path


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("missing.mp4", "no file"),
        ("empty.mp4", "is empty"),
        ("text.mp4", "is not a video"),
        ("cut.mp4", "is not a video"),
        ("sound.mp4", "is not a video"),
        ("folder.mp4", "no image in"),
    ],
)
def test_a_file_without_a_video_is_one_line(
    name: str, fragment: str, clip: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = junk(tmp_path, name, clip)
    with pytest.raises(InputError) as caught:
        open_camera(str(path))
    message = str(caught.value)
    assert fragment in message
    assert str(path) in message
    assert "\n" not in message
    assert caught.value.exit_code == 66
    # FFmpeg and OpenCV write past Python: nothing of theirs may stand beside our line.
    assert capfd.readouterr().err == ""


def test_a_bad_file_leaves_the_terminal_clean_and_opencvs_log_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("text")
    program = (
        "import sys, cv2\n"
        "from edgehands.cameras import open_camera\n"
        "level = getattr(getattr(cv2.utils, 'logging', None), 'getLogLevel', None)\n"
        "before = level() if level else 0\n"
        "try: open_camera(sys.argv[1])\n"
        "except OSError: pass\n"
        "sys.exit(level is not None and level() != before)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_a_video_without_a_frame_is_refused_when_it_is_opened(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = fake_capture(monkeypatch, FakeCapture([]))
    with pytest.raises(InputError, match="holds no frame"):
        open_camera(str(clip))
    assert capture.released


def test_a_relative_path_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=re.escape(f"'clip.mp4' in {tmp_path}:")):
        open_camera("clip.mp4")


def test_a_pipe_is_not_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(InputError, match="is not a file"):
        open_camera(str(tmp_path / "pipe.mp4"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_is_forbidden_says_so(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    for path in (folder / "clip.mp4", tmp_path / "clip.mp4", tmp_path / "photo.jpg"):
        path.write_bytes(clip.read_bytes())
        path.chmod(0)
    folder.chmod(0)
    for name in ("clip.mp4", "photo.jpg", "locked", "locked/clip.mp4", "locked/photo.jpg"):
        with pytest.raises(InputError, match="Permission denied; look at: ls -l"):
            open_camera(f"{tmp_path}/{name}")
    folder.chmod(0o700)


@pytest.mark.parametrize("suffix", [".mp4", ".png", ""])
def test_a_name_that_no_file_can_have_is_an_input_error(suffix: str) -> None:
    with pytest.raises(InputError, match="File name too long"):
        open_camera("x" * 300 + suffix)


def test_a_folder_that_cannot_be_listed_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match="Permission denied; look at: ls -l"):
        open_camera(str(tmp_path))


def test_the_sign_language_clip_has_its_325_frames() -> None:
    with open_camera(str(media("tfjs-models/asl_hand.25fps.mp4"))) as camera:
        times = [frame.time for frame in camera]
    assert len(times) == 325
    assert times == pytest.approx([k / 25 for k in range(325)], abs=1e-9)


# Images


def write_image(path: Path, image: ImageArray) -> None:
    assert cv2.imwrite(str(path), image)


def test_a_folder_of_images_comes_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 9, 1, 100):
        write_image(tmp_path / f"frame{number}.png", picture(number)[:, :, ::-1])
    (tmp_path / "notes.txt").write_text("not an image")
    with open_camera(f"{tmp_path}/") as camera:
        assert (camera.length, camera.fps, camera.live) == (4, 1.0, False)
        frames = list(camera)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 9, 10, 100]
    assert [frame.time for frame in frames] == [0.0, 1.0, 2.0, 3.0]
    frames = list(open_camera(f"images:{tmp_path}/frame1*.png", fps=2.0))
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 10, 100]
    assert [frame.time for frame in frames] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_every_kind_of_image_is_rgb(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"image{suffix.upper()}"
    write_image(path, picture(200)[:, :, ::-1].copy())
    (frame,) = open_camera(str(path))
    assert frame.image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(frame.image[5, 5].astype(int) - RED).max() < 10


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (np.full((4, 6), 77, np.uint8), (77, 77, 77)),
        (np.full((4, 6, 4), (10, 30, 200, 0), np.uint8), RED),
        (np.full((4, 6, 3), (10 * 257, 30 * 257, 200 * 257), np.uint16), RED),
    ],
    ids=["grey", "alpha", "16 bit"],
)
def test_other_pixels_become_rgb_bytes(
    stored: ImageArray, expected: tuple[int, int, int], tmp_path: Path
) -> None:
    write_image(tmp_path / "image.png", stored)
    (frame,) = open_camera(str(tmp_path / "image.png"))
    assert frame.image.shape == (4, 6, 3)
    assert frame.image.dtype == np.uint8
    assert frame.image.flags.c_contiguous
    assert tuple(frame.image[1, 1]) == expected


def test_a_photograph_comes_upright_by_its_exif(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    write_image(path, picture(200))
    content = path.read_bytes()
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    path.write_bytes(
        content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]
    )
    assert next(open_camera(str(path))).image.shape == (WIDTH, HEIGHT, 3)


def test_a_file_that_is_no_image_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_image(tmp_path / "1.png", picture(1))
    (tmp_path / "2.png").write_text("text")
    camera = open_camera(str(tmp_path / "*.png"))
    next(camera)
    with pytest.raises(InputError, match=r"2\.png' is not an image"):
        next(camera)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "fragment"),
    [("*.png", "no image in"), ("none.png", "no file"), ("", "no image in")],
)
def test_images_that_are_not_there(name: str, fragment: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=fragment):
        open_camera(f"images:{tmp_path}/{name}")


# The newest frame


def numbers(
    count: int, pause: float = 0.0, error: Exception | None = None
) -> Callable[[threading.Event], Generator[int, None, None]]:
    def produce(stop: threading.Event) -> Generator[int, None, None]:
        for number in range(count):
            if stop.wait(pause):
                return
            yield number
        if error:
            raise error

    return produce


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.001)


def test_the_newest_wins_and_the_overtaken_are_counted() -> None:
    go = [threading.Event() for _ in range(3)]

    def produce(_: threading.Event) -> Generator[int, None, None]:
        yield from (0, 1, 2)
        go[0].set()
        go[1].wait(5)
        yield from (3, 4)
        go[2].set()

    newest = Newest(produce, name="test")
    go[0].wait(5)
    assert (newest.take(5), newest.dropped) == (2, 2)
    go[1].set()
    go[2].wait(5)
    assert (newest.take(5), newest.dropped) == (4, 3)
    assert newest.take(5) is None


def test_nothing_is_given_twice_or_lost_uncounted() -> None:
    newest = Newest(numbers(2000), name="test")
    taken = []
    while (number := newest.take(5)) is not None:
        taken.append(number)
        time.sleep(0.0001)
    assert taken == sorted(set(taken))
    assert taken[-1] == 1999
    assert len(taken) + newest.dropped == 2000


def test_a_slow_producer_is_waited_for() -> None:
    newest = Newest(numbers(3, pause=0.3), name="test")
    assert [newest.take(5) for _ in range(4)] == [0, 1, 2, None]
    assert newest.dropped == 0


def test_the_producers_error_reaches_the_consumer_after_the_last_item() -> None:
    newest = Newest(numbers(1, error=DeviceError("unplugged")), name="test")
    assert newest.take(5) == 0
    for _ in range(2):
        with pytest.raises(DeviceError, match="unplugged"):
            newest.take(5)


def test_a_wait_can_be_limited() -> None:
    newest = Newest(numbers(1, pause=60), name="test")
    with pytest.raises(TimeoutError):
        newest.take(0.01)
    assert newest.close()


def test_close_ends_a_waiting_consumer_and_the_thread() -> None:
    newest = Newest(numbers(1, pause=60), name="to be closed")
    taken: list[int | None] = []
    consumer = threading.Thread(target=lambda: taken.append(newest.take(10)))
    consumer.start()
    assert newest.close()
    consumer.join(5)
    assert taken == [None]
    assert "to be closed" not in [thread.name for thread in threading.enumerate()]


def test_close_does_not_wait_for_a_producer_that_hangs() -> None:
    release = threading.Event()

    def produce(_: threading.Event) -> Generator[int, None, None]:
        release.wait(20)
        yield 1

    newest = Newest(produce, name="test")
    start = time.monotonic()
    assert not newest.close(timeout=0.05)
    assert time.monotonic() - start < 2
    assert newest.take(5) is None
    release.set()


# USB cameras


CAPTURE, METADATA = 0x84A00001, 0x84A00000


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /dev with two cameras, the first with a metadata node as every UVC camera has."""
    capabilities = {"video2": CAPTURE, "video3": METADATA, "video10": CAPTURE, "videoX": CAPTURE}
    for name in (*capabilities, "null"):
        (tmp_path / name).touch()
    links = tmp_path / "v4l" / "by-id"
    links.mkdir(parents=True)
    (links / "usb-Maker_C920_123-video-index0").symlink_to("../../video2")
    (links / "usb-Maker_C920_123-video-index1").symlink_to("../../video3")
    (links / "usb-Other_Cam_9-video-index0").symlink_to("../../video10")

    def ioctl(descriptor: int, request: int, answer: bytes) -> bytes:
        name = Path(os.readlink(f"/proc/self/fd/{descriptor}")).name  # noqa: PTH115
        if name not in capabilities:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        assert request == 0x80685600
        assert len(answer) == 104
        bits = capabilities[name]
        return struct.pack("16s32s32sIII12x", b"", b"", b"", 0, 0x84A00001, bits & 0x0FFFFFFF)

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    monkeypatch.setattr("edgehands.cameras.v4l2.DEV", tmp_path)
    return tmp_path


def usb_error(source: str) -> str:
    with pytest.raises(DeviceError) as caught:
        UsbCamera(source)
    assert caught.value.exit_code == 69
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_camera_is_found_by_a_part_of_its_name(dev: Path) -> None:
    from edgehands.cameras.v4l2 import find_device

    assert find_device("c920").path == str(dev / "video2")
    assert find_device("usb-Other_Cam_9-video-index0").path == str(dev / "video10")
    with pytest.raises(DeviceError, match=r"2 cameras match 'usb:usb'.*video2 .*video10 "):
        find_device("usb")
    with pytest.raises(DeviceError, match=r"no camera matches 'usb:Brio'; cameras here: .*video2"):
        find_device("Brio")
    with pytest.raises(DeviceError, match="2 cameras match 'usb:'"):
        find_device("")
    (dev / "v4l/by-id/usb-Other_Cam_9-video-index0-b").symlink_to("../../video2")
    assert find_device("usb-Other_Cam_9-video-index0").path == str(dev / "video10")
    (dev / "video10").unlink()
    assert find_device("").path == str(dev / "video2")


def test_a_missing_camera_lists_those_that_are_there(dev: Path) -> None:
    message = usb_error(str(dev / "video9"))
    assert message == (
        f"{dev}/video9 does not exist; cameras here: {dev}/video2 "
        f"(usb-Maker_C920_123-video-index0), {dev}/video10 (usb-Other_Cam_9-video-index0)"
    )


def test_a_missing_camera_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgehands.cameras.v4l2.DEV", tmp_path)
    message = usb_error(str(tmp_path / "video2"))
    assert message.endswith(
        "does not exist; no camera here: is it plugged in? look at: ls -l /dev/video*"
    )


def test_a_device_that_is_no_camera(dev: Path) -> None:
    assert "is not a V4L2 camera; cameras here" in usb_error(str(dev / "null"))
    assert "captures no video" in usb_error(str(dev / "video3"))


@pytest.mark.parametrize(
    ("code", "fragment"),
    [
        (errno.EACCES, "belong to the group video: sudo usermod -aG video"),
        (errno.EBUSY, "is used by another program; see which: fuser -v"),
        (errno.ENODEV, "does not answer (No such device)"),
    ],
)
def test_a_camera_that_cannot_be_used_says_why(
    code: int, fragment: str, dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", refuse)
    assert fragment in usb_error(str(dev / "video2"))


def test_a_camera_that_opencv_cannot_open(dev: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_capture(monkeypatch, FakeCapture([], opened=False))
    assert "cannot be opened: another program may use it" in usb_error(str(dev / "video2"))


def test_a_usb_camera_is_asked_for_mjpeg_first_and_one_buffer(
    dev: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    properties = {
        cv2.CAP_PROP_FRAME_WIDTH: 640.0,
        cv2.CAP_PROP_FRAME_HEIGHT: 480.0,
        cv2.CAP_PROP_FPS: 15.0,
    }
    capture = fake_capture(monkeypatch, FakeCapture([0.0] * 99, properties, pause=0.001))
    with UsbCamera(str(dev / "video2"), width=1280, height=720, fps=30.0) as camera:
        assert (camera.live, camera.length, camera.fps) == (True, None, 15.0)
    (name, value), *others = capture.asked
    assert name == cv2.CAP_PROP_FOURCC
    assert int(value) == int.from_bytes(b"MJPG", "little")
    assert set(others) == {
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 30.0),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    }
    assert "gives 640×480, not 1280×720" in caplog.text
    assert capture.released


def test_a_usb_camera_gives_the_newest_frame_and_then_its_loss(
    dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = fake_capture(monkeypatch, FakeCapture([0.0] * 5))
    camera = UsbCamera(str(dev / "video2"))
    wait_for(lambda: capture.released)
    before = time.monotonic()
    frame = next(camera)
    assert tuple(frame.image[0, 0]) == (5, 30, 10)
    assert camera.dropped == 4
    assert before - 5 < frame.captured == frame.time < before
    with pytest.raises(DeviceError, match="stopped giving frames; look at: dmesg"):
        next(camera)
    camera.close()


def test_the_drivers_time_stamps_are_used_where_they_can_be(
    dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(1000.0, 0.1)
    monkeypatch.setattr("edgehands.cameras.usb.time", SimpleNamespace(monotonic=clock.__next__))
    stamps = [998.0, 1000.08, 1000.08, 0.0, 1e9, np.nan, 1000.57]
    fake_capture(monkeypatch, FakeCapture(stamps))
    monkeypatch.setattr("edgehands.cameras.live.Newest", lambda *_, **__: None)
    camera = UsbCamera(str(dev / "video2"))
    frames = list(itertools.islice(camera._frames(threading.Event()), len(stamps)))
    expected = [1000.0, 1000.08, 1000.2, 1000.3, 1000.4, 1000.5, 1000.57]
    assert [frame.captured for frame in frames] == pytest.approx(expected)


def test_a_driver_that_hangs_stops_neither_reading_nor_closing(
    dev: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Newest.close, "__defaults__", (0.05,))
    blocked = threading.Event()
    capture = fake_capture(monkeypatch, FakeCapture([0.0], blocked=blocked))
    camera = UsbCamera(str(dev / "video2"), patience=0.05)
    with pytest.raises(DeviceError, match=r"gave no frame for 0\.05 s"):
        next(camera)
    camera.close()
    assert "the driver hangs" in caplog.text
    assert not capture.released
    blocked.set()
    wait_for(lambda: capture.released)


# The synthetic camera


class Clock:
    """A scene whose picture shows the time it was asked for."""

    def __init__(self, pause: float = 0.0) -> None:
        self.times: list[float] = []
        self._pause = pause

    def frame_at(self, time_: float, /) -> tuple[ImageArray, None]:
        self.times.append(time_)
        time.sleep(self._pause)
        return picture(round(time_ * 100)), None


def test_the_synthetic_camera_keeps_the_pace_of_a_live_one() -> None:
    start = time.monotonic()
    with SyntheticCamera(Clock(), fps=50.0) as camera:
        assert (camera.live, camera.length, camera.fps) == (True, None, 50.0)
        frames = list(itertools.islice(camera, 11))
    assert 0.19 < time.monotonic() - start < 1.0
    for frame in frames:
        assert round(frame.time * 50) == pytest.approx(frame.time * 50)
        assert frame.image[0, 0, 0] == round(frame.time * 100)
        assert 0.0 <= frame.captured - start - frame.time < 0.5


def test_a_slow_scene_gives_fewer_frames_not_late_ones() -> None:
    scene = Clock(pause=0.05)
    with SyntheticCamera(scene, fps=100.0) as camera:
        *_, last = itertools.islice(camera, 5)
    assert last.time > 0.15
    assert len(scene.times) <= 6 + camera.dropped


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("synthetic:", {"width": 640, "height": 480, "seed": 0}),
        ("synthetic:?seed=3", {"width": 640, "height": 480, "seed": 3}),
    ],
)
def test_the_synthetic_camera_films_the_show(
    source: str, expected: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def stream(**arguments: object) -> Clock:
        asked.update(arguments)
        return Clock()

    # The real one would draw its sprites first, for half a minute.
    module = SimpleNamespace(SyntheticStream=stream)
    monkeypatch.setitem(sys.modules, "edgehands.synthetic.stream", module)
    with open_camera(source) as camera:
        assert camera.fps == 30.0
        assert next(camera).time == 0.0
    asked.pop("progress")
    assert asked == expected


@pytest.mark.parametrize("address", ["x", "?seed=x", "?seed=-1", "?seed=1&side=2", "?seed"])
def test_the_synthetic_camera_knows_only_its_seed(address: str) -> None:
    with pytest.raises(UsageError, match=r"write synthetic: or synthetic:\?seed=3"):
        open_camera(f"synthetic:{address}")


def test_every_error_of_a_camera_has_an_exit_code() -> None:
    for source in ("no.mp4", "/dev/video999", "nonsense:x"):
        with pytest.raises(EdgeHandsError) as caught:
            open_camera(source)
        assert caught.value.exit_code in {2, 66, 69}

"""What every camera promises, tried with every kind of camera, in this process and in its own."""

from __future__ import annotations

import importlib.util
import itertools
import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edgehands.cameras import LIVE, Camera, open_camera, open_steady_camera, split_source
from edgehands.cameras.synthetic import SyntheticCamera
from edgehands.cameras.usb import UsbCamera
from edgehands.errors import RuntimeMissingError, UsageError
from edgehands.synthetic import DEMO_CLIP
from tests.streams import StreamCamera

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edgehands.frame import Frame
    from edgehands.hand import ImageArray

    Open = Callable[[str], Camera]

# Debian's PyGObject is older than its Python would like it to be.
pytestmark = pytest.mark.filterwarnings("ignore:DynamicImporter:ImportWarning")

SYSTEM_PACKAGES = "/usr/lib/python3/dist-packages"
"""Where Debian has PyGObject, which comes from nowhere else."""
PATIENT = 20.0

# As much of picamera2 as is used: a camera that numbers its frames. Its "BGR888" is R, G, B in
# memory, and its clock is CLOCK_BOOTTIME.
PICAMERA2 = """
import time
import numpy as np

class Picamera2:
    def __init__(self, number):
        if number > 0:
            raise IndexError("list index out of range")
        self.count = 0
        self.running = False

    def create_video_configuration(self, main, controls, buffer_count, queue):
        assert main["format"] == "BGR888" and not queue
        return {"size": main["size"], "rate": controls.get("FrameRate", 30)}

    def configure(self, config):
        self.config = config

    def start(self):
        if self.config["size"][0] == 13:
            raise RuntimeError("Failed to start camera: Invalid argument")
        self.running = True

    def capture_arrays(self, names):
        assert names == ["main"] and self.running
        time.sleep(1 / self.config["rate"])
        self.count += 1
        if self.config["size"][0] == 666 and self.count > 3:
            raise RuntimeError("Camera frontend has timed out!")
        width, height = self.config["size"]
        image = np.full((height, width, 3), (200, 30, self.count % 256), np.uint8)
        image[::7, ::5] = self.count % 7
        taken = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 5_000_000
        return [image], {"SensorTimestamp": taken}

    def close(self):
        self.running = False
"""


class Scene:
    def frame_at(self, time: float, /) -> tuple[ImageArray, None]:
        return np.full((48, 64, 3), round(time * 100) % 256, np.uint8), None


class Capture:
    """A V4L2 device for OpenCV."""

    def __init__(self) -> None:
        self._count = 0

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def grab(self) -> bool:
        time.sleep(0.01)
        self._count += 1
        return True

    def retrieve(self) -> tuple[bool, ImageArray]:
        return True, np.full((48, 64, 3), self._count % 256, np.uint8)

    def get(self, name: int) -> float:
        return {cv2.CAP_PROP_FPS: 100.0}.get(name, 0.0)

    def set(self, *_: object) -> bool:
        return True

    def release(self) -> None:
        pass


@pytest.fixture
def picamera2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "picamera2.py").write_text(PICAMERA2)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)


@pytest.fixture
def gstreamer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, SYSTEM_PACKAGES])
    if importlib.util.find_spec("gi") is None:
        pytest.skip("no PyGObject: apt install python3-gi")
    from edgehands.cameras import gstreamer

    try:
        gstreamer.open_camera("videotestsrc num-buffers=1").close()
    except RuntimeMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(
    params=[
        *("file", "loop", "images", "synthetic", "usb", "test", "csi", "gstreamer", "http", "rtsp"),
        *("steady file", "steady loop", "steady images", "steady test", "steady csi"),
        *("steady gstreamer", "steady http", "steady rtsp"),
    ]
)
def camera(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Camera]:
    """One of each kind."""
    how, _, kind = str(request.param).rpartition(" ")
    opening: Callable[..., Camera] = open_steady_camera if how else open_camera
    with ExitStack() as opened:
        if kind == "file":
            yield opened.enter_context(opening(str(DEMO_CLIP)))
        elif kind == "loop":
            yield opened.enter_context(opening(f"loop:{DEMO_CLIP}"))
        elif kind == "images":
            for number in range(40):
                cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((48, 64, 3), number, np.uint8))
            yield opened.enter_context(opening(str(tmp_path)))
        elif kind == "synthetic":
            yield opened.enter_context(SyntheticCamera(Scene(), fps=100.0))
        elif kind == "usb":
            monkeypatch.setattr("edgehands.cameras.usb.check_device", lambda _: None)
            monkeypatch.setattr(cv2, "VideoCapture", lambda *_: Capture())
            yield opened.enter_context(UsbCamera("/dev/video0"))
        elif kind == "test":
            yield opened.enter_context(opening("test:", width=64, height=48, fps=100.0))
        elif kind == "csi":
            request.getfixturevalue("picamera2")
            yield opened.enter_context(opening("csi:", width=64, height=48, fps=100.0))
        elif kind == "gstreamer":
            request.getfixturevalue("gstreamer")
            pipeline = "gstreamer:videotestsrc is-live=true pattern=snow"
            yield opened.enter_context(opening(pipeline, width=66, height=48, fps=50.0))
        else:
            server = opened.enter_context(StreamCamera(kind))  # type: ignore[arg-type]
            yield opened.enter_context(opening(server.url))


def take(camera: Camera, count: int) -> list[Frame]:
    limit = time.monotonic() + PATIENT
    frames: list[Frame] = []
    while len(frames) < count:
        assert time.monotonic() < limit, (camera.state, camera.reason)
        frame = camera.take(0.2)
        if frame is not None:
            frames.append(frame)
    return frames


def test_a_camera_keeps_its_promises(camera: Camera) -> None:
    before = time.monotonic()
    (first,) = take(camera, 1)
    assert camera.state == "ok"
    assert camera.reason is None
    assert iter(camera) is camera
    frames = [first, *itertools.islice(camera, 4), *take(camera, 10)]
    copies = [frame.image.copy() for frame in frames]
    take(camera, 3)
    # Whoever keeps a frame keeps it as it was.
    assert all(np.array_equal(a.image, b) for a, b in zip(frames, copies, strict=True))
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(copies))
    for frame in frames:
        assert frame.image.shape == first.image.shape
        assert frame.image.shape[2] == 3
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))
    captured = [frame.captured for frame in frames]
    assert captured == sorted(captured)
    assert before - 30 < captured[0]
    assert captured[-1] <= time.monotonic()
    assert 1 <= camera.fps <= 1000
    assert camera.rejected == camera.reopened == 0
    assert camera.live == (camera.length is None)


def test_another_thread_can_close_a_camera_which_is_then_at_its_end(camera: Camera) -> None:
    take(camera, 1)
    ended = threading.Event()

    def go_on() -> None:
        for _ in camera:
            time.sleep(0.0 if camera.live else 0.2)
        ended.set()

    threading.Thread(target=go_on, daemon=True).start()
    time.sleep(0.05)
    camera.close()
    assert ended.wait(PATIENT)
    camera.close()
    with pytest.raises(StopIteration):
        camera.take(0.1)
    assert list(camera) == []


def test_every_live_kind_is_tried_here_or_is_of_another_kind() -> None:
    tried = {"loop", "usb", "csi", "gstreamer", "http", "rtsp", "synthetic", "test"}
    assert tried | {"argus", "https", "rtsps"} == LIVE


# What only some of them can get wrong


@pytest.mark.usefixtures("picamera2")
def test_a_ribbon_camera_gives_red_first_and_the_sensors_time() -> None:
    with open_camera("csi:0", width=64, height=48) as camera:
        frames = take(camera, 3)
        now = time.monotonic()
    assert tuple(frames[0].image[1, 1]) == (200, 30, 1)
    for frame in frames:
        assert 0.005 <= now - frame.captured < 5
        assert frame.time == frame.captured


@pytest.mark.usefixtures("picamera2")
@pytest.mark.parametrize(
    ("source", "width", "fragment"),
    [
        ("csi:1", 64, "csi:1: no such camera, or another program has it"),
        ("csi:", 13, "cannot be started (Failed to start camera: Invalid argument)"),
        ("csi:", 666, "stopped giving frames (Camera frontend has timed out!)"),
    ],
)
def test_a_ribbon_camera_that_fails_says_why_and_is_waited_for(
    source: str, width: int, fragment: str
) -> None:
    limit = time.monotonic() + PATIENT
    with open_steady_camera(source, width=width, height=48) as camera:
        while camera.state != "lost":
            camera.take(0.1)
            assert time.monotonic() < limit
        assert fragment in str(camera.reason)


def test_without_picamera2_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(RuntimeMissingError, match="sudo apt install python3-picamera2"):
        open_camera("csi:")


def test_without_pygobject_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gi", None)
    for source in ("gstreamer:videotestsrc", "argus:"):
        with pytest.raises(RuntimeMissingError, match="sudo apt install python3-gi"):
            open_camera(source)


@pytest.mark.parametrize("source", ["csi:front", "argus:x", "gstreamer:", "gstreamer: "])
def test_an_address_that_means_nothing_is_a_usage_error(source: str) -> None:
    with pytest.raises(UsageError):
        open_camera(source)


@pytest.mark.usefixtures("gstreamer")
def test_a_pipeline_gives_rgb_whatever_comes_and_at_the_size_asked_for() -> None:
    source = "gstreamer:videotestsrc is-live=true pattern=red ! video/x-raw,format=YUY2"
    for width, height in ((None, None), (65, 33)):
        with open_camera(source, width=width, height=height) as camera:
            (frame,) = take(camera, 1)
        assert frame.image.shape == (height or 240, width or 320, 3)
        # GStreamer's scaler invents colours for the last columns of an odd width.
        assert np.abs(frame.image[:, :-4].astype(int) - (255, 0, 0)).max() < 8


@pytest.mark.usefixtures("gstreamer")
def test_a_pipeline_is_slowed_down_to_the_rate_asked_for() -> None:
    with open_camera("gstreamer:videotestsrc is-live=true", fps=10.0) as camera:
        frames = take(camera, 6)
    assert np.median(np.diff([frame.time for frame in frames])) > 0.09


@pytest.mark.usefixtures("gstreamer")
def test_a_pipeline_that_cannot_work_says_why() -> None:
    with pytest.raises(UsageError, match="GStreamer does not understand the pipeline: "):
        open_camera("gstreamer:videotestsrc ! ! x")
    with pytest.raises(RuntimeMissingError, match='no element "nvarguscamerasrc"'):
        open_camera("argus:")
    limit = time.monotonic() + PATIENT
    with open_steady_camera("gstreamer:filesrc location=/none ! decodebin") as camera:
        while camera.state != "lost":
            camera.take(0.1)
            assert time.monotonic() < limit
        assert "the pipeline does not start" in str(camera.reason)


def test_a_jetsons_pipeline_is_the_one_of_its_guide() -> None:
    from edgehands.cameras.argus import pipeline

    assert pipeline(1, 1280, 720, 59.94) == (
        "nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),width=1280,height=720,"
        "framerate=60/1 ! nvvidconv ! video/x-raw,format=BGRx"
    )
    assert split_source("argus:1") == ("argus", "1")

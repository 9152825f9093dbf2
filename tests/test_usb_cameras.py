"""USB cameras: how they are found, asked, read and lost."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import struct
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from edgehands.cameras.newest import Newest
from edgehands.cameras.usb import UsbCamera
from edgehands.errors import (
    DeviceError,
)
from tests.brokers import wait_for
from tests.captures import (
    FakeCapture,
    fake_capture,
)

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

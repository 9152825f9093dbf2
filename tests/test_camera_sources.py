"""What a source names, and what opening any camera has in common."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehands.cameras import open_camera, split_source
from edgehands.errors import (
    EdgeHandsError,
    RuntimeMissingError,
    UsageError,
)


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


def test_every_error_of_a_camera_has_an_exit_code() -> None:
    for source in ("no.mp4", "/dev/video999", "nonsense:x"):
        with pytest.raises(EdgeHandsError) as caught:
            open_camera(source)
        assert caught.value.exit_code in {2, 66, 69}

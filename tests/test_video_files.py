"""Video files as cameras: their frames, their times, and what is wrong with them."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import re
import struct
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgehands.cameras import open_camera
from edgehands.cameras.file import VideoFile
from edgehands.errors import (
    InputError,
)
from tests.captures import (
    FPS,
    FRAMES,
    HEIGHT,
    WIDTH,
    FakeCapture,
    fake_capture,
    write_video,
)


@pytest.fixture(scope="session")
def mjpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "clip.avi", "MJPG")


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


def test_the_sign_language_clip_has_its_325_frames(media: Path) -> None:
    with open_camera(str(media / "tfjs-models/asl_hand.25fps.mp4")) as camera:
        times = [frame.time for frame in camera]
    assert len(times) == 325
    assert times == pytest.approx([k / 25 for k in range(325)], abs=1e-9)

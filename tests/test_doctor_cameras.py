"""What doctor says of the config's cameras, each asked as far as it can be without opening it."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edgehands import isolated
from edgehands.doctor import sources
from edgehands.doctor.devices import check_cameras
from edgehands.doctor.findings import Machine
from edgehands.isolated import Ending

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgehands.doctor.findings import Finding

SYSTEM_PACKAGES = "/usr/lib/python3/dist-packages"
"""Where Debian has PyGObject, which comes from nowhere else."""
CANARY = "canary-5f31aa"


@pytest.fixture
def listening() -> Iterator[int]:
    """The port of somebody on this machine who never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def look(tmp_path: Path, *named: str) -> Finding:
    machine = Machine(root=tmp_path, cameras=list)
    (tmp_path / "dev/dma_heap").mkdir(parents=True, exist_ok=True)
    (tmp_path / "dev/dma_heap/linux,cma").touch()
    (finding,) = check_cameras(machine, named)
    return finding


def test_a_network_camera_that_answers_is_there_and_its_secrets_are_not_told(
    tmp_path: Path, listening: int
) -> None:
    found = look(
        tmp_path,
        f"rtsp://me:{{password}}@127.0.0.1:{listening}/live",
        f"http://localhost:{listening}/a.mjpg?pwd={CANARY}",
    )
    assert (found.level, found.what) == (
        "ok",
        f"127.0.0.1 answers on port {listening}, localhost answers on port {listening}",
    )


@pytest.mark.parametrize(
    ("source", "words", "code"),
    [
        (f"rtsp://127.0.0.1:1/live?token={CANARY}", "127.0.0.1 port 1: Connection refused", 69),
        ("rtsp://nowhere.invalid/live", "nowhere.invalid port 554: ", 69),
        ("https://nowhere.invalid/live", "nowhere.invalid port 443: ", 69),
        ("rtsp://127.0.0.1:99999/live", "Port out of range", 78),
        ("rtsp:///live", "names no host", 78),
        ("csi:", "csi: needs picamera2, which cannot be imported", 69),
        ("csi:front", "write csi: or csi:1", 78),
        ("argus:", "needs PyGObject and GStreamer", 69),
        ("gstreamer:videotestsrc", "needs PyGObject and GStreamer", 69),
        ("nothing.mp4", "no file 'nothing.mp4'", 69),
        ("loop:nothing.mp4", "no file 'nothing.mp4'", 69),
        ("images:nothing", "no file 'nothing'", 69),
    ],
)
def test_a_camera_that_cannot_be_opened_is_told_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, words: str, code: int
) -> None:
    for library in ("picamera2", "gi"):
        (tmp_path / f"{library}.py").write_text("raise ImportError('broken')\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = look(tmp_path, source)
    assert (found.level, found.exit_code) == ("error", code)
    assert words in found.what
    assert CANARY not in found.what + found.means + found.mend


def test_a_ribbon_camera_is_found_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "picamera2.py").write_text(
        "class Picamera2:\n"
        "    @staticmethod\n"
        "    def global_camera_info():\n"
        "        return [{'Model': 'imx708', 'Num': 0}]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert look(tmp_path, "csi:").what == "csi:0 imx708"
    assert "csi:1: libcamera sees 1 of them" in look(tmp_path, "csi:1").what


@pytest.mark.parametrize(
    ("library", "words"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", "died by signal SIGSEGV"),
        ("raise OSError('libcamera.so: wrong ABI')\n", "libcamera.so: wrong ABI"),
        ("import time\ntime.sleep(60)\n", "hung while looking for a csi camera: killed after"),
    ],
)
def test_a_library_that_crashes_or_hangs_takes_nobody_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, words: str
) -> None:
    (tmp_path / "picamera2.py").write_text(library)
    monkeypatch.syspath_prepend(tmp_path)
    if "sleep" in library:
        monkeypatch.setattr(sources, "_SECONDS", 2.0)
    assert words in look(tmp_path, "csi:").what


def test_a_host_that_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = Ending("timed out", "hung while looking for a rtsp camera: killed after 10 s")
    monkeypatch.setattr(isolated, "run", lambda *_: silent)
    found = look(tmp_path, f"rtsp://me@cam/live?token={CANARY}")
    assert "looked for in another process, hung" in found.what
    assert CANARY not in found.what


def test_a_pipeline_is_read_and_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, SYSTEM_PACKAGES])
    if importlib.util.find_spec("gi") is None:
        pytest.skip("no PyGObject: apt install python3-gi")
    good = look(tmp_path, "gstreamer:filesrc location=/none ! decodebin")
    if "cannot be imported" in good.what or "needs PyGObject" in good.what:
        pytest.skip(good.what)
    assert (good.level, good.what[:25]) == ("ok", "a pipeline that GStreamer")
    secret = look(tmp_path, "gstreamer:rtspsrc location=rtsp://cam user-pw={password}")
    assert secret.level == "ok" or "no element" in secret.what
    bad = look(tmp_path, "gstreamer:videotestsrc ! ! x")
    assert "GStreamer does not understand the pipeline" in bad.what
    assert bad.exit_code == 78
    absent = look(tmp_path, f"gstreamer:nosuchthing password={CANARY}")
    assert 'no element "nosuchthing"' in absent.what
    assert CANARY not in absent.what


def test_the_command_tries_the_cameras_of_the_config(tmp_path: Path, listening: int) -> None:
    config = tmp_path / "edgehands.toml"
    config.write_text(
        f'[[camera]]\nsource = "rtsp://127.0.0.1:{listening}/x"\nname = "a"\n'
        '[[camera]]\nsource = "rtsp://127.0.0.1:1/x"\nname = "b"\n'
    )
    answer = subprocess.run(
        [sys.executable, "-m", "edgehands", "doctor", "--json", "--config", config],
        env={**os.environ, "EDGEHANDS_MODELS": str(tmp_path)},  # which spares it the backends
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    findings = json.loads(answer.stdout)["findings"]
    (camera,) = [each for each in findings if each["check"] == "cameras"]
    assert camera["what"].startswith("the config's camera 'rtsp://127.0.0.1:1/x': ")

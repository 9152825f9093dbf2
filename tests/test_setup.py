"""`edgehands setup`: from nothing to a config file that works, with and without questions."""

from __future__ import annotations

import importlib.util
import os
import pty
import pwd
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from edgehands.cameras.v4l2 import Device
from edgehands.cli.commands import app
from edgehands.config import load_config
from edgehands.models.store import ENVIRONMENT_VARIABLE, destination
from edgehands.mqtt.settings import MqttConfig
from edgehands.setup import cameras
from edgehands.synthetic import DEMO_CLIP
from tests.brokers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.brokers import Mosquitto

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("models")]


def setup(folder: Path, *words: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "edgehands", "setup", "--yes", "--config", "made.toml", *words],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def broker_in(path: Path) -> MqttConfig:
    (broker,) = (output for output in load_config(path).output if isinstance(output, MqttConfig))
    return broker


def test_from_nothing_to_a_config_that_runs(
    tmp_path: Path, start_broker: Callable[..., Mosquitto]
) -> None:
    broker = start_broker()
    url = f"mqtt://127.0.0.1:{broker.port}"
    clip = Path(os.path.relpath(DEMO_CLIP, tmp_path))
    said = setup(
        tmp_path, "--camera", str(clip), "--broker", url, "--name", "Mirror", "--node", "m1"
    )
    config = load_config(tmp_path / "made.toml")
    # The service starts in another folder.
    assert config.camera[0].source == f"file:{clip.absolute()}" or Path(
        config.camera[0].source.removeprefix("file:")
    ).samefile(DEMO_CLIP)
    made = broker_in(tmp_path / "made.toml")
    assert (made.url, made.name, made.node) == (url, "Mirror", "m1")
    assert "answers; this device is m1" in said
    assert "no sign of it there" in said
    assert (tmp_path / "edgehands-setup.jpg").stat().st_size > 10_000
    ran = subprocess.run(
        [sys.executable, "-m", "edgehands", "run", "--config", "made.toml"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert '"event_type":"open_palm"' in ran.stdout


def test_the_comments_of_the_sample_stay(tmp_path: Path) -> None:
    setup(tmp_path, "--camera", "synthetic:", "--broker", "none")
    text = (tmp_path / "made.toml").read_text(encoding="utf-8")
    assert text.count("\n#") > 200
    assert 'source = "synthetic:"' in text
    assert not re.search(r'^type = "mqtt"', text, re.MULTILINE)


def test_a_second_time_changes_only_what_is_said(tmp_path: Path) -> None:
    setup(tmp_path, "--camera", "synthetic:", "--broker", "none")
    path = tmp_path / "made.toml"
    path.write_text(
        path.read_text(encoding="utf-8") + "\n# mine\n[gestures.fist]\nenabled = false\n"
    )
    before = path.read_text(encoding="utf-8")
    assert "stays as it is" in setup(tmp_path)
    assert path.read_text(encoding="utf-8") == before
    setup(tmp_path, "--model", "light")
    after = path.read_text(encoding="utf-8")
    config = load_config(path)
    assert config.tracker.model == "light"
    assert not config.gestures["fist"].enabled
    changed = [
        pair
        for pair in zip(before.splitlines(), after.splitlines(), strict=True)
        if len(set(pair)) > 1
    ]
    assert changed == [('#model = "full"', 'model = "light"')]


def test_what_does_not_work_yet_is_said_and_written(tmp_path: Path) -> None:
    said = setup(
        tmp_path, "--camera", "/dev/video77", "--broker", f"mqtt://127.0.0.1:{free_port()}"
    )
    assert "/dev/video77 does not work yet" in said
    assert "nothing listens there" in said
    assert load_config(tmp_path / "made.toml").camera[0].source == "/dev/video77"


def test_what_gives_pictures_stands_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("unicam-image", "bcm2835-isp-capture0", "rp1-cfe-csi2_ch0", "pispbe-output0", "Old TV")
    for number, name in enumerate(names):
        (tmp_path / f"video{number}").mkdir()
        (tmp_path / f"video{number}/name").write_text(f"{name}\n", encoding="ascii")
    devices = [Device(f"/dev/video{number}", ()) for number in range(len(names))]
    devices.append(Device("/dev/video9", ("usb-Maker_Webcam-index0",)))
    monkeypatch.setattr(cameras, "_NAMES", tmp_path)
    monkeypatch.setattr(cameras, "find_devices", lambda: devices)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    assert [each.source for each in cameras.candidates()] == [
        *("usb:usb-Maker_Webcam-index0", "csi:", "/dev/video4", "synthetic:")
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes nobody who typed sudo")
def test_under_sudo_it_takes_the_models_and_leaves_the_picture_to_who_typed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = next(entry for entry in pwd.getpwall() if entry.pw_uid not in {0, 65534})
    home = tmp_path / "home"
    folder = home / ".local/share/edgehands/models"
    folder.parent.mkdir(parents=True)
    folder.symlink_to(destination())
    monkeypatch.setattr(pwd, "getpwuid", lambda _: pwd.struct_passwd((*caller[:5], str(home), "")))
    monkeypatch.setenv("SUDO_UID", str(caller.pw_uid))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "roots"))
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(app, ["setup", "--yes", "--config", "c", "--camera", "synthetic:"])
    assert "Models: here, and right." in said.stdout
    os.environ.pop(ENVIRONMENT_VARIABLE)  # set by it for its own run
    assert (tmp_path / "edgehands-setup.jpg").stat().st_uid == caller.pw_uid


def test_a_folder_that_cannot_be_written_says_nothing_against_the_camera(tmp_path: Path) -> None:
    (tmp_path / "edgehands-setup.jpg").mkdir()
    said = setup(tmp_path, "--camera", "synthetic:")
    assert "does not work" not in said
    assert "in view: cannot write" in said


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--camera", "wifi:3"], 2, "no camera kind 'wifi'"),
        (["--broker", "http://here"], 2, "broker"),
        (["--broker", "mqtt://me:secret@here"], 2, "everybody could read it"),
        (["--model", "huge"], 78, "huge"),
    ],
)
def test_a_wrong_answer_is_one_line_and_writes_nothing(
    tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    said = setup(tmp_path, "--camera", "synthetic:", *words, code=code)
    assert message in said
    assert "secret" not in said
    assert not (tmp_path / "made.toml").exists()


def test_a_password_goes_into_a_file_of_its_own(
    tmp_path: Path, start_broker: Callable[..., Mosquitto]
) -> None:
    given = tmp_path / "given"
    given.write_text("open sesame\n", encoding="ascii")
    given.chmod(0o600)
    users = tmp_path / "users"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(users), "ali", "open sesame"], check=True)
    users.chmod(0o644)
    lines = ("listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {users}")
    broker = start_broker(*lines)
    url = f"mqtt://ali@127.0.0.1:{broker.port}"
    said = setup(tmp_path, "--camera", "synthetic:", "--broker", url, "--password-file", str(given))
    assert "answers" in said
    assert "sesame" not in said
    kept = tmp_path / "mqtt-password"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_text(encoding="ascii") == "open sesame\n"
    assert Path(str(broker_in(tmp_path / "made.toml").password_file)).samefile(kept)
    assert "sesame" not in (tmp_path / "made.toml").read_text(encoding="utf-8")


def test_home_assistant_is_noticed(tmp_path: Path, start_broker: Callable[..., Mosquitto]) -> None:
    broker = start_broker()
    url = f"mqtt://127.0.0.1:{broker.port}"
    publish = ["mosquitto_pub", "-p", str(broker.port), "-r", "-m", "online"]
    subprocess.run([*publish, "-t", "homeassistant/status"], check=True)
    assert "it uses this broker" in setup(tmp_path, "--camera", "synthetic:", "--broker", url)


def test_questions_are_answered_one_by_one(
    tmp_path: Path, start_broker: Callable[..., Mosquitto]
) -> None:
    broker = start_broker()
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "edgehands", "setup", "--config", "made.toml"],
        cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = expect(mine, "rtsp://host/path")
    number = re.search(r"(\d+)  no camera: drawn hands", shown)
    assert number
    os.write(mine, f"{number[1]}\n".encode())
    expect(mine, "Broker, mqtt")
    os.write(mine, f"mqtt://127.0.0.1:{broker.port}\n".encode())
    expect(mine, "edgehands run --config made.toml")
    assert process.wait(30) == 0
    os.close(mine)
    assert load_config(tmp_path / "made.toml").camera[0].source == "synthetic:"
    assert broker_in(tmp_path / "made.toml").url.endswith(str(broker.port))


def expect(terminal: int, words: str, seconds: float = 60.0) -> str:
    """Read until some words were shown, and return everything before them."""
    shown, end = "", time.monotonic() + seconds
    while words not in shown:
        assert time.monotonic() < end, shown
        shown += os.read(terminal, 65536).decode(errors="replace")
    return shown

"""A camera's password: where it is found, where it is put, and that nobody sees it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from edgehands import config_shown, passwords
from edgehands.cameras import open_camera, open_steady_camera
from edgehands.cameras.passwords import (
    find_password,
    hide_password,
    takes_password,
    with_password,
)
from edgehands.config import load_config
from edgehands.config_text import read_document
from edgehands.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.config import CameraConfig


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

"""What `edgehands service install` decides and writes; tests/system installs it for real."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgehands import verdict
from edgehands.cli import commands
from edgehands.config import (
    CameraConfig,
    Config,
    LandmarksConfig,
    StdoutConfig,
    TrackerConfig,
)
from edgehands.errors import ConfigError, DeviceError, InputError, ModelError, UsageError
from edgehands.installation import environment, files, install, models, state, systemd, wheels
from edgehands.installation.files import File, Link
from edgehands.installation.needs import dropin_text, needs
from edgehands.installation.places import SHIPPED, UNIT, Places
from edgehands.models import store
from edgehands.monitor.settings import MetricsConfig
from edgehands.mqtt.settings import MqttConfig
from edgehands.network import uses_network
from edgehands.web_settings import WebConfig

BROKER = MqttConfig(url="mqtt://broker.example.org")
LOCAL_BROKER = MqttConfig(url="unix:///run/mosquitto/edgehands.sock")


def config(source: str = "/dev/video0", *, metrics: str | None = None, **tracker: object) -> Config:
    return Config(
        camera=(CameraConfig(source=source),),
        output=(BROKER,),
        tracker=TrackerConfig(**tracker),  # type: ignore[arg-type]
        metrics=MetricsConfig(listen=metrics),
    )


@pytest.mark.parametrize(
    ("wanted", "dropins", "extras"),
    [
        (config(), set(), set()),
        (config(backend="tflite"), set(), set()),
        (config(backend="onnxruntime"), set(), {"onnxruntime"}),
        (config(backend="openvino"), {"compiler"}, {"openvino"}),
        (config(backend="openvino", device="GPU"), {"compiler", "gpu"}, {"openvino"}),
        (config(backend="litert-gpu"), {"compiler", "gpu"}, set()),
        (config(backend="coral"), {"coral"}, set()),
        (config(backend="onnxruntime", device="cuda"), {"nvidia"}, {"onnxruntime"}),
        (config(palm_backend="openvino"), {"compiler"}, {"openvino"}),
        (config("csi:"), {"csi"}, set()),
        (config("argus:"), {"argus"}, set()),
        (config("gstreamer:videotestsrc"), {"gstreamer"}, set()),
        (config(metrics="127.0.0.1:9464"), set(), {"metrics"}),
    ],
)
def test_a_config_gets_what_it_needs_and_no_more(
    wanted: Config, dropins: set[str], extras: set[str]
) -> None:
    found = needs(wanted)
    assert set(found.dropins) == dropins
    assert set(found.extras) == extras


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_auto_gets_what_was_tuned(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = store.whole_catalog().get("full").sha256[0]
    choice = verdict.Choice("full", sha256, backend, 2, 1.0, 3)
    kept = verdict.Verdict(verdict.fingerprint(), "2026-11-22", (choice,))
    monkeypatch.setattr(verdict, "load", lambda: kept)
    assert backend in needs(config()).extras
    assert backend not in needs(config(model="light")).extras


@pytest.mark.parametrize(
    ("wanted", "networked"),
    [
        (Config(camera=(CameraConfig(source="/dev/video0"),), output=(StdoutConfig(),)), False),
        (Config(output=(LandmarksConfig(path="hands.jsonl"),)), False),
        (Config(metrics=MetricsConfig(listen="unix:/run/edgehands/metrics.sock")), False),
        (Config(metrics=MetricsConfig(listen="127.0.0.1:9464")), True),
        (Config(output=(BROKER,)), True),
        (Config(output=(LOCAL_BROKER,)), False),
        (Config(web=WebConfig(enabled=True)), True),
        (Config(camera=(CameraConfig(source="rtsp://camera.example.org/1"),)), True),
    ],
)
def test_a_config_without_use_for_a_network_gets_none(wanted: Config, networked: bool) -> None:
    assert uses_network(wanted) is networked
    assert ("no-network" in needs(wanted).dropins) is not networked


def test_every_dropin_is_needed_by_some_config() -> None:
    shipped = {path.stem for path in (SHIPPED / f"{UNIT}.d").iterdir()}
    wanted = [
        config("csi:", backend="litert-gpu"),
        config("argus:", backend="coral"),
        config("gstreamer:videotestsrc", backend="onnxruntime", device="cuda"),
        Config(output=(LOCAL_BROKER,)),
    ]
    assert shipped == {name for each in wanted for name in needs(each).dropins}


def test_a_group_that_is_not_here_does_not_stop_the_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    import grp

    def unknown(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(grp, "getgrnam", lambda name: name)
    assert "SupplementaryGroups=render\n" in dropin_text("gpu")
    monkeypatch.setattr(grp, "getgrnam", unknown)
    assert "SupplementaryGroups" not in dropin_text("gpu")
    assert "DeviceAllow=char-drm rw" in dropin_text("gpu")


def test_the_program_lies_where_the_unit_looks() -> None:
    unit = (SHIPPED / UNIT).read_text()
    places = Places()
    assert f"ExecStart={places.program} run --config {places.config}\n" in unit


def test_what_runs_is_packed_as_a_wheel_that_works_alone(tmp_path: Path) -> None:
    wheel = tmp_path / wheels.NAME
    wheel.write_bytes(wheels.pack())
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "site")
        names = set(archive.namelist())
    assert {"edgehands/backends/tflite.py", f"edgehands/systemd/{UNIT}"} <= names
    assert f"edgehands/systemd/{UNIT}.d/compiler.conf" in names
    assert not any("__pycache__" in name for name in names)
    code = "import edgehands.selection as s; print(s.__file__, s.backend_names()[0])"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
    )
    assert answer.stdout.split() == [f"{tmp_path}/site/edgehands/selection.py", "tflite"]
    assert wheels.pack() == wheel.read_bytes()


def test_the_config_is_the_users(tmp_path: Path) -> None:
    file = File(tmp_path / "etc" / "edgehands" / "edgehands.toml", b"new", "why", keep=True)
    assert file.state() == "absent"
    file.write()
    assert (file.state(), file.path.read_bytes()) == ("same", b"new")
    assert file.path.stat().st_mode & 0o777 == 0o644
    file.path.write_bytes(b"edited")
    assert file.state() == "different"


def test_a_link_is_put_in_the_place_of_an_older_one(tmp_path: Path) -> None:
    link = Link(tmp_path / "venv", Path("venv-2"), "why")
    assert link.state() == "absent"
    link.path.symlink_to("venv-1")
    assert link.state() == "different"
    link.write()
    assert (link.state(), link.path.readlink()) == ("same", Path("venv-2"))


def test_removing_takes_our_empty_folders_and_no_others(tmp_path: Path) -> None:
    ours = tmp_path / "etc" / "edgehands.service.d" / "gpu.conf"
    theirs = tmp_path / "bin" / "edgehands"
    for path in (ours, theirs):
        path.parent.mkdir(parents=True)
        path.touch()
        files.remove(path)
        files.remove(path)  # twice does no harm
    assert not ours.parent.exists()
    assert theirs.parent.exists()


def test_a_needed_model_that_is_nowhere_is_said_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    places = Places(tmp_path / "machine")
    with pytest.raises(ModelError, match="edgehands models fetch"):
        models.files(places, None, ["light"], [])
    assert models.files(places, None, [], []) == []


@pytest.mark.usefixtures("models")
def test_models_come_from_the_user_who_typed_sudo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = store.find("light").read_bytes()
    theirs = tmp_path / "home" / ".local/share/edgehands/models"
    theirs.mkdir(parents=True)
    (theirs / store.find("light").name).write_bytes(data)
    monkeypatch.setattr(models, "callers_home", lambda: tmp_path / "home")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "roots"))
    (file,) = models.files(Places(tmp_path / "machine"), None, ["light"], [])
    assert file.content == data
    assert file.path.parent == tmp_path / "machine/var/lib/edgehands/models"


def test_an_altered_model_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "hand_landmark_lite.tflite").write_bytes(b"no model")
    with pytest.raises(ModelError, match="sha256"):
        models.files(Places(tmp_path / "machine"), tmp_path, [], [])


def test_locks_are_taken_where_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    def release(name: str) -> None:
        told = {"VERSION_CODENAME": name}
        monkeypatch.setattr("platform.freedesktop_os_release", lambda: told)

    release("bookworm")
    assert [path.name for path in environment.locks(["openvino"], "3.11")] == [
        "requirements-bookworm.txt",
        "requirements-bookworm-openvino.txt",
    ]
    assert environment.locks([], "3.12") == ()
    assert environment.locks(["nonesuch"], "3.11") == ()
    release("noble")
    assert environment.locks([], "3.12") == ()


def as_typed(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["edgehands", "service", *arguments])
    return commands.dispatch()


def test_without_root_it_says_the_whole_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for command in ("install", "uninstall"):
        with pytest.raises(UsageError, match=rf"sudo /\S+edgehands service {command}$"):
            as_typed(monkeypatch, command)


@pytest.mark.parametrize("command", ["status", "install --dry-run"])
def test_what_only_root_may_read_is_said_with_the_command(
    command: str, machine: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path, **kwargs: object) -> os.stat_result:
        if path.is_relative_to(machine.models):  # below /var/lib/private, once it has run
            raise PermissionError(13, "Permission denied", str(path))
        return really(path, **kwargs)  # type: ignore[arg-type]

    model = machine.models / "hand_landmark_full.tflite"
    files.save_manifest(machine, files.Manifest(files=["/var/lib/edgehands/models/a.tflite"]))
    monkeypatch.setattr(state, "Places", lambda: machine)
    monkeypatch.setattr(systemd, "properties", dict)
    really = Path.stat
    monkeypatch.setattr(Path, "stat", forbidden)
    monkeypatch.setattr(models, "files", lambda *_: [model.stat()])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    config = ["--config", str(SHIPPED / "edgehands.toml")] if "install" in command else []
    with pytest.raises(UsageError, match=rf"sudo /\S+edgehands service {command}$"):
        as_typed(monkeypatch, *command.split(), *config)


def test_without_systemd_it_says_what_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "_RUNNING", tmp_path / "nowhere")
    with pytest.raises(DeviceError, match=r"systemd does not run here.*edgehands run --config"):
        as_typed(monkeypatch, "install", "--dry-run")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """An empty machine with systemd, of which only a dry run will be seen."""
    places = Places(tmp_path / "machine")
    monkeypatch.setattr(systemd, "_RUNNING", tmp_path)
    monkeypatch.setattr(install, "Places", lambda: places)
    return places


@pytest.mark.usefixtures("models")
def test_a_dry_run_says_everything_and_does_nothing(
    machine: Places,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "my.toml"
    file.write_text('camera = [{ source = "/dev/video0" }]\n[tracker]\nbackend = "openvino"\n')
    as_typed(monkeypatch, "install", "--dry-run", "--config", str(file))
    told = capsys.readouterr().out
    for path in (
        *(machine.unit, machine.dropins / "compiler.conf", machine.dropins / "no-network.conf"),
        *(machine.config, machine.models / "hand_landmark_full.tflite"),
    ):
        assert f"write   {path}" in told
    assert "make    " in told
    assert not machine.root.exists()


@pytest.mark.usefixtures("models")
def test_a_damaged_list_of_what_was_installed_is_made_anew(
    machine: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.manifest.parent.mkdir(parents=True)
    machine.manifest.write_text('{"files": ["/etc/sys')
    with pytest.raises(InputError, match="install again, then uninstall"):
        files.load_manifest(machine)
    as_typed(monkeypatch, "install", "--dry-run", "--config", str(SHIPPED / "edgehands.toml"))
    assert f"replace {machine.manifest}" in capsys.readouterr().out


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('password_file = "/home/me/secret"', "into /etc/edgehands/mqtt-password"),
        ('ca_file = "/root/ca.pem"', "into /etc/edgehands or /var/lib/edgehands"),
    ],
)
def test_a_file_that_the_service_cannot_see_is_said_before_anything_is_done(
    line: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "my.toml"
    file.write_text(
        'camera = [{ source = "/dev/video0" }]\n[[output]]\ntype = "mqtt"\n'
        f'url = "mqtt://host"\n{line}\n'
    )
    with pytest.raises(ConfigError, match=f"cannot see homes.*{message}"):
        as_typed(monkeypatch, "install", "--dry-run", "--config", str(file))


@pytest.mark.parametrize(
    ("tables", "credential"),
    [
        ("[[output]]\ntype = 'mqtt'\nurl = 'mqtt://me@host'\npassword_file", "mqtt-password"),
        ("[[output]]\ntype = 'mqtt'\nurl = 'mqtts://host'\nkey_file", "mqtt-key"),
        ("[[camera]]\nsource = 'rtsp://me@host/1'\npassword_file", "camera-password"),
        ("[web]\ntoken_file", "web-token"),
    ],
)
@pytest.mark.usefixtures("machine")
def test_a_secret_that_only_root_can_read_is_to_be_a_credential(
    tables: str, credential: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    file = tmp_path / "my.toml"
    file.write_text(f"{tables} = '{secret}'\n")
    with pytest.raises(ConfigError, match=rf"cannot read it.* /etc/edgehands/{credential}, chmod"):
        as_typed(monkeypatch, "install", "--dry-run", "--config", str(file))


@pytest.mark.usefixtures("machine")
def test_a_config_with_a_mistake_is_refused_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[tracker]\nmax_hand = 3\n")
    with pytest.raises(ConfigError, match=r"my\.toml:2:1: .*max_hands"):
        as_typed(monkeypatch, "install", "--dry-run", "--config", str(file))
    with pytest.raises(InputError, match="cannot read"):
        as_typed(monkeypatch, "install", "--dry-run", "--config", str(tmp_path / "none.toml"))

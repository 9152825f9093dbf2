"""The support bundle: what a helper needs is in it, and nothing that is nobody's business."""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import msgspec
import pytest
from typer.testing import CliRunner

from edgehands import redaction
from edgehands.cli.commands import app
from edgehands.doctor.findings import Finding
from edgehands.health import CameraHealth, Health, OutputHealth
from edgehands.monitor.monitor import Monitor
from edgehands.support import gathering, known
from edgehands.support.bundle import collect
from edgehands.support.scrubbing import Scrubber

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-5e93aa"
HOST = "broker.example.lan"
HEALTH = Health(
    version="1.2",
    pid=1,
    uptime_s=7,
    ready=True,
    cameras=(
        CameraHealth(
            name="hall",
            source=f"rtsp://me:{CANARY}@10.1.2.3/1",
            state="lost",
            state_seconds=3,
            reason=f"401 for http://10.1.2.3/?user=me&pwd={CANARY}",
        ),
    ),
    outputs=(OutputHealth(kind="mqtt", place=f"mqtts://{HOST}:8883"),),
)
CONFIG = f"""
[[camera]]
source = "synthetic:"

[[output]]
type = "mqtt"
url = "mqtts://mirror@{HOST}:8883"
password_file = "{{folder}}/secret"
"""
JOURNAL = f"""#!/bin/sh
echo '{HOST}: refused, password={CANARY}'
echo '{{"password": "{CANARY}", "token":"{CANARY}"}}'
echo 'Authorization: Bearer {CANARY}'
echo 'connect to fd12:3456::7 and 10.1.2.3:1883 from dc:a6:32:01:02:03 as {CANARY}'
echo 'open /home/peter/models on '$(hostname)
"""


@pytest.fixture
def machine(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder with a config, and an environment in which a journal and a run answer."""
    (tmp_path / "secret").touch(0o600)
    (tmp_path / "secret").write_text(f"{CANARY}\n")
    (tmp_path / "edgehands.toml").write_text(CONFIG.format(folder=tmp_path))
    program = tmp_path / "bin" / "journalctl"
    program.parent.mkdir()
    program.write_text(JOURNAL)
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    return tmp_path, {**os.environ, "PATH": path, "XDG_RUNTIME_DIR": str(tmp_path)}


def bundle(
    machine: tuple[Path, dict[str, str]], *arguments: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    folder, environment = machine
    out = folder / "bundle.tar.gz"
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "edgehands", "support-bundle", "--out", str(out)),
            *("--config", str(folder / "edgehands.toml"), *arguments),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        return answer, {}
    assert out.stat().st_mode & 0o777 == 0o600
    texts = {}
    with tarfile.open(out) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            texts[member.name.partition("/")[2]] = file.read().decode()
    return answer, texts


@pytest.mark.usefixtures("models")
def test_the_bundle_tells_much_and_no_secret(
    machine: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(machine[0]))
    monitor = Monitor(lambda: HEALTH, name="scrubbed")
    monitor.start()
    answer, texts = bundle(machine)
    monitor.close()
    assert answer.returncode == 0, answer.stderr
    assert sorted(texts) == sorted(
        [
            *("versions.json", "machine.txt", "models.txt", "config.toml", "doctor.json"),
            *("status.json", "unit.txt", "journal.txt"),
        ]
    )
    lines = answer.stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == list(texts)
    assert lines[-1].startswith(f"{machine[0]}/bundle.tar.gz is written; look through it: ")
    whole = "\n".join(texts.values())
    mirror = f"mirror@{HOST}"
    for secret in (CANARY, HOST, mirror, "10.1.2.3", "fd12:", "dc:a6:32", "peter"):
        assert secret not in whole, secret
    assert not [line for line in whole.splitlines() if socket.gethostname() in line.split()]
    # What is left can be read, and the same host has the same name everywhere.
    assert '"verdict": "EdgeHands works here' in texts["doctor.json"]
    (run,) = [run for run in json.loads(texts["status.json"]) if run["name"] == "scrubbed"]
    assert run["health"]["cameras"][0]["state"] == "lost"
    name = run["health"]["outputs"][0]["place"].removeprefix("mqtts://").removesuffix(":8883")
    assert name.startswith("HOST-")
    assert f"mqtts://USER@{name}:8883" in texts["config.toml"]
    assert texts["journal.txt"].startswith(f"{name}: refused")


@pytest.fixture
def here(
    machine: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, dict[str, str]]:
    """That machine, for a bundle made in this process, where doctor tries no backend."""
    monkeypatch.setenv("PATH", machine[1]["PATH"])
    monkeypatch.setattr(redaction, "_known", set())
    monkeypatch.setattr(gathering, "examine", lambda _: [Finding("models", "ok", "all right")])
    return machine


def test_addresses_stay_if_they_are_asked_for_and_passwords_never(
    here: tuple[Path, dict[str, str]],
) -> None:
    config = here[0] / "edgehands.toml"
    whole = "\n".join(item.text for item in collect(config, keep_addresses=True))
    assert HOST in whole
    assert "fd12:3456::7" in whole
    assert CANARY not in whole


def test_tokens_are_found_like_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("mqtt-password", "web-token", "named")):
        (tmp_path / name).write_text(f"secret{number}\n")
    monkeypatch.setattr(known, "SYSTEM", tmp_path / "edgehands.toml")
    monkeypatch.setenv("MY_PAGE", "secret3")
    tables = {"web": {"token_file": str(tmp_path / "named"), "token_variable": "MY_PAGE"}}
    assert set(known.known_passwords(tables)) == {f"secret{number}" for number in range(4)}


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes nobody who typed sudo")
def test_under_sudo_the_bundle_is_for_who_typed_it(
    here: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = next(entry for entry in pwd.getpwall() if entry.pw_uid not in {0, 65534})
    monkeypatch.setenv("SUDO_UID", str(caller.pw_uid))
    out = here[0] / "bundle.tar.gz"
    words = ["support-bundle", "--out", str(out), "--config", str(here[0] / "edgehands.toml")]
    assert CliRunner().invoke(app, words).exit_code == 0
    found = out.stat()
    assert (found.st_uid, found.st_gid) == (caller.pw_uid, caller.pw_gid)
    assert found.st_mode & 0o777 == 0o600


def test_a_config_with_mistakes_has_its_mistakes_in_the_bundle_and_not_its_text(
    here: tuple[Path, dict[str, str]],
) -> None:
    (here[0] / "edgehands.toml").write_text(
        '[[camera]]\nsource = "synthetic:"\nframe = 1\n'
        f'[[output]]\ntype = "mqtt"\nurl = "mqtt://me:{CANARY}@{HOST}"\n'
    )
    texts = {item.name: item.text for item in collect(here[0] / "edgehands.toml")}
    assert "unknown key 'frame'" in texts["config.toml"]
    assert "synthetic" not in texts["config.toml"]
    assert CANARY not in "\n".join(texts.values())


def test_a_bundle_that_cannot_be_written_is_one_line(
    machine: tuple[Path, dict[str, str]],
) -> None:
    (machine[0] / "bundle.tar.gz").mkdir()
    answer, _ = bundle(machine)
    assert answer.returncode == 66
    assert answer.stderr.startswith(f"edgehands: cannot write {machine[0]}/bundle.tar.gz: ")


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("at 192.168.1.5:1883, 192.168.1.5 and 192.168.1.6", "at A1:1883, A1 and A2"),
        ("listens on 127.0.0.1:9464, [::1]:9464, 0.0.0.0", None),
        ("[fe80::1%eth0]:1883", "[A1%eth0]:1883"),
        ("at 2026-11-22T17:25:00+0100, 12:34:56", None),
        ("EdgeHands 0.1.0, Python 3.11.7, C++ std::map", None),
        ("password_file = '/etc/edgehands/mqtt-password'", None),
        ("the password comes from the file x", None),
        ("password: hunter2", "password: …"),
        ("ws://me@host.lan/x and host.lan", "ws://USER@H2/x and H2"),
        ("tcpclientsrc host=cam.lan port=1 ! decodebin", "tcpclientsrc host=H2 port=1 ! decodebin"),
        (
            'udpsrc address="cam.lan"; address = "localhost:8770"',
            'udpsrc address="H2"; address = "localhost:8770"',
        ),
        ("host = rtsp://me@host.lan/x", "host = rtsp://USER@H2/x"),
        ("https://github.com/feranick/libedgetpu", None),
        ("/home/peter/x", "/home/USER/x"),
        ("Mirror, mirror.lan, mirrored", "H1, H1.lan, mirrored"),
    ],
)
def test_what_is_scrubbed_and_what_is_not(
    monkeypatch: pytest.MonkeyPatch, text: str, scrubbed: str | None
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "mirror")
    monkeypatch.setattr(redaction, "_known", set())
    shown = Scrubber().scrub(text).replace("ADDRESS-", "A").replace("HOST-", "H")
    assert shown == (text if scrubbed is None else scrubbed)


def test_no_password_of_an_answer_is_left() -> None:
    text = msgspec.json.encode({"password": CANARY, "url": f"mqtt://me:{CANARY}@h", "n": 1})
    assert CANARY not in Scrubber().scrub(text.decode())

"""A real run, seen from outside by all means that it offers: they agree, and have no secret."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edgehands.doctor.findings import Finding
from edgehands.monitor.asking import find_runs
from edgehands.support import gathering
from edgehands.support.bundle import collect

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("models")]

CANARY = "canary-c41e02"
CONFIG = """
[[camera]]
source = "test:?clip=demo&unplug=600@6"
name = "hall"

[[output]]
type = "mqtt"
url = "mqtt://mirror@127.0.0.1:{broker}"
password_file = "{folder}/secret"

[service]
wait_for_cameras = true

[metrics]
listen = "127.0.0.1:{port}"
"""


class Running:
    """`edgehands run` as systemd would start it: its standard error leads into the journal."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        (folder / "secret").touch(0o600)
        (folder / "secret").write_text(f"{CANARY}\n")
        self.config = folder / "mirror.toml"
        self.config.write_text(CONFIG.format(folder=folder, port=self.port, broker=free_port()))
        self.log = folder / "log"
        with self.log.open("w") as log, (folder / "events").open("w") as events:
            status = os.fstat(log.fileno())
            self.environment = {
                **os.environ,
                "XDG_RUNTIME_DIR": str(folder),
                "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}",
            }
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edgehands", "-vv", "run", "--config", str(self.config)],
                env=self.environment,
                stdout=events,
                stderr=log,
            )

    def status(self) -> dict[str, Any]:
        answer = subprocess.run(
            [sys.executable, "-m", "edgehands", "status", "mirror", "--json"],
            env=self.environment,
            capture_output=True,
            check=False,
        )
        return dict(json.loads(answer.stdout))

    def get(self, page: str) -> str:
        address = f"http://127.0.0.1:{self.port}/{page}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return str(answer.read().decode())

    def wait_for_camera(self, state: str) -> None:
        """Return once the camera is in this state and has given frames."""
        for _ in range(600):
            for run in find_runs("mirror"):
                assert run.health is not None
                (camera,) = run.health.cameras
                if camera.state == state and camera.frames:
                    return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()


def processes(first: int) -> list[bytes]:
    """With what a process and its children were started, arguments and environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if first in (parent, int(folder.name)):
                found += [(folder / name).read_bytes() for name in ("cmdline", "environ")]
    return found


def test_a_run_is_seen_by_every_means_and_its_password_by_none(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(running.folder))
    running.wait_for_camera("ok")
    well = running.status()
    started = processes(running.process.pid)
    while len(started) < 4:  # the run and the process that captures, which may be a new one
        assert running.process.poll() is None, running.log.read_text()
        started += processes(running.process.pid)
    assert well["runs"][0]["name"] == "mirror"
    assert running.get("readyz") == "ready\n"
    running.wait_for_camera("lost")
    ill = running.status()
    assert ill["exit_code"] == 69
    assert "camera hall has been lost for " in ill["verdict"]
    metrics = running.get("metrics")
    assert 'edgehands_camera_state{camera="hall",state="lost"} 1.0' in metrics
    assert "edgehands_ok 0.0" in metrics
    monkeypatch.setattr(gathering, "examine", lambda _: [Finding("models", "ok", "all right")])
    bundle = [item.text for item in collect(running.config, keep_addresses=True)]
    assert any('"state": "lost"' in text for text in bundle)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(10) == 0
    assert not list((running.folder / "edgehands").iterdir())
    log = running.log.read_text()
    assert "<4>EH1410 camera hall is lost" in log
    assert "<4>EH1303 mqtt://127.0.0.1:" in log
    assert CANARY not in "\n".join((json.dumps([well, ill]), metrics, log, *bundle))
    assert CANARY not in (running.folder / "events").read_text()
    assert not [each for each in started if CANARY.encode() in each]

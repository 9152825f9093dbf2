"""The sandbox costs no speed: each CPU runtime under its drop-ins and without any, in turns."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.system.running import CAMERA, CONFIG, STDOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.running import Service

pytestmark = pytest.mark.system

TURNS = int(os.environ.get("EDGEHANDS_TEST_TURNS", "9"))
SLOWER = 1.03
SCRIPT = "/usr/local/share/timing.py"
PYTHON = "/opt/edgehands/venv/bin/python"
ANSWER = "/run/timing.json"
AS_TIMING = """[Service]
Type=oneshot
Restart=no
WatchdogSec=0
ExecStart=
ExecStart={} -I {} {} 1
StandardOutput=truncate:{}
"""
DROPIN = "/etc/systemd/system/edgehands.service.d/99-timing.conf"


@pytest.fixture(params=["tflite", "onnxruntime", "openvino"])
def timed(service: Service, request: pytest.FixtureRequest) -> Iterator[tuple[Service, str]]:
    """The service's sandbox, as it is for a backend, around a script that measures."""
    machine, backend = service.machine, request.param
    shutil.copy(Path(__file__).with_name("timing.py"), machine.root / SCRIPT.lstrip("/"))
    tracker = f'[tracker]\nmodel = "light"\nbackend = "{backend}"\n'
    machine.write(CONFIG, CAMERA + STDOUT + tracker)
    service.install()
    machine.run("systemctl", "stop", "edgehands")
    machine.write(DROPIN, AS_TIMING.format(PYTHON, SCRIPT, backend, ANSWER))
    machine.run("systemctl", "daemon-reload")
    yield service, backend
    machine.run("rm", DROPIN)
    machine.run("systemctl", "daemon-reload")


def test_inference_is_as_fast_as_without_the_sandbox(
    timed: tuple[Service, str], measured: Callable[[str], None]
) -> None:
    service, backend = timed
    machine = service.machine
    inside, outside = [], []
    for _ in range(TURNS):
        machine.run("systemctl", "start", "edgehands")
        hardened = json.loads(machine.run("cat", ANSWER).stdout)
        bare = json.loads(
            machine.run(
                *("env", "EDGEHANDS_MODELS=/var/lib/edgehands/models"),
                *("XDG_CACHE_HOME=/var/cache", PYTHON, "-I", SCRIPT, backend, "1"),
            ).stdout
        )
        assert hardened["on"] == bare["on"]
        assert backend in hardened["on"]
        assert (backend == "tflite") is (", XNNPACK" in hardened["on"])
        inside.append(hardened["ms"])
        outside.append(bare["ms"])
    ratio = float(np.median(np.divide(inside, outside)))
    line = f"{min(inside):.2f} ms in the service, {min(outside):.2f} ms outside"
    measured(f"{hardened['on']}: {line}, ratio {ratio:.3f} ({TURNS} turns)")
    assert min(ratio, min(inside) / min(outside)) <= SLOWER, (inside, outside)

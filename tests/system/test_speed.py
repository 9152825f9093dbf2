"""The sandbox costs no speed: each CPU runtime under its drop-ins and without any, in turns.

A busy machine delays either, so it is the time on the processor that has to agree: a filtered
system call, memory of another kind or a missing XNNPACK all cost that.
"""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.system.machine import wait_for
from tests.system.running import CAMERA, CONFIG, STDOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.running import Service

pytestmark = pytest.mark.system

SECONDS = float(os.environ.get("EDGEHANDS_TEST_SECONDS", "30"))
SLOWER = 1.03
SCRIPT = "/usr/local/share/timing.py"
PYTHON = "/opt/edgehands/venv/bin/python"
ANSWER = "/run/timing.json"
CORE = (os.cpu_count() or 1) - 1
AS_TIMING = """[Service]
Type=oneshot
Restart=no
WatchdogSec=0
ExecStart=
ExecStart={} -I {} {} 0 {}
CPUAffinity={}
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
    machine.write(DROPIN, AS_TIMING.format(PYTHON, SCRIPT, backend, SECONDS, CORE, ANSWER))
    machine.run("systemctl", "daemon-reload")
    yield service, backend
    machine.run("rm", DROPIN)
    machine.run("systemctl", "daemon-reload")


def test_inference_is_as_fast_as_without_the_sandbox(
    timed: tuple[Service, str], measured: Callable[[str], None]
) -> None:
    service, backend = timed
    machine = service.machine
    machine.run("systemctl", "start", "--no-block", "edgehands")
    bare = json.loads(
        machine.run(
            *("env", "EDGEHANDS_MODELS=/var/lib/edgehands/models", "XDG_CACHE_HOME=/var/cache"),
            *("taskset", "--cpu-list", str(CORE), PYTHON, "-I", SCRIPT, backend, "1", str(SECONDS)),
        ).stdout
    )
    wait_for(partial(ended, service), 60, "the service has measured")
    hardened = json.loads(machine.run("cat", ANSWER).stdout)
    assert hardened["on"] == bare["on"]
    assert backend in hardened["on"]
    assert (backend == "tflite") is (", XNNPACK" in hardened["on"])
    ratio, low, high, turns = compared(hardened["cpu"], bare["cpu"])
    by_clock = compared(hardened["wall"], bare["wall"])[0]
    inside, outside = (float(np.median(list(each["cpu"].values()))) for each in (hardened, bare))
    measured(
        f"{hardened['on']}: {inside:.2f} ms of a core in the service, {outside:.2f} ms outside; "
        f"ratio {ratio:.3f} (quartiles {low:.3f}, {high:.3f}; {turns} turns), by the clock "
        f"{by_clock:.3f}"
    )
    assert turns >= SECONDS
    assert ratio <= SLOWER


def compared(
    inside: dict[str, float], outside: dict[str, float]
) -> tuple[float, float, float, int]:
    """Return the median ratio of neighbouring turns, its quartiles, and how many there were."""
    ratios = [
        each / outside[after]
        for turn, each in inside.items()
        if (after := str(int(turn) + 1)) in outside
    ]
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    return float(middle), float(low), float(high), len(ratios)


def ended(service: Service) -> bool:
    return service.machine.property("edgehands", "ActiveState") in {"inactive", "failed"}

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
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.system.machine import wait_for
from tests.system.running import CAMERA, CONFIG, STDOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.running import Service

pytestmark = pytest.mark.system

PAIRS = int(os.environ.get("EDGEHANDS_TEST_PAIRS", "5"))
SECONDS = 6.0
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
    """Where its memory happens to lie makes a process faster or slower: hence several pairs."""
    service, backend = timed
    ratios, by_clock = [], []
    for _ in range(PAIRS):
        hardened, bare = both(service, backend)
        assert hardened["on"] == bare["on"]
        assert backend in hardened["on"]
        assert (backend == "tflite") is (", XNNPACK" in hardened["on"])
        ratios.append(compared(hardened["cpu"], bare["cpu"]))
        by_clock.append(compared(hardened["wall"], bare["wall"]))
    inside, outside = (float(np.median(list(each["cpu"].values()))) for each in (hardened, bare))
    ratio = float(np.median(ratios))
    measured(
        f"{hardened['on']}: {inside:.2f} ms of a core in the service, {outside:.2f} ms outside; "
        f"{PAIRS} pairs of processes, ratio {ratio:.3f} ({min(ratios):.3f} to {max(ratios):.3f}), "
        f"by the clock {np.median(by_clock):.3f}"
    )
    assert ratio <= SLOWER, ratios


def both(service: Service, backend: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure in the service's sandbox and outside, in turns."""
    machine = service.machine
    machine.run("systemctl", "start", "--no-block", "edgehands")
    bare = machine.run(
        *("env", "EDGEHANDS_MODELS=/var/lib/edgehands/models", "XDG_CACHE_HOME=/var/cache"),
        *("taskset", "--cpu-list", str(CORE), PYTHON, "-I", SCRIPT, backend, "1", str(SECONDS)),
    ).stdout
    wait_for(partial(ended, service), 60, "the service has measured")
    return json.loads(machine.run("cat", ANSWER).stdout), json.loads(bare)


def compared(inside: dict[str, float], outside: dict[str, float]) -> float:
    """Return the median ratio of neighbouring turns."""
    ratios = [
        each / outside[after]
        for turn, each in inside.items()
        if (after := str(int(turn) + 1)) in outside
    ]
    assert len(ratios) >= SECONDS
    return float(np.median(ratios))


def ended(service: Service) -> bool:
    return service.machine.property("edgehands", "ActiveState") in {"inactive", "failed"}

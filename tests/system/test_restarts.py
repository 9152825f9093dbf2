"""Killed at any moment, the service is back in no time, and nothing it keeps is damaged."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.system.machine import patience
from tests.system.running import CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.running import Service

pytestmark = pytest.mark.system

KILLS = int(os.environ.get("EDGEHANDS_TEST_KILLS", "10"))
READY_SECONDS = 3.0


def test_killed_at_random_it_is_soon_ready_again(
    service: Service, measured: Callable[[str], None]
) -> None:
    chance = random.Random(1)  # noqa: S311 (moments, not secrets)
    service.machine.run("systemctl", "restart", "edgehands")
    restarts, seconds, late = service.restarts, [], []
    for _ in range(KILLS):
        time.sleep(chance.uniform(0, 3))
        pid = service.pid
        service.machine.run("kill", "-KILL", str(pid))
        if chance.random() < 0.3:  # again while it starts
            time.sleep(chance.uniform(0.6, 1.5))
            if (starting := service.pid) not in {0, pid}:
                service.machine.run("kill", "-KILL", str(starting))
                pid = starting
        seconds.append(service.wait_until_replaced(pid, 10 * patience(READY_SECONDS)))
        if seconds[-1] > patience(READY_SECONDS):
            late.append(seconds[-1])
    assert service.restarts >= restarts + KILLS
    service.machine.run("edgehands", "config", "check", CONFIG)
    service.machine.run("edgehands", "models", "check", "--models", "/var/lib/edgehands/models")
    service.machine.run("edgehands", "service", "status")
    assert service.gets_on()
    median, p99, worst = np.percentile(seconds, (50, 99, 100))
    said = f"kill -9, {KILLS} times: ready again after {median:.2f} s, p99 {p99:.2f} s"
    measured(f"{said}, at most {worst:.2f} s; load {os.getloadavg()[0]:.1f}")
    assert not late

"""In a steady state nothing is written to a disk: memory cards wear."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.running import Service

pytestmark = pytest.mark.system

MINUTES = float(os.environ.get("EDGEHANDS_TEST_MINUTES", "0.5"))
WARM_UP_SECONDS = 10


def written(service: Service) -> int:
    """Bytes that the service's processes had written to any disk so far."""
    told = [
        service.machine.run("cat", f"/proc/{pid}/io").stdout.split()
        for pid in (service.pid, *service.children())
    ]
    return sum(int(words[words.index("write_bytes:") + 1]) for words in told)


def test_a_steady_service_writes_nothing(service: Service, measured: Callable[[str], None]) -> None:
    service.machine.run("systemctl", "restart", "edgehands")
    time.sleep(WARM_UP_SECONDS)
    pids = {service.pid, *service.children()}
    events, before = service.events(), written(service)
    time.sleep(60 * MINUTES)
    after = written(service)
    assert {service.pid, *service.children()} == pids
    events = service.events() - events
    assert events > 0
    measured(f"{MINUTES:g} minutes, {events} events: {after - before} bytes written to disk")
    assert after == before

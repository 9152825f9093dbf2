"""Hundreds of devices and one broker: the real output, simulated hands."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from tests.brokers import Mosquitto, Observer, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIFE = 2.0
PER_PROCESS = 100
ROOT = Path(__file__).parent.parent


@dataclass
class Restart:
    """What a fleet did when its broker was restarted."""

    back: list[float]
    """Seconds from the broker's return to each device's."""
    most_in_a_second: int
    """Connects in the densest second."""
    late: int
    oldest: float
    heard: int
    counts: Counter[str]


class Fleet:
    """Simulated devices in processes of a hundred."""

    def __init__(self, url: str, count: int, spread: float) -> None:
        self._count = count
        self._processes = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.fleet.device", url, str(first)),
                    *(str(min(PER_PROCESS, count - first)), str(spread)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            for first in range(0, count, PER_PROCESS)
        ]
        for process in self._processes:
            assert pipe(process.stdout).readline() == "ready\n"

    def stop(self) -> tuple[dict[int, list[float]], Counter[str]]:
        """End it and return when each device connected, and what became of all events."""
        connects: dict[int, list[float]] = {}
        counts: Counter[str] = Counter()
        for process in self._processes:
            pipe(process.stdin).write("stop\n")
            pipe(process.stdin).flush()
        for process in self._processes:
            told: dict[str, Any] = json.loads(pipe(process.stdout).readline())
            connects |= {int(number): times for number, times in told["connects"].items()}
            for each in told["counts"]:
                counts.update(each)
        return connects, counts

    def kill(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
            pipe(process.stdin).close()
            pipe(process.stdout).close()


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


@contextmanager
def fleet_of(url: str, count: int, spread: float = 0.0) -> Iterator[Fleet]:
    fleet = Fleet(url, count, spread)
    try:
        yield fleet
    finally:
        fleet.kill()


def restart(
    broker: Mosquitto, count: int, outage: float, patience: float, spread: float
) -> Restart:
    """Restart a broker under a fleet and watch it come back."""
    with fleet_of(broker.url, count, spread) as fleet:
        with Observer(broker.port, ("edgehands/+/bench/event",)) as observer:
            time.sleep(1.0)
            broker.kill()
            time.sleep(outage)
            broker.start()
            back = time.monotonic()
            time.sleep(patience)
            heard = list(observer.heard)
        connects, counts = fleet.stop()
    returns = sorted(min(t for t in times if t > back - 0.5) for times in connects.values())
    ages = [each.time - each.json["ts"] for each in heard]
    return Restart(
        back=[time_ - back for time_ in returns],
        most_in_a_second=max(
            sum(start <= other < start + 1 for other in returns) for start in returns
        ),
        late=sum(age > LIFE for age in ages),
        oldest=max(ages),
        heard=len(heard),
        counts=counts,
    )


def tell(name: str, found: Restart) -> None:
    back = found.back
    print(  # noqa: T201
        f"\n{name}: {len(back)} devices back: median {back[len(back) // 2]:.2f} s, "
        f"last {back[-1]:.2f} s; most connects in a second {found.most_in_a_second}; "
        f"{found.heard} events heard, {found.late} late, the oldest {found.oldest:.2f} s old; "
        f"{found.counts['expired']} expired"
    )


@pytest.mark.slow
def test_a_small_fleet_is_back_soon_after_its_broker(mosquitto: Mosquitto) -> None:
    found = restart(mosquitto, 40, outage=1.0, patience=2.5, spread=0.0)
    assert len(found.back) == 40
    assert found.late == 0
    assert found.heard > 0


@pytest.mark.system
def test_five_hundred_devices_are_back_within_five_seconds(mosquitto: Mosquitto) -> None:
    found = restart(mosquitto, 500, outage=8.0, patience=12.0, spread=0.0)
    tell("no spread", found)
    assert len(found.back) == 500
    assert found.back[-1] <= 5.0
    assert found.late == 0


@pytest.mark.system
def test_five_hundred_devices_with_a_spread_do_not_storm_their_broker(mosquitto: Mosquitto) -> None:
    found = restart(mosquitto, 500, outage=1.0, patience=40.0, spread=20.0)
    tell("spread of 20 s", found)
    assert len(found.back) == 500
    assert found.most_in_a_second <= 60
    assert found.late == 0


def test_a_sites_broker_passes_events_on_to_the_head_office(
    start_broker: Callable[..., Mosquitto],
) -> None:
    head = start_broker()
    port = free_port()
    example = (ROOT / "docs" / "bridge.conf").read_text(encoding="utf-8")
    for shown, real in (
        ("listener 1883", f"listener {port} 127.0.0.1"),
        ("address head.example.org:8883", f"address 127.0.0.1:{head.port}"),
    ):
        assert shown in example
        example = example.replace(shown, real)
    # The test's head office has neither certificates nor passwords, nor this machine /etc's files.
    kept = [
        line
        for line in example.splitlines()
        if not line.startswith(("bridge_cafile", "remote_username", "remote_password", "#"))
    ]
    kept = ["allow_anonymous true" if "allow_anonymous" in line else line for line in kept]
    kept = [line for line in kept if not line.startswith("password_file")]
    site = start_broker(*kept, port=port)
    with Observer(head.port, ("site/#",)) as office, Observer(site.port) as _:
        wait_for(lambda: office.on("site/berlin/bridge"))
        with fleet_of(site.url, 1):
            wait_for(lambda: office.below("device_0/bench/event"))
            assert office.below("device_0/bench/event")[0].topic.startswith(
                "site/berlin/edgehands/"
            )
            office.publish("site/berlin/edgehands/device_0/enabled/set", b"OFF")
            wait_for(lambda: [each.payload for each in office.below("/enabled")][-1:] == [b"OFF"])

"""The long forms: what docs/reliability.md says about outages is printed by these."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.brokers import Observer, event, wait_for
from tests.test_mqtt import Opened, check_rates, outage, result, time_to_offline
from tests.test_mqtt_outbox import balance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.brokers import Mosquitto

pytestmark = pytest.mark.system

OUTAGES = 20


@pytest.fixture
def open_output() -> Iterator[Opened]:
    opened = Opened()
    yield opened
    for output in opened:
        output.close()


def test_twenty_outages_of_eight_seconds(mosquitto: Mosquitto, open_output: Opened) -> None:
    output = open_output(mosquitto.url)
    found = [outage(mosquitto, output, 8.0) for _ in range(OUTAGES)]
    first = sorted(each["first delivery"] for each in found)
    print(  # noqa: T201
        f"\n{OUTAGES} outages: first delivery median {first[OUTAGES // 2]:.2f} s, "
        f"p95 {first[int(OUTAGES * 0.95) - 1]:.2f} s, worst {first[-1]:.2f} s; "
        f"oldest delivered {max(each['oldest'] for each in found):.2f} s; "
        f"{sum(each['expired'] for each in found):.0f} expired, the counter wrong by "
        f"{max(each['expired wrong by'] for each in found):.0f} at most; "
        f"{sum(each['lost outside'] for each in found):.0f} lost outside, "
        f"{sum(each['late'] for each in found):.0f} late, "
        f"{sum(each['twice'] for each in found):.0f} twice"
    )
    assert sum(each["lost outside"] for each in found) == 0
    assert sum(each["late"] for each in found) == 0
    assert max(each["expired wrong by"] for each in found) <= 1
    assert first[int(OUTAGES * 0.95) - 1] <= 1.5


def test_a_power_cut_is_shown_within_24_seconds(mosquitto: Mosquitto) -> None:
    seconds = time_to_offline(mosquitto, keepalive=12)
    print(f"\noffline after {seconds:.1f} s")  # noqa: T201
    assert seconds <= 24.0


def test_ten_minutes_of_waving(mosquitto: Mosquitto, open_output: Opened) -> None:
    output = open_output(mosquitto.url, max_events_per_second=5.0, event_burst=10)
    seconds = 600.0
    with Observer(mosquitto.port) as observer:
        wait_for(lambda: output.link.online)
        begin = time.monotonic()
        seq = 0
        while (now := time.monotonic()) - begin < seconds:
            seq += 1
            output.event_captured(event(seq), now)
            output.result(result(seq % 3))
            time.sleep(1 / 30)
    output.close()
    events = observer.below("/event")
    print(  # noqa: T201
        f"\n{seq} events in {seconds:.0f} s: {len(events)} published, "
        f"{len(observer.heard) - len(events)} other messages, longest "
        f"{max(len(each.payload) for each in observer.heard)} bytes"
    )
    check_rates(observer.heard, begin, seconds)
    assert balance(output.counts) == 0

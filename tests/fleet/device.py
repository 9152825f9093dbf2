"""Many simulated devices in one process: `python -m tests.fleet.device URL FIRST COUNT SPREAD`.

Each is the real output with a thread of its own and an event every few seconds. A line on standard
input ends them; the last line of standard output says when each one connected.
"""

from __future__ import annotations

import json
import logging
import random
import sys
import threading
import time
from typing import TYPE_CHECKING

import msgspec

from edgehands.mqtt.output import MqttOutput, Subject
from edgehands.mqtt.settings import MqttConfig
from tests.brokers import event

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT_INTERVAL = 2.0  # seconds, on average


class Device(MqttOutput):
    """The output, which also remembers when it connected."""

    def __init__(self, url: str, number: int, spread: float) -> None:
        self.connects: list[float] = []
        self.number = number
        self.seq = 0
        self.next_event = time.monotonic() + random.uniform(0, 2 * EVENT_INTERVAL)  # noqa: S311
        config = MqttConfig(
            url=url, node=f"device_{number}", reconnect_spread=spread, home_assistant=False
        )
        super().__init__(config, Subject("bench", ("fist",)))

    def connected(self, publish: Callable[[str, str], None]) -> None:
        self.connects.append(time.monotonic())
        super().connected(publish)

    def live(self, now: float) -> None:
        """Put an event when it is time; its `ts` is the monotonic clock, for whoever measures."""
        if now >= self.next_event:
            self.next_event = now + random.uniform(0, 2 * EVENT_INTERVAL)  # noqa: S311
            self.seq += 1
            self.event_captured(msgspec.structs.replace(event(self.seq), ts=now), now)


def main(url: str, first: int, count: int, spread: float) -> None:
    logging.disable()  # a thousand lines that say the same
    devices = [Device(url, number, spread) for number in range(first, first + count)]
    asked = threading.Event()

    def wait_to_be_asked() -> None:
        sys.stdin.readline()
        asked.set()

    threading.Thread(target=wait_to_be_asked, daemon=True).start()
    told = False
    while not asked.wait(0.05):
        now = time.monotonic()
        for device in devices:
            device.live(now)
        if not told and all(device.link.online for device in devices):
            told = True
            print("ready", flush=True)  # noqa: T201
    print(  # noqa: T201
        json.dumps(
            {
                "connects": {device.number: device.connects for device in devices},
                "counts": [msgspec.to_builtins(device.counts) for device in devices],
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))

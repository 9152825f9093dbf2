"""A real Home Assistant, a real broker, our real output, and trouble: do automations fire once?

`python -m tests.home_assistant.run HASS [N]`, where HASS is the `hass` program of a Home Assistant
in an environment of its own (Python 3.13.2 or newer):

    python3.13 -m venv ha && ha/bin/pip install homeassistant==2026.2.3 paho-mqtt==2.1.0 \\
        home-assistant-frontend==20260128.6 numpy hass-nabucasa PyTurboJPEG

N is how often each trouble is made, 10 by default; that takes a quarter of an hour, so it is not in
CI. The automations publish what they do, so that everything is counted on the broker.
docs/reliability.md has the table that it prints.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands import mqtt
from edgehands.gestures.vocabulary import shipped_vocabulary
from edgehands.mqtt import removal
from edgehands.mqtt.output import MqttOutput, Subject
from edgehands.mqtt.settings import MqttConfig
from tests.brokers import Mosquitto, Observer, Proxy, event, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 10
WAYS = ("device", "blueprint", "state")
"""Device trigger, our blueprint, and a plain state trigger for comparison."""
GESTURES = tuple(shipped_vocabulary())
BLUEPRINT = Path(mqtt.__file__).parent / "blueprint.yaml"

CONFIGURATION = """
homeassistant:
  name: Test
  unit_system: metric
  time_zone: UTC
logger:
  default: warning
frontend:
automation: !include automations.yaml
"""

AUTOMATIONS = """
- id: device
  triggers:
    - trigger: device
      domain: mqtt
      device_id: {device}
      type: gesture
      subtype: thumb_up
  actions: &device
    - action: mqtt.publish
      data: {{topic: fired/device, payload: x}}
- id: blueprint
  use_blueprint:
    path: edgehands/gesture.yaml
    input:
      entity: event.lab_gesture
      gesture: thumb_up
      actions:
        - action: mqtt.publish
          data: {{topic: fired/blueprint, payload: x}}
- id: state
  triggers:
    - trigger: state
      entity_id: event.lab_gesture
  conditions:
    - "{{{{ trigger.to_state.attributes.event_type == 'thumb_up' }}}}"
  actions:
    - action: mqtt.publish
      data: {{topic: fired/state, payload: x}}
"""


def stored(key: str, data: object, minor: int) -> str:
    return json.dumps({"version": 1, "minor_version": minor, "key": key, "data": data})


class HomeAssistant:
    """One installation in a folder of its own."""

    def __init__(self, hass: str, folder: Path, port: int) -> None:
        self._hass = hass
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        (folder / ".storage").mkdir(parents=True)
        (folder / "configuration.yaml").write_text(CONFIGURATION)
        (folder / "automations.yaml").write_text("[]\n")
        blueprints = folder / "blueprints" / "automation" / "edgehands"
        blueprints.mkdir(parents=True)
        shutil.copy(BLUEPRINT, blueprints / "gesture.yaml")
        entry: dict[str, object] = {
            "created_at": "2026-01-01T00:00:00+00:00",
            "modified_at": "2026-01-01T00:00:00+00:00",
            "data": {"broker": "127.0.0.1", "port": port, "protocol": "5"},
            "options": {"discovery": True},
            "disabled_by": None,
            "discovery_keys": {},
            "domain": "mqtt",
            "entry_id": "0123456789abcdef0123456789abcdef",
            "version": 1,
            "minor_version": 1,
            "pref_disable_new_entities": False,
            "pref_disable_polling": False,
            "source": "user",
            "subentries": [],
            "title": "broker",
            "unique_id": None,
        }
        (folder / ".storage" / "core.config_entries").write_text(
            stored("core.config_entries", {"entries": [entry]}, 5)
        )

    def start(self) -> None:
        with (self.folder / "console.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._hass, "-c", str(self.folder), "--skip-pip"], stdout=log, stderr=log
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def device(self) -> str:
        registry = json.loads((self.folder / ".storage" / "core.device_registry").read_text())
        (device,) = [
            each["id"]
            for each in registry["data"]["devices"]
            if ["mqtt", "edgehands_lab"] in each["identifiers"]
        ]
        return str(device)

    def entities(self) -> list[str]:
        registry = json.loads((self.folder / ".storage" / "core.entity_registry").read_text())
        found = [each["entity_id"] for each in registry["data"]["entities"]]
        return sorted(entity for entity in found if "lab" in entity)

    def complaints(self) -> list[str]:
        """Lines of its log, at WARNING or above, that speak of us."""
        log = (self.folder / "home-assistant.log").read_text() if self._has_log() else ""
        log += (self.folder / "console.log").read_text()
        pattern = re.compile(
            r"(WARNING|ERROR).*(mqtt|edgehands|automation|blueprint)", re.IGNORECASE
        )
        return sorted({line for line in log.splitlines() if pattern.search(line)})

    def _has_log(self) -> bool:
        return (self.folder / "home-assistant.log").exists()


@dataclass
class Count:
    """How often each way fired: for real gestures, and with nobody there."""

    real: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WAYS, 0))
    ghosts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WAYS, 0))


class Bench:
    """Everything together."""

    def __init__(self, hass: str, folder: Path, repeats: int = REPEATS) -> None:
        self.repeats = repeats
        self.broker = Mosquitto(folder).start()
        self.proxy = Proxy(self.broker.port)
        self.ha = HomeAssistant(hass, folder / "config", self.broker.port)
        self.seq = 0
        self.output = self.device()

    def device(self) -> MqttOutput:
        """Start our side, through a line that can be cut."""
        url = f"mqtt://127.0.0.1:{self.proxy.port}"
        config = MqttConfig(url=url, node="lab", name="Lab")
        return MqttOutput(config, Subject("camera", GESTURES))

    def wait_for_birth(self, observer: Observer) -> None:
        observer.heard.clear()
        wait_for(lambda: observer.last("homeassistant/status") == b"online", 120)
        time.sleep(8)  # our answer has a jitter of five seconds

    def fired(self, observer: Observer) -> dict[str, int]:
        return {way: len(observer.on(f"fired/{way}")) for way in WAYS}

    def gesture(self, observer: Observer, count: Count) -> None:
        before = self.fired(observer)
        self.seq += 1
        shown = event(self.seq, "thumb_up", camera="camera")
        self.output.event_captured(shown, time.monotonic())
        time.sleep(2.0)
        for way, number in self.fired(observer).items():
            count.real[way] += number - before[way]

    def repeat(self, observer: Observer, trouble: Callable[[], None], settle: float) -> Count:
        """Show a gesture, cause trouble, and count what fires with nobody there."""
        count = Count()
        for _ in range(self.repeats):
            self.gesture(observer, count)
            before = self.fired(observer)
            trouble()
            time.sleep(settle)
            wait_for(lambda: self.output.link.online)
            for way, number in self.fired(observer).items():
                count.ghosts[way] += number - before[way]
        return count

    def flap(self) -> None:
        self.proxy.hang_up()

    def restart_broker(self) -> None:
        self.broker.kill()
        time.sleep(1)
        self.broker.start()

    def restart_device(self) -> None:
        self.output.close()
        time.sleep(1)
        self.output = self.device()

    def restart_home_assistant(self) -> None:
        self.ha.stop()
        self.ha.start()
        with Observer(self.broker.port, ("homeassistant/status",)) as births:
            self.wait_for_birth(births)

    def close(self) -> None:
        self.ha.stop()
        self.output.close()
        self.proxy.close()
        self.broker.kill()


def main(hass: str, repeats: str = str(REPEATS)) -> None:
    folder = Path(tempfile.mkdtemp(prefix="edgehands-ha-"))
    bench = Bench(hass, folder, int(repeats))
    try:
        with Observer(bench.broker.port) as observer:
            bench.ha.start()
            bench.wait_for_birth(observer)
            time.sleep(15)  # it writes its registries now and then
            bench.ha.stop()
            print("entities:", *bench.ha.entities(), sep="\n  ")  # noqa: T201
            automations = AUTOMATIONS.format(device=bench.ha.device())
            (bench.ha.folder / "automations.yaml").write_text(automations)
            bench.ha.start()
            bench.wait_for_birth(observer)
            found = {
                "connection cut, will": bench.repeat(observer, bench.flap, 5),
                "EdgeHands restarted": bench.repeat(observer, bench.restart_device, 5),
                "broker killed": bench.repeat(observer, bench.restart_broker, 15),
                "Home Assistant restarted": bench.repeat(observer, bench.restart_home_assistant, 2),
            }
            for name, count in found.items():
                for way in WAYS:
                    print(  # noqa: T201
                        f"{name:<26}{way:<11}{count.real[way]:>4} real{count.ghosts[way]:>4} ghosts"
                    )
            print("complaints:", *bench.ha.complaints(), sep="\n  ")  # noqa: T201
            bench.output.close()
            removed = removal.remove(MqttConfig(url=bench.broker.url, node="lab"))
            time.sleep(15)
            bench.ha.stop()
            print(f"removed {len(removed)} topics; entities left:", *bench.ha.entities())  # noqa: T201
    finally:
        bench.close()
        print(f"everything is in {folder}")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What Home Assistant is told: one retained announcement, its answers, and how it is undone."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from edgehands.errors import UsageError
from edgehands.gestures.vocabulary import shipped_vocabulary
from edgehands.mqtt import output as output_module
from edgehands.mqtt.discovery import announcement, event_types
from edgehands.mqtt.output import MqttOutput, Subject
from edgehands.mqtt.removal import remove
from edgehands.mqtt.settings import MqttConfig
from edgehands.mqtt.topics import Topics
from tests.brokers import Mosquitto, Observer, event, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

GESTURES = tuple(shipped_vocabulary())
TOPICS = Topics("edgehands", "lab")
CONFIG = "homeassistant/device/edgehands_lab/config"
# Of Home Assistant 2026.2: homeassistant/components/mqtt, ABBREVIATIONS and the platforms' schemas.
KNOWN = {
    "event": {"event_types"},
    "device_automation": {"automation_type", "type", "subtype", "topic", "payload"},
    "sensor": {"state_class", "unit_of_meas", "exp_aft"},
    "binary_sensor": {"exp_aft"},
    "switch": {"cmd_t"},
    "number": {"cmd_t", "min", "max", "step", "mode"},
}
COMMON = {
    *("p", "name", "unique_id", "icon", "stat_t", "avty_t", "value_template"),
    *("device_class", "entity_category"),
}


@pytest.fixture(scope="module")
def announced() -> dict[str, Any]:
    payload = announcement(TOPICS, name="Lab", cameras=["bench"], gestures=GESTURES)
    return dict(msgspec.json.decode(payload))


@pytest.fixture
def output(mosquitto: Mosquitto) -> Iterator[MqttOutput]:
    config = MqttConfig(url=mosquitto.url, node="lab")
    output = MqttOutput(config, Subject("bench", GESTURES))
    yield output
    output.close()


def of_platform(announced: dict[str, Any], platform: str) -> list[dict[str, Any]]:
    return [each for each in announced["cmps"].values() if each["p"] == platform]


def test_every_key_is_one_that_home_assistant_knows(announced: dict[str, Any]) -> None:
    assert set(announced) == {"dev", "o", "qos", "cmps"}
    for component in announced["cmps"].values():
        assert set(component) <= COMMON | KNOWN[component["p"]], component


def test_gestures_have_no_availability_and_everything_else_has(announced: dict[str, Any]) -> None:
    without = {each["p"] for each in announced["cmps"].values() if "avty_t" not in each}
    assert without == {"event", "device_automation"}
    assert "avty_t" not in announced


def test_an_event_entity_knows_every_event_that_may_come(announced: dict[str, Any]) -> None:
    (entity,) = of_platform(announced, "event")
    assert entity["stat_t"] == "edgehands/lab/bench/event"
    assert set(entity["event_types"]) == set(event_types(GESTURES))
    assert {"thumb_up", "thumb_up_end", "hand_enter", "hand_leave"} <= set(entity["event_types"])


def test_there_is_a_trigger_for_each_gesture(announced: dict[str, Any]) -> None:
    triggers = of_platform(announced, "device_automation")
    assert [each["payload"] for each in triggers] == list(GESTURES)


def test_an_own_gesture_may_have_the_name_of_an_entity() -> None:
    own = ("gesture", "present", "hands", "fps", "latency", "problem")
    few, many = (
        msgspec.json.decode(announcement(TOPICS, name="Lab", cameras=["bench"], gestures=gestures))
        for gestures in ((), own)
    )
    assert len(many["cmps"]) == len(few["cmps"]) + len(own)


def test_a_camera_may_be_called_anything_that_a_topic_may() -> None:
    payload = announcement(TOPICS, name="Lab", cameras=["2"], gestures=())
    template = msgspec.json.decode(payload)["cmps"]["2_hands"]["value_template"]
    assert template == "{{ value_json.cameras['2'].hands }}"


def test_unique_ids_are_unique_with_two_cameras() -> None:
    payload = announcement(TOPICS, name="Lab", cameras=["left", "right"], gestures=GESTURES)
    components = msgspec.json.decode(payload)["cmps"].values()
    ids = [each["unique_id"] for each in components if "unique_id" in each]
    assert len(ids) == len(set(ids))
    assert sum(each["p"] == "event" for each in components) == 2
    names = [each["name"] for each in components if "name" in each]
    assert len(names) == len(set(names))


def test_without_commands_there_is_nothing_to_press() -> None:
    payload = announcement(TOPICS, name="Lab", cameras=["b"], gestures=GESTURES, commands=False)
    platforms = {each["p"] for each in msgspec.json.decode(payload)["cmps"].values()}
    assert not platforms & {"switch", "number"}


def test_it_is_announced_retained_and_again_after_a_birth(
    mosquitto: Mosquitto, output: MqttOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_module, "ANNOUNCE_JITTER", 0.5)
    wait_for(lambda: output.link.online)
    with Observer(mosquitto.port) as observer:
        wait_for(lambda: observer.on(CONFIG))
        assert observer.on(CONFIG)[0].retained
        time.sleep(0.3)
        observer.heard.clear()
        observer.publish("homeassistant/status", b"offline")
        observer.publish("homeassistant/status", b"online")
        wait_for(lambda: observer.on(CONFIG))
        wait_for(lambda: observer.below("lab/state"))
    assert not observer.on("edgehands/lab/bench/event")  # no gesture is repeated


def edgehands(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgehands", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_removing_a_device_leaves_no_retained_topic(
    mosquitto: Mosquitto, output: MqttOutput
) -> None:
    output.event_captured(event(1), time.monotonic())
    wait_for(lambda: "bench/last_event'" in mosquitto.log)
    refused = edgehands("ha", "remove", mosquitto.url, "--node", "lab")
    assert refused.returncode == 2
    assert "lab is online and would come back: stop it first" in refused.stderr
    output.close()
    answer = edgehands("ha", "remove", mosquitto.url, "--node", "lab")
    assert answer.returncode == 0, answer.stderr
    assert CONFIG in answer.stdout.splitlines()
    with Observer(mosquitto.port) as observer:
        time.sleep(0.5)
    assert not [heard.topic for heard in observer.heard if heard.payload]
    assert remove(MqttConfig(url=mosquitto.url, node="lab")) == []


def test_removing_does_not_wait_for_a_device_that_is_never_quiet(
    mosquitto: Mosquitto, output: MqttOutput
) -> None:
    wait_for(lambda: output.link.online and "lab/availability'" in mosquitto.log)
    stop = threading.Event()

    def chatter() -> None:
        while not stop.wait(0.1):
            busy.publish("edgehands/lab/bench/event", b"{}")

    with Observer(mosquitto.port) as busy:
        thread = threading.Thread(target=chatter)
        thread.start()
        try:
            with pytest.raises(UsageError, match="lab is online"):
                remove(MqttConfig(url=mosquitto.url, node="lab"))
        finally:
            stop.set()
            thread.join()


def test_removing_from_a_broker_that_is_not_there_is_one_line() -> None:
    answer = edgehands("ha", "remove", "mqtt://127.0.0.1:1")
    assert answer.returncode == 69
    assert answer.stderr == "edgehands: mqtt://127.0.0.1:1: nothing listens there\n"


def test_the_blueprint_refuses_what_is_no_gesture() -> None:
    text = edgehands("ha", "blueprint").stdout
    trigger, conditions = text.split("triggers:")[1].split("variables:")
    assert "not_from:\n      - unavailable\n" in trigger
    assert "as_timestamp(trigger.to_state.state, 0) < 5" in conditions


def test_watch_prints_one_line_an_event(mosquitto: Mosquitto, output: MqttOutput) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "edgehands", "watch", mosquitto.url, "--json", "--count", "2"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process, Observer(mosquitto.port) as observer:
        wait_for(lambda: "edgehands/+/+/event (QoS" in mosquitto.log, 30)
        observer.publish("edgehands/lab/bench/event", b"\xff not an event")
        output.event_captured(event(1, "thumb_up"), time.monotonic())
        output.event_captured(event(2, "thumb_up_end"), time.monotonic())
        lines = list(process.stdout or ())
    assert [msgspec.json.decode(line)["event_type"] for line in lines] == [
        *("thumb_up", "thumb_up_end"),
    ]


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_watch_lets_nobody_steer_the_terminal(
    mosquitto: Mosquitto, output: MqttOutput, flags: tuple[str, ...]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "edgehands", "watch", mosquitto.url, "--count", "1", *flags],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        wait_for(lambda: "edgehands/+/+/event (QoS" in mosquitto.log, 30)
        output.event_captured(event(1, "\x1b]0;x\x07fi\nst\x9b2J\u202e"), time.monotonic())
        text = process.stdout.read() if process.stdout else ""
    assert text.endswith("\n")
    assert text[:-1].isprintable()


def test_watch_is_readable(mosquitto: Mosquitto, output: MqttOutput) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "edgehands", "watch", mosquitto.url, "--count", "1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        wait_for(lambda: "edgehands/+/+/event (QoS" in mosquitto.log, 30)
        output.event_captured(event(1, "thumb_up"), time.monotonic())
        (line,) = list(process.stdout or ())
    assert "lab/bench" in line
    assert "thumb_up" in line
    assert "right hand 1" in line
    assert line.rstrip().endswith(" ms")

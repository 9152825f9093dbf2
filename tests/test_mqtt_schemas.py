"""Every message is as the published JSON Schemas say, and the schemas are those of the code."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from edgehands.mqtt.output import MqttOutput, Subject
from edgehands.mqtt.schemas import MESSAGES, schema
from edgehands.mqtt.settings import MqttConfig
from tests.brokers import Mosquitto, Observer, event, wait_for
from tests.test_mqtt import result

if TYPE_CHECKING:
    from typing import Any

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"
SCHEMA_OF = {"event": "event", "last_event": "event", "state": "state", "hands": "hands"}


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((FOLDER / f"{name}.schema.json").read_text()))


@pytest.mark.parametrize("name", MESSAGES)
def test_the_published_schema_is_that_of_the_code(name: str) -> None:
    published = (FOLDER / f"{name}.schema.json").read_text()
    assert published == schema(name) + "\n", "run: python -m edgehands.mqtt.schemas"
    Draft202012Validator.check_schema(json.loads(published))


def test_every_message_is_as_its_schema_says(mosquitto: Mosquitto) -> None:
    config = MqttConfig(url=mosquitto.url, node="lab", landmarks=True, home_assistant=False)
    output = MqttOutput(config, Subject("bench", ("fist",)))
    with Observer(mosquitto.port) as observer:
        wait_for(lambda: output.link.online)
        for seq in range(5):
            output.event_captured(event(seq), time.monotonic())
            output.result(result(seq % 3))
            time.sleep(0.12)
        output.close()
        wait_for(lambda: observer.last("availability") == b"offline")
    checked: dict[str, int] = {}
    for heard in observer.heard:
        kind = heard.topic.rpartition("/")[2]
        if kind in SCHEMA_OF:
            validator(SCHEMA_OF[kind]).validate(heard.json)
            checked[kind] = checked.get(kind, 0) + 1
            assert kind == "hands" or len(heard.payload) <= 512
    assert set(checked) == set(SCHEMA_OF)


@pytest.mark.parametrize(
    "wrong", [{"score": "much"}, {"phase": "perhaps"}, {"hand": None}, {"seq": None}]
)
def test_the_schema_of_events_would_notice(wrong: dict[str, Any]) -> None:
    import msgspec

    good = msgspec.to_builtins(event(1))
    assert validator("event").is_valid(good)
    assert not validator("event").is_valid({**good, **wrong})

"""Commands: a few are obeyed, everything else is counted, nothing raises."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgehands.control import Control, adjusted
from edgehands.mqtt.commands import LONGEST, CommandCountsSoFar, Commands
from edgehands.mqtt.output import MqttOutput, Subject
from edgehands.mqtt.settings import MqttConfig
from edgehands.settings import GestureRules
from tests.brokers import Mosquitto, Observer, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("enabled", "sensitivity", "snapshot", "announce")


def commands(control: Control | None = None) -> Commands:
    return Commands(control or Control(), lambda: None, lambda: None)


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        ("enabled", b"OFF", Control(enabled=False)),
        ("enabled", b" off\n", Control(enabled=False)),
        ("enabled", b"ON", Control(enabled=True)),
        ("sensitivity", b"0.75", Control(sensitivity=0.75)),
        ("sensitivity", b"1", Control(sensitivity=1.0)),
    ],
)
def test_a_known_command_is_obeyed(name: str, payload: bytes, expected: Control) -> None:
    control = Control()
    asked = commands(control)
    assert asked.handle(name, payload, retained=False)
    assert control == expected
    assert asked.counts == CommandCountsSoFar(accepted=1)


@pytest.mark.parametrize(
    ("name", "payload", "retained", "counted"),
    [
        ("enabled", b"OFF", True, CommandCountsSoFar(retained=1)),
        ("enabled", b"OFF" + b" " * LONGEST, False, CommandCountsSoFar(oversized=1)),
        ("reboot", b"", False, CommandCountsSoFar(unknown=1)),
        ("a/b", b"", False, CommandCountsSoFar(unknown=1)),
        ("enabled", b"maybe", False, CommandCountsSoFar(malformed=1)),
        ("enabled", b"", False, CommandCountsSoFar(malformed=1)),
        ("sensitivity", b"nan", False, CommandCountsSoFar(malformed=1)),
        ("sensitivity", b"inf", False, CommandCountsSoFar(malformed=1)),
        ("sensitivity", b"-0.1", False, CommandCountsSoFar(malformed=1)),
        ("sensitivity", b"[" * 4000, False, CommandCountsSoFar(malformed=1)),
        ("sensitivity", b"\xff\xfe", False, CommandCountsSoFar(malformed=1)),
    ],
)
def test_anything_else_is_ignored_and_counted(
    name: str, payload: bytes, retained: bool, counted: CommandCountsSoFar
) -> None:
    control = Control()
    asked = commands(control)
    assert not asked.handle(name, payload, retained=retained)
    assert control == Control()
    assert asked.counts == counted
    assert asked.counts.refused == 1


def test_the_same_nonsense_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    asked = commands()
    for _ in range(1000):
        asked.handle("reboot", b"now", retained=False)
    assert len(caplog.messages) == 1
    for number in range(1000):
        asked.handle(f"reboot{number}", b"now", retained=False)
    assert len(caplog.messages) < 100
    assert asked.counts.unknown == 2000


def fuzz(examples: int) -> None:
    asked = commands()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.one_of(st.sampled_from(NAMES), st.text(max_size=30)),
        st.one_of(
            st.binary(max_size=64),
            st.text(max_size=20).map(str.encode),
            st.floats().map(lambda value: str(value).encode()),
            st.just(b"9" * 5000),
        ),
        st.booleans(),
    )
    def attempt(name: str, payload: bytes, retained: bool) -> None:
        before = asked.counts.accepted + asked.counts.refused
        asked.handle(name, payload, retained=retained)
        assert asked.counts.accepted + asked.counts.refused == before + 1

    attempt()


def test_no_command_raises() -> None:
    fuzz(300)


@pytest.mark.system
def test_none_of_fifty_thousand_commands_raises() -> None:
    fuzz(50_000)


def test_sensitivity_moves_every_score_and_the_middle_none() -> None:
    rules = {"fist": GestureRules(min_score=0.6)}
    assert adjusted(rules, ["fist"], 0.5)["fist"].min_score == 0.6
    scores = [adjusted(rules, ["fist", "victory"], at)["fist"].min_score for at in (0, 0.5, 1)]
    assert scores == pytest.approx([0.8, 0.6, 0.3])
    assert adjusted(rules, ["fist", "victory"], 1.0)["victory"].min_score == pytest.approx(0.25)


@pytest.fixture
def control() -> Control:
    return Control()


@pytest.fixture
def output(mosquitto: Mosquitto, control: Control) -> Iterator[MqttOutput]:
    config = MqttConfig(url=mosquitto.url, node="lab", home_assistant=False)
    output = MqttOutput(config, Subject("bench", ("fist",), control=control))
    wait_for(lambda: output.link.online)
    yield output
    output.close()


def test_a_command_over_the_broker_is_obeyed_and_answered(
    mosquitto: Mosquitto, output: MqttOutput, control: Control
) -> None:
    with Observer(mosquitto.port) as observer:
        observer.publish(output.topics.command("enabled"), b"OFF")
        observer.publish(output.topics.command("sensitivity"), b"0.8")
        wait_for(lambda: observer.last("lab/enabled") == b"OFF")
        wait_for(lambda: observer.last("lab/sensitivity") == b"0.8")
        wait_for(lambda: b'"accepted":2,"refused":0' in (observer.last("lab/state") or b""))
    assert control == Control(enabled=False, sensitivity=0.8)


def test_a_retained_command_is_not_obeyed_when_the_device_starts(
    mosquitto: Mosquitto, control: Control
) -> None:
    with Observer(mosquitto.port) as observer:
        observer.publish("edgehands/lab/enabled/set", b"OFF", retain=True)
        wait_for(lambda: observer.below("enabled/set"))
    config = MqttConfig(url=mosquitto.url, node="lab", home_assistant=False)
    output = MqttOutput(config, Subject("bench", control=control))
    try:
        wait_for(lambda: output.commands.counts.retained == 1)
        assert control.enabled
    finally:
        output.close()


def test_a_snapshot_publishes_every_state_again(mosquitto: Mosquitto, output: MqttOutput) -> None:
    with Observer(mosquitto.port) as observer:
        wait_for(lambda: observer.below("lab/state"))
        time.sleep(0.6)
        observer.heard.clear()
        observer.publish(output.topics.command("snapshot"), b"")
        for end in ("lab/state", "lab/enabled", "lab/sensitivity", "bench/camera"):
            wait_for(lambda: observer.below(end))  # noqa: B023


def test_no_commands_are_taken_where_they_are_switched_off(
    mosquitto: Mosquitto, control: Control
) -> None:
    config = MqttConfig(url=mosquitto.url, node="deaf", commands=False, home_assistant=False)
    output = MqttOutput(config, Subject("bench", control=control))
    try:
        with Observer(mosquitto.port) as observer:
            wait_for(lambda: observer.below("deaf/state"))
            observer.publish("edgehands/deaf/enabled/set", b"OFF")
            time.sleep(0.3)
            assert not observer.below("deaf/enabled")
        assert control.enabled
        assert output.commands.counts == CommandCountsSoFar()
    finally:
        output.close()

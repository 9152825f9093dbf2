"""The output `mqtt` against a real mosquitto on loopback that is killed, frozen and lied about."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from edgehands.control import Control
from edgehands.frame import Frame
from edgehands.hand import Hand, Roi
from edgehands.mqtt.outbox import SENDABLE, OutboxCounts
from edgehands.mqtt.output import MqttOutput, Subject
from edgehands.mqtt.settings import MqttConfig
from edgehands.outputs import Result
from tests.brokers import Heard, Mosquitto, Observer, event, free_port, proxy_to, wait_for
from tests.test_mqtt_outbox import balance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typing_extensions import Self

LIFE = 2.0
EVENTS = "edgehands/lab/bench/event"


class Opened(list[MqttOutput]):
    """Outputs that a test has opened, all closed at its end."""

    def __call__(self, url: str, control: Control | None = None, **config: Any) -> MqttOutput:
        whole = {"home_assistant": False, "max_events_per_second": 1000.0, "event_burst": 256}
        self.append(
            MqttOutput(
                MqttConfig(url=url, **{"node": "lab", **whole, **config}),
                Subject("bench", ("fist", "thumb_up"), control=control or Control()),
            )
        )
        return self[-1]


@pytest.fixture
def open_output() -> Iterator[Opened]:
    opened = Opened()
    yield opened
    for output in opened:
        output.close()


def result(hands: int = 0) -> Result:
    points = np.zeros((21, 3), np.float32)
    roi = Roi(0, 0, 1, 0)
    seen = [Hand(n + 1, points, points, 0.9, "left", 0.9, roi) for n in range(hands)]
    return Result(Frame(np.zeros((8, 8, 3), np.uint8), 0.0, time.monotonic()), seen)


@dataclass
class Source:
    """Puts events into an output at a steady rate from a thread of its own, as the queue does."""

    output: MqttOutput
    rate: float = 10.0

    def __enter__(self) -> Self:
        self.captured: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        seq = 0
        while not self._stop.wait(1 / self.rate):
            seq += 1
            now = time.monotonic()
            self.captured[seq] = now
            self.output.event_captured(event(seq), now)


def lateness(source: Source, heard: list[Heard]) -> list[float]:
    """Seconds from capture to arrival of each message."""
    return [each.time - source.captured[each.json["seq"]] for each in heard]


def test_an_event_arrives_at_least_once_with_its_age(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    output = open_output(mosquitto.url)
    with Observer(mosquitto.port) as observer:
        output.event_captured(event(1), time.monotonic() - 0.5)
        wait_for(lambda: observer.on(EVENTS))
    (heard,) = observer.on(EVENTS)
    assert not heard.retained
    assert 500 <= heard.json.pop("age_ms") <= 1500
    assert heard.json["event_type"] == "fist"
    wait_for(lambda: output.counts.acknowledged == 1)


def test_an_event_that_was_old_when_it_came_never_leaves(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    output = open_output(mosquitto.url)
    with Observer(mosquitto.port) as observer:
        output.event_captured(event(1), time.monotonic() - LIFE - 0.1)
        output.event_captured(event(2), time.monotonic())
        wait_for(lambda: observer.on(EVENTS))
    assert [heard.json["seq"] for heard in observer.on(EVENTS)] == [2]
    assert output.counts.expired == 1


def test_nothing_waits_for_a_broker_that_is_not_there(open_output: Opened) -> None:
    output = open_output("mqtt://127.0.0.1:1")
    begin = time.monotonic()
    for seq in range(1000):
        output.event_captured(event(seq), time.monotonic())
        output.result(result())
    assert time.monotonic() - begin < 2.0
    output.close()
    assert balance(output.counts) == 0
    assert "never connected" in output.account()


def test_it_starts_before_the_broker(
    start_broker: Callable[..., Mosquitto], open_output: Opened
) -> None:
    broker = start_broker()
    broker.kill()
    output = open_output(broker.url)
    output.event_captured(event(1), time.monotonic())
    time.sleep(0.3)
    broker.start()
    with Observer(broker.port) as observer:
        output.event_captured(event(2), time.monotonic())
        wait_for(lambda: 2 in [heard.json["seq"] for heard in observer.on(EVENTS)])


# A socket that cannot connect is left to the garbage collector by paho.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_broker_on_a_unix_socket_needs_no_network(
    start_broker: Callable[..., Mosquitto], open_output: Opened, tmp_path: Path
) -> None:
    path = tmp_path / "broker.sock"
    broker = start_broker("listener {port} 127.0.0.1", f"listener 0 {path}", "allow_anonymous true")
    wait_for(path.exists)
    with Observer(broker.port) as observer:
        output = open_output(f"unix://{path}")
        output.event_captured(event(1), time.monotonic())
        wait_for(lambda: [heard.json["seq"] for heard in observer.on(EVENTS)] == [1])
        broker.kill()
        path.unlink(missing_ok=True)
        broker.start()
        wait_for(path.exists)
        output.event_captured(event(2), time.monotonic())
        wait_for(lambda: output.health().delivered == 2)


def test_states_are_retained_and_events_are_not(mosquitto: Mosquitto, open_output: Opened) -> None:
    output = open_output(mosquitto.url)
    output.event_captured(event(1), time.monotonic())
    wait_for(lambda: output.counts.acknowledged == 1)
    wait_for(lambda: "lab/bench/last_event'" in mosquitto.log)
    with Observer(mosquitto.port) as late:
        time.sleep(0.5)
    kept = {heard.topic.removeprefix("edgehands/lab/") for heard in late.heard}
    assert kept == {
        *("availability", "state", "enabled", "sensitivity"),
        *("bench/camera", "bench/last_event"),
    }
    assert late.below("availability")[0].payload == b"online"


def test_closing_sends_what_waits_and_says_goodbye(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    output = open_output(mosquitto.url)
    with Observer(mosquitto.port) as observer:
        wait_for(lambda: observer.below("availability"))
        for seq in range(50):
            output.event_captured(event(seq), time.monotonic())
        output.close()
        wait_for(lambda: observer.last("availability") == b"offline")
    assert [heard.json["seq"] for heard in observer.on(EVENTS)] == list(range(50))
    assert observer.below("last_event")[-1].json["seq"] == 49
    assert output.counts == OutboxCounts(accepted=50, acknowledged=50, sent=50)


def test_a_new_hand_and_none_are_told_soon(mosquitto: Mosquitto, open_output: Opened) -> None:
    output = open_output(mosquitto.url)
    with Observer(mosquitto.port) as observer:
        for hands in (0, 2, 0):
            output.result(result(hands))
            wait_for(
                lambda: (
                    observer.below("lab/state")
                    and observer.below("lab/state")[-1].json["cameras"]["bench"]["hands"] == hands  # noqa: B023
                ),
                3,
            )


def test_with_landmarks_a_new_hand_is_told_as_soon(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    output = open_output(mosquitto.url, landmarks=True)
    with Observer(mosquitto.port) as observer:
        for hands in (0, 2, 0):
            time.sleep(0.15)  # so that landmarks are due in the very frame
            output.result(result(hands))
            wait_for(
                lambda: (
                    observer.below("lab/state")
                    and observer.below("lab/state")[-1].json["cameras"]["bench"]["hands"] == hands  # noqa: B023
                ),
                3,
            )


def test_landmarks_are_published_on_request_ten_times_a_second_at_most(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    output = open_output(mosquitto.url, landmarks=True)
    with Observer(mosquitto.port) as observer:
        wait_for(lambda: output.link.online)
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            output.result(result(1))
            time.sleep(0.01)
    heard = observer.below("bench/hands")
    assert 5 <= len(heard) <= 12
    assert len(heard[0].json["hands"][0]["landmarks"]) == 21


def test_a_continuous_value_has_a_topic_of_its_own(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    output = open_output(mosquitto.url)
    with Observer(mosquitto.port) as observer:
        wait_for(lambda: output.link.online)
        for seq in range(100):
            value = msgspec.structs.replace(event(seq), phase="value", event_type="fist_value")
            output.event_captured(value, time.monotonic())
            time.sleep(0.005)
        wait_for(lambda: b'"seq":99' in (observer.last("bench/value/fist") or b""))
    assert len(observer.below("bench/value/fist")) <= 12  # the newest, ten times a second
    assert all(each.json["age_ms"] is not None for each in observer.below("bench/value/fist"))
    assert not observer.on(EVENTS)
    assert output.counts.accepted == 0


def test_no_value_comes_after_the_end_of_its_gesture(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    output = open_output(mosquitto.url)
    with Observer(mosquitto.port) as observer:
        wait_for(lambda: output.link.online)
        value = msgspec.structs.replace(event(1), phase="value", event_type="fist_value")
        end = msgspec.structs.replace(event(2), phase="end", event_type="fist_end")
        with output.link.lock:  # so that the value still waits
            output.event_captured(value, time.monotonic())
            output.event_captured(end, time.monotonic())
        wait_for(lambda: observer.on(EVENTS))
        time.sleep(0.3)
    assert not observer.below("bench/value/fist")


@pytest.mark.parametrize("scheme", ["mqtt", "ws"])
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_it_speaks_both_versions_over_tcp_and_websocket(
    start_broker: Callable[..., Mosquitto], open_output: Opened, scheme: str, protocol: str
) -> None:
    # mosquitto 2.0 starts a WebSocket only beside a plain listener.
    plain = ("allow_anonymous true", "listener {port} 127.0.0.1")
    port = free_port()
    broker = start_broker(*plain, f"listener {port} 127.0.0.1", "protocol websockets")
    if scheme == "mqtt":
        port = broker.port
    output = open_output(f"{scheme}://127.0.0.1:{port}", protocol=protocol)
    output.event_captured(event(1), time.monotonic())
    wait_for(lambda: output.counts.acknowledged == 1)
    assert f"(p{'5' if protocol == '5' else '2'}," in broker.log


def test_a_broker_of_the_older_version_is_spoken_to_in_its_own(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    with proxy_to(mosquitto.port) as proxy:
        # As a broker of MQTT 3.1.1 answers a CONNECT of version 5.
        proxy.answers = lambda first: b"\x20\x02\x00\x01" if first[8:9] == b"\x05" else None
        output = open_output(f"mqtt://127.0.0.1:{proxy.port}")
        output.event_captured(event(1), time.monotonic())
        wait_for(lambda: output.counts.acknowledged == 1)
    assert "(p2," in mosquitto.log


def test_a_broker_that_hung_up_on_the_newer_version_is_offered_it_again(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    with proxy_to(mosquitto.port) as proxy:
        proxy.answers = lambda first: b"" if first[8:9] == b"\x05" else None
        output = open_output(f"mqtt://127.0.0.1:{proxy.port}")
        wait_for(lambda: output.link.online)
        assert "(p2," in mosquitto.log
        proxy.answers = lambda _: None
        proxy.hang_up()
        wait_for(lambda: "(p5," in mosquitto.log)


def outage(broker: Mosquitto, output: MqttOutput, seconds: float) -> dict[str, float]:
    """Kill a broker under ten events a second, start it again, and look at who got what."""
    before = output.counts.expired
    with Observer(broker.port, (EVENTS,)) as observer, Source(output) as source:
        wait_for(lambda: len(observer.heard) >= 10)
        killed = time.monotonic()
        broker.kill()
        time.sleep(seconds)
        broker.start()
        back = time.monotonic()
        wait_for(lambda: output.link.online)
        online = time.monotonic()
        time.sleep(2.5)
        heard = list(observer.heard)
    listening = observer.subscribed[1]
    got = {each.json["seq"] for each in heard}
    put = {seq: captured for seq, captured in source.captured.items() if captured < online + 2.0}
    lost = [captured for seq, captured in put.items() if seq not in got]
    # Who listened before we were back has heard everything else; by the clock it is less exact.
    dead = [captured for captured in put.values() if killed < captured <= online - SENDABLE]
    gone = len(lost) if listening <= online else len(dead)
    first = min(each.time for each in heard if each.time > back)
    return {
        "lost outside": sum(not killed - LIFE < captured < listening for captured in lost),
        "late": sum(age > LIFE for age in lateness(source, heard)),
        "oldest": max(lateness(source, heard)),
        "expired": output.counts.expired - before,
        "expired wrong by": abs(output.counts.expired - before - gone),
        "first delivery": first - back,
        "twice": len(heard) - len(got),
    }


@pytest.mark.slow
def test_a_killed_broker_costs_only_the_outage_and_nothing_comes_late(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    output = open_output(mosquitto.url)
    found = outage(mosquitto, output, 2.5)
    assert found["lost outside"] == 0
    assert found["late"] == 0
    assert found["expired"] > 0
    assert found["expired wrong by"] <= 1
    assert found["first delivery"] <= 5.0


def test_after_a_restart_commands_and_states_work_again(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    control = Control()
    output = open_output(mosquitto.url, control)
    wait_for(lambda: output.link.online)
    mosquitto.kill()
    mosquitto.start()
    with Observer(mosquitto.port) as observer:
        wait_for(lambda: observer.below("lab/state"))
        wait_for(lambda: observer.below("availability"))
        wait_for(lambda: observer.last("lab/enabled") == b"ON")
        observer.publish("edgehands/lab/enabled/set", b"OFF")
        wait_for(lambda: not control.enabled)
        wait_for(lambda: observer.last("edgehands/lab/enabled") == b"OFF")


def test_an_event_that_was_not_acknowledged_comes_again_with_the_same_id(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    with proxy_to(mosquitto.port) as proxy, Observer(mosquitto.port, (EVENTS,)) as observer:
        output = open_output(f"mqtt://127.0.0.1:{proxy.port}")
        wait_for(lambda: output.link.online)
        proxy.drops = lambda chunk: chunk[:1] == b"\x40"  # PUBACK
        # One that lives long enough for a slow machine.
        output.event_captured(event(1), time.monotonic() + 8)
        wait_for(lambda: observer.heard)
        proxy.hang_up()  # before its PUBACK, which may be late, could come through
        proxy.drops = lambda _: False
        wait_for(lambda: output.counts.acknowledged == 1)
        wait_for(lambda: len(observer.heard) > 1)
    ids = [heard.json["id"] for heard in observer.heard]
    assert ids == [event(1).id] * 2
    assert output.counts == OutboxCounts(accepted=1, acknowledged=1, sent=2, repeated=1)


def test_a_broker_that_hangs_gets_nothing_more_to_deliver_late(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    output = open_output(mosquitto.url)
    with Observer(mosquitto.port, (EVENTS,)) as observer, Source(output, rate=6) as source:
        wait_for(lambda: len(observer.heard) > 1)
        mosquitto.pause()
        frozen = time.monotonic()
        time.sleep(3.5)
        mosquitto.resume()
        time.sleep(0.5)
    late = [age for age in lateness(source, observer.heard) if age > LIFE]
    # What was sent before it showed: half a second of events and the one after.
    assert 0 < len(late) <= 5
    assert all(
        source.captured[heard.json["seq"]] < frozen + 0.7
        for heard in observer.heard
        if heard.time - source.captured[heard.json["seq"]] > LIFE
    )
    assert output.counts.expired > 0


@pytest.mark.slow
def test_a_storm_stays_within_the_rates_and_sizes(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    output = open_output(mosquitto.url, max_events_per_second=5.0, event_burst=10)
    with Observer(mosquitto.port) as observer:
        wait_for(lambda: output.link.online)
        begin = time.monotonic()
        seq = 0
        while (now := time.monotonic()) - begin < 3.0:
            seq += 1
            output.event_captured(event(seq), now)
            output.result(result(seq % 3))
            time.sleep(0.01)
    output.close()
    check_rates(observer.heard, begin, 3.0)
    assert balance(output.counts) == 0
    assert output.counts.limited > 100


def check_rates(heard: list[Heard], begin: float, seconds: float) -> None:
    """What R6 asks for, of one camera."""
    heard = [each for each in heard if each.time >= begin + 0.1]
    events = [each for each in heard if each.topic.endswith("/event")]
    states = [each for each in heard if not each.topic.endswith("/event")]
    assert len(events) <= 10 + 5 * seconds
    assert len(states) <= 2 * seconds + 8  # and what goes with the goodbye
    assert max(len(each.payload) for each in heard) <= 512


@pytest.mark.slow
def test_a_stopped_process_is_shown_offline(mosquitto: Mosquitto) -> None:
    assert time_to_offline(mosquitto, keepalive=2) <= 9.0


def time_to_offline(broker: Mosquitto, keepalive: int) -> float:
    """Stop a process that publishes, and wait until the broker says so."""
    code = f"""
import time
from edgehands.mqtt.output import MqttOutput, Subject
from edgehands.mqtt.settings import MqttConfig
config = MqttConfig(url="{broker.url}", node="lab", keepalive={keepalive})
output = MqttOutput(config, Subject("bench"))
time.sleep(600)
"""
    with Observer(broker.port, ("edgehands/lab/availability",)) as observer:
        process = subprocess.Popen([sys.executable, "-c", code])
        try:
            wait_for(lambda: observer.heard)
            process.send_signal(19)
            begin = time.monotonic()
            wait_for(lambda: observer.heard[-1].payload == b"offline", 60)
            return time.monotonic() - begin
        finally:
            process.kill()
            process.wait()


def test_two_processes_with_one_name_say_so_and_do_not_fight(
    mosquitto: Mosquitto, open_output: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    first = open_output(mosquitto.url)
    wait_for(lambda: first.link.online)
    open_output(mosquitto.url)
    wait_for(lambda: "give each a node of its own" in caplog.text)
    time.sleep(1.0)
    assert mosquitto.log.count("New client connected") <= 8


def test_ids_rise_and_the_gap_of_a_lost_event_can_be_seen(
    mosquitto: Mosquitto, open_output: Opened
) -> None:
    output = open_output(mosquitto.url)
    with Observer(mosquitto.port, (EVENTS,)) as observer:
        for seq in (1, 2, 4):
            output.event_captured(event(seq), time.monotonic())
        wait_for(lambda: len(observer.heard) == 3)
    heard = [each.json for each in observer.heard]
    assert all(one["id"] < two["id"] for one, two in pairwise(heard))
    assert [two["seq"] - one["seq"] for one, two in pairwise(heard)] == [1, 2]

"""A whole run with a broker: what a user types, and what everybody else then sees."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, Observer, wait_for

pytestmark = [pytest.mark.usefixtures("models"), pytest.mark.slow]

STARTING = 60.0  # seconds until a run has its first frame, on a machine that is busy


def test_a_run_pauses_goes_on_and_says_goodbye(mosquitto: Mosquitto, tmp_path: Path) -> None:
    config = tmp_path / "edgehands.toml"
    config.write_text(
        '[[camera]]\nsource = "synthetic:"\nname = "desk"\n[[output]]\ntype = "mqtt"\n'
        f'url = "{mosquitto.url}"\nnode = "lab"\nname = "Lab"\n'
    )
    with Observer(mosquitto.port) as observer:
        process = subprocess.Popen(
            [sys.executable, "-m", "edgehands", "run", "--config", str(config), "--model", "light"],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_for(lambda: observer.below("desk/event"), STARTING)
            observer.publish("edgehands/lab/enabled/set", b"OFF")
            wait_for(lambda: observer.last("lab/enabled") == b"OFF")
            wait_for(lambda: b'"enabled":false' in (observer.last("lab/state") or b""))
            paused = len(observer.below("desk/event"))
            wait_for(lambda: b'"hands":0' in (observer.last("lab/state") or b""))
            assert observer.last("desk/camera") == b"ok"
            observer.publish("edgehands/lab/enabled/set", b"ON")
            wait_for(lambda: len(observer.below("desk/event")) > paused, 30)
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate(timeout=30)
            wait_for(lambda: observer.last("lab/availability") == b"offline")
        finally:
            process.kill()
    assert process.returncode == 0, told
    assert "events acknowledged" in told
    first, *_ = observer.below("desk/event")
    assert first.json["camera"] == "desk"
    assert 0 < first.json["age_ms"] < 2000
    announced = json.loads(observer.on("homeassistant/device/edgehands_lab/config")[0].payload)
    assert announced["dev"]["name"] == "Lab"


def test_the_demo_sends_the_same_events_to_a_broker_and_to_stdout(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with Observer(mosquitto.port) as observer:
        answer = subprocess.run(
            [sys.executable, "-m", "edgehands", "demo", "--frames", "80", "--out", str(tmp_path),
             "--events", "stdout", "--events", mosquitto.url],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        wait_for(lambda: observer.last("demo/availability") == b"offline")
    everything = [f"{each.topic} {each.payload.decode()}" for each in observer.heard]
    for line in shown_in_readme():
        assert any(each.startswith(line) for each in everything), line
    heard = [each.payload.decode() for each in observer.below("demo/demo/event")]
    assert heard == answer.stdout.splitlines()
    assert heard
    assert not observer.below("/config")  # nothing stays in Home Assistant


def shown_in_readme() -> list[str]:
    """The demo's messages there, without what is another each time or depends on the speed."""
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("edgehands/demo/")]
    lines = [line for line in lines if "/last_event" not in line]
    assert len(lines) > 8
    return [line.partition('"ts"')[0].partition('"score"')[0] for line in lines]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mqtt://me:secret@host", "a password in the broker URL of host"),
        ("mqtt://me:sec/ret@host", "a password in the broker URL of host"),
        ("htp://host", "broker 'htp://host': expected mqtt://[user@]host[:port][/prefix]"),
    ],
)
def test_a_wrong_place_for_events_is_one_line(url: str, message: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "edgehands", "run", "--source", "synthetic:", "--events", url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert message in answer.stderr
    assert "secret" not in answer.stderr
    assert len(answer.stderr.splitlines()) == 1

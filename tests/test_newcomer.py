"""A newcomer's way, timed: from an empty Debian to an entity in Home Assistant, in three commands.

sudo apt install pipx
pipx install edgehands-0.1.0-py3-none-any.whl
edgehands setup --yes --camera CLIP --broker mqtt://HOST
edgehands run
"""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from edgehands.synthetic import DEMO_CLIP
from tests.brokers import Observer
from tests.roots import open_root
from tests.test_roots import put, wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.brokers import Mosquitto

__all__ = ["wheel"]  # a fixture

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("models")]

LIMIT = 300.0
"""Seconds for all of it, downloads left out: five minutes are what a newcomer may take on a Pi."""


def test_three_commands_lead_from_an_empty_debian_to_an_entity(
    wheel: Path,
    tmp_path: Path,
    start_broker: Callable[..., Mosquitto],
) -> None:
    root = open_root("bookworm", "x86_64", tmp_path, ("pipx",), kind="pipx")
    put(root, wheel)
    shutil.copy(DEMO_CLIP, root.path("/root/clip.mp4"))
    broker = start_broker()
    commands = [
        f"pipx install ./{wheel.name}",
        f"edgehands setup --yes --camera clip.mp4 --broker {broker.url} --node hall",
        "edgehands run",
    ]
    script = "cd; export PATH=$HOME/.local/bin:$PATH\n" + "\n".join(commands)
    begun = time.monotonic()
    with Observer(broker.port) as observer:
        answer = root.run(script, network=True)
        took = time.monotonic() - begun
        assert answer.returncode == 0, answer.stdout + answer.stderr
        heard = list(observer.heard)
    print(f"three commands: {took:.0f} s")  # noqa: T201
    assert took < LIMIT
    (discovery,) = {
        message.payload
        for message in heard
        if message.topic == "homeassistant/device/edgehands_hall/config"
    }
    components = json.loads(discovery)["cmps"]
    assert "event" in {component["p"] for component in components.values()}
    events = [message.json["event_type"] for message in heard if message.topic.endswith("/event")]
    assert "open_palm" in events

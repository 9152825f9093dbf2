"""A config that takes another's place: what may fail is tried before anything changes."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgehands.cameras.passwords import find_password
from edgehands.mqtt.settings import MqttConfig
from edgehands.service.opening import check_file, check_source, hide_passwords, open_tracker
from edgehands.service.plans import Plan, plans_of
from edgehands.web.token import needed_token
from edgehands.web_settings import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgehands.config import Config
    from edgehands.pulse import Pulse
    from edgehands.tracker import HandTracker

_LIMIT = 120.0  # seconds after which a reload counts as hanging


@dataclass(frozen=True, slots=True)
class Prepared:
    """A config that can be taken up: nothing that it names was refused."""

    config: Config
    plans: tuple[Plan, ...]
    trackers: dict[str, HandTracker] = field(default_factory=dict)
    """With their models loaded, for the cameras that need another."""

    def discard(self) -> None:
        """Free what was opened and nobody will take."""
        with ExitStack() as closing:
            for tracker in self.trackers.values():
                closing.callback(tracker.close)


def prepare(
    read: Callable[[], Config], old: Config, plans: Mapping[str, Plan], pulse: Pulse
) -> Prepared:
    """Read the config anew and open what is slow to open or may be refused.

    Args:
        read: returns the new config.
        old: the one that holds.
        plans: of the cameras that run, by name.
        pulse: of the thread that does this.

    Raises:
        EdgeHandsError: why the new one cannot hold.
    """
    pulse.excuse("reading the config", time.monotonic() + _LIMIT)
    config = read()
    prepared = Prepared(config, plans_of(config))
    hide_passwords(config)
    for output in config.output:
        if isinstance(output, MqttConfig) and output not in old.output:
            _check_access(output)
    if config.web.enabled and config.web != old.web:
        needed_token(config.web, parse_address(config.web.address))
    for camera in config.camera:
        find_password(camera)
    for plan in prepared.plans:
        _check_opening(plans.get(plan.name), plan)
    try:
        for plan in prepared.plans:
            if needs_tracker(plans.get(plan.name), plan):
                pulse.excuse("loading the models", time.monotonic() + _LIMIT)
                tracker = open_tracker(plan.tracker, static=plan.tracker.static)
                prepared.trackers[plan.name] = tracker
    except BaseException:
        prepared.discard()
        raise
    return prepared


def needs_tracker(old: Plan | None, new: Plan) -> bool:
    """Whether a camera must forget its hands: its pictures or what looks at them are others."""
    return old is None or (old.camera, old.tracker) != (new.camera, new.tracker)


def _check_opening(old: Plan | None, new: Plan) -> None:
    if old is None or old.camera != new.camera:
        check_source(new.camera, live=new.live)
    for file in new.files:
        if old is None or file not in old.files:
            check_file(file)


def _check_access(config: MqttConfig) -> None:
    from edgehands.mqtt.access import find_access
    from edgehands.mqtt.identity import client_id, default_node

    find_access(config, client_id(config.node or default_node()))

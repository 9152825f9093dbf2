"""The output `mqtt`: events, states and commands over a broker that may come and go."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from edgehands._version import __version__
from edgehands.control import Control
from edgehands.mqtt import topics as all_topics
from edgehands.mqtt.access import Access, Will, find_access
from edgehands.mqtt.broker import parse_url, topic_prefix
from edgehands.mqtt.commands import Commands
from edgehands.mqtt.discovery import announcement
from edgehands.mqtt.identity import client_id, default_node
from edgehands.mqtt.link import VERSIONS, Link, require_paho
from edgehands.mqtt.messages import CommandCounts, DeviceState, EventCounts, Hands, SeenHand
from edgehands.mqtt.outbox import EventRate, Outbox
from edgehands.mqtt.reconnect import Backoff
from edgehands.mqtt.topics import OFFLINE, ONLINE, Topics
from edgehands.mqtt.vitals import Vitals, temperature
from edgehands.outputs import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgehands.events import Event
    from edgehands.mqtt.outbox import OutboxCounts
    from edgehands.mqtt.settings import MqttConfig
    from edgehands.outputs import Result

HEARTBEAT = 30.0
"""Seconds between states when nothing changes."""
ANNOUNCE_JITTER = 5.0
"""Seconds over which devices spread their answers to Home Assistant's birth."""

_LANDMARK_INTERVAL = 0.1


@dataclass(frozen=True, slots=True)
class Subject:
    """What a broker is told about."""

    camera: str
    """Its name in topics."""
    gestures: Sequence[str] = ()
    """Every gesture that may come."""
    live: bool = True
    control: Control = field(default_factory=Control)


class MqttOutput(Output):
    """Publishes what happens. Nothing here waits for the broker but `close`, for a second or two.

    Args:
        config: the broker and how to speak with it.
        subject: what it is told about.

    Raises:
        UsageError: a URL or a prefix that means nothing.
        ConfigError: a password or certificate that cannot be read.
    """

    def __init__(self, config: MqttConfig, subject: Subject) -> None:
        require_paho()
        self._config = config
        self._subject = subject
        self._broker = parse_url(config.url)
        self._discovery_prefix = topic_prefix(config.discovery_prefix)
        self._node = config.node or default_node()
        self.topics = Topics(self._broker.prefix, self._node)
        self._vitals = Vitals(live=subject.live)
        self._outbox = Outbox(EventRate(config.max_events_per_second, config.event_burst))
        self.commands = Commands(subject.control, self._snapshot, self._announce)
        self._begun = time.monotonic()
        self._next_state = 0.0
        self._announce_at: float | None = None
        self._told: tuple[object, ...] = ()
        self._next_landmarks = 0.0
        self._access()  # what is missing now is a mistake; what goes missing later is retried
        self.link = Link(
            self._broker,
            self._access,
            VERSIONS[config.protocol],
            Backoff(config.reconnect_spread),
            self._outbox,
            self,
        )
        self.link.start()

    @property
    def counts(self) -> OutboxCounts:
        """What became of every event."""
        return self._outbox.counts

    def event(self, event: Event) -> None:
        """Take an event without an age, as from a file."""
        self.event_captured(event, None)

    def event_captured(self, event: Event, captured: float | None) -> None:
        """Take an event; it is published within two seconds of its capture, or never."""
        self._raise_failure()
        now = time.monotonic()
        bare = msgspec.structs.replace(event, age_ms=None)
        with self.link.lock:
            if event.gesture is not None and event.phase == "value":
                topic = self.topics.value(event.camera, event.gesture)
                self._outbox.put_passing(topic, bare, captured, now)
            else:
                if event.gesture is not None and event.phase == "end":
                    self._outbox.drop_passing(self.topics.value(event.camera, event.gesture))
                self._outbox.put_event(self.topics.event(event.camera), bare, captured, now)
                self._outbox.put_state(
                    self.topics.last_event(event.camera), msgspec.json.encode(bare)
                )
        self.link.wake()

    def result(self, result: Result) -> None:
        """Take one frame's figures, and its landmarks if they are wanted."""
        now = time.monotonic()
        changed = len(result.hands) != self._vitals.hands
        self._vitals.frame(result.frame.captured, now, len(result.hands))
        if self._config.landmarks and now >= self._next_landmarks:
            self._next_landmarks = now + _LANDMARK_INTERVAL
            content = msgspec.json.encode(_hands(result))
            topic = self.topics.hands(self._subject.camera)
            captured = result.frame.captured if self._subject.live else None
            with self.link.lock:
                self._outbox.put_passing(topic, content, captured, now)
            self.link.wake()
        if changed:
            self._next_state = 0.0
            self.link.wake()

    def close(self) -> None:
        """Send what is waiting if the broker is there, say goodbye. Safe to call twice."""
        self.link.close()
        with self.link.lock:
            self._outbox.close()
        self._raise_failure()

    def account(self) -> str:
        """Return what became of the events."""
        counts = self._outbox.counts
        lost = {
            name: getattr(counts, name)
            for name in ("expired", "overflowed", "limited", "refused", "undelivered")
        }
        never = "" if self.link.connects else ", never connected"
        return f"{self._broker}: {counts.acknowledged} events acknowledged" + "".join(
            [*(f", {count} {what}" for what, count in lost.items() if count), never]
        )

    # What follows is called by the link, in its thread and with its lock.

    def subscriptions(self) -> Sequence[str]:
        """Return the topics of commands, and of Home Assistant's birth."""
        wanted = [self.topics.command("+")] if self._config.commands else []
        if self._config.home_assistant:
            wanted.append(all_topics.birth(self._discovery_prefix))
        return wanted

    def connected(self, publish: Callable[[str, str], None]) -> None:
        """Say that the device is there."""
        publish(self.topics.availability, ONLINE)
        self._announce()
        self._put_states(time.monotonic())

    def message(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Take a command, or Home Assistant's birth."""
        if topic == all_topics.birth(self._discovery_prefix):
            if payload == b"online" and not retained:
                jitter = random.uniform(0, ANNOUNCE_JITTER)  # noqa: S311 (no secret)
                self._announce_at = time.monotonic() + jitter
            return
        self.commands.handle(self.topics.command_name(topic), payload, retained=retained)
        self._put_settings(urgent=True)
        self._next_state = 0.0

    def tick(self, now: float) -> None:
        """Put out what is due."""
        if self._announce_at is not None and now >= self._announce_at:
            self._announce_at = None
            self._announce()
            self._snapshot()
        told = (self._vitals.condition(now), self._subject.control.enabled)
        if now >= self._next_state or told != self._told:
            self._told = told
            self._put_states(now)

    def goodbye(self) -> Sequence[tuple[str, str]]:
        """Say that the device is gone, which the broker says for one that cannot."""
        return [(self.topics.availability, OFFLINE)]

    def _snapshot(self) -> None:
        self._put_states(time.monotonic())
        self._outbox.connected()

    def _announce(self) -> None:
        if self._config.home_assistant:
            payload = announcement(
                self.topics,
                name=self._config.name or self._node,
                cameras=[self._subject.camera],
                gestures=self._subject.gestures,
                commands=self._config.commands,
            )
            topic = all_topics.discovery(self._discovery_prefix, self._node)
            self._outbox.put_state(topic, payload, urgent=True)

    def _put_states(self, now: float) -> None:
        self._next_state = now + HEARTBEAT
        camera = self._vitals.state(now)
        condition_topic = self.topics.camera(self._subject.camera)
        self._outbox.put_state(condition_topic, camera.condition.encode())
        self._put_settings()
        counts, commands = self._outbox.counts, self.commands.counts
        state = DeviceState(
            software=__version__,
            ts=round(time.time(), 3),
            uptime_s=int(now - self._begun),
            enabled=self._subject.control.enabled,
            sensitivity=self._subject.control.sensitivity,
            temperature=temperature(),
            cameras={self._subject.camera: camera},
            events=EventCounts(
                accepted=counts.accepted,
                acknowledged=counts.acknowledged,
                expired=counts.expired,
                overflowed=counts.overflowed,
                limited=counts.limited,
                refused=counts.refused,
            ),
            commands=CommandCounts(accepted=commands.accepted, refused=commands.refused),
        )
        self._outbox.put_state(self.topics.state, msgspec.json.encode(state))

    def _put_settings(self, *, urgent: bool = False) -> None:
        if not self._config.commands:
            return
        control = self._subject.control
        enabled = b"ON" if control.enabled else b"OFF"
        self._outbox.put_state(self.topics.setting("enabled"), enabled, urgent=urgent)
        sensitivity = f"{control.sensitivity:g}".encode()
        self._outbox.put_state(self.topics.setting("sensitivity"), sensitivity, urgent=urgent)

    def _access(self) -> Access:
        will = Will(self.topics.availability, OFFLINE)
        return find_access(self._config, client_id(self._node), will)

    def _raise_failure(self) -> None:
        failure, self.link.failure = self.link.failure, None
        if failure is not None:
            raise failure


def _hands(result: Result) -> Hands:
    height, width = result.frame.image.shape[:2]
    seen = [
        SeenHand(
            id=hand.id,
            side=hand.handedness,
            presence=round(hand.presence, 3),
            landmarks=[
                (round(x, 1), round(y, 1), round(z, 1)) for x, y, z in hand.landmarks.tolist()
            ],
        )
        for hand in result.hands
    ]
    return Hands(ts=round(time.time(), 3), width=width, height=height, hands=seen)

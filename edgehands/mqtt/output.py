"""The output `mqtt`: events, states and commands over a broker that may come and go."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from textwrap import shorten
from typing import TYPE_CHECKING

import msgspec

from edgehands._version import __version__
from edgehands.control import Control
from edgehands.health import OutputHealth
from edgehands.heat import temperature
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
from edgehands.mqtt.watched import Watched
from edgehands.outputs import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgehands.events import Event
    from edgehands.health import CameraState
    from edgehands.mqtt.outbox import OutboxCounts
    from edgehands.mqtt.settings import MqttConfig
    from edgehands.outputs import Result
    from edgehands.pulse import Pulse

HEARTBEAT = 30.0
"""Seconds between states when nothing changes."""
ANNOUNCE_JITTER = 5.0
"""Seconds over which devices spread their answers to Home Assistant's birth."""

_LOSSES = ("expired", "overflowed", "limited", "refused", "undelivered")
_SHOWN_PROBLEM = 120  # characters, so that a state stays short


@dataclass(frozen=True, slots=True)
class Subject:
    """A camera that a broker is told about."""

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
        subjects: what it is told about, the cameras of this process.

    Raises:
        UsageError: a URL or a prefix that means nothing.
        ConfigError: a password or certificate that cannot be read.
    """

    def __init__(self, config: MqttConfig, *subjects: Subject) -> None:
        require_paho()
        self._config = config
        self._subjects = subjects
        self._control = subjects[0].control
        self._broker = parse_url(config.url)
        self._discovery_prefix = topic_prefix(config.discovery_prefix)
        self._node = config.node or default_node()
        self.topics = Topics(self._broker.prefix, self._node)
        self._cameras = _watched(subjects)
        self._problem: str | None = None
        self._outbox = Outbox(EventRate(config.max_events_per_second, config.event_burst))
        self.commands = Commands(self._control, self._snapshot, self._announce)
        self._begun = time.monotonic()
        self._next_state = 0.0
        self._announce_at: float | None = None
        self._told: tuple[object, ...] = ()
        self._announced: bytes | None = None
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
        camera = self._cameras.get(result.camera) or next(iter(self._cameras.values()))
        changed = len(result.hands) != camera.vitals.hands
        camera.vitals.frame(result.frame.captured, now, len(result.hands))
        if self._config.landmarks and camera.wants_landmarks(now):
            content = msgspec.json.encode(_hands(result))
            captured = result.frame.captured if camera.live else None
            with self.link.lock:
                self._outbox.put_passing(self.topics.hands(camera.name), content, captured, now)
            self.link.wake()
        if changed:
            self._soon()

    def camera(self, name: str, state: CameraState, reason: str | None) -> None:  # noqa: ARG002
        """Take how a camera is doing: its topic says it at once."""
        if name in self._cameras:
            self._cameras[name].said = state
            self._soon()

    def config(self, problem: str | None) -> None:
        """Take why the config file was not taken."""
        self._problem = problem and shorten(problem, _SHOWN_PROBLEM, placeholder=" …")
        self._soon()

    def watch_over(self, *subjects: Subject) -> None:
        """Speak of other cameras from now on, or of other gestures, over the same connection."""
        with self.link.lock:
            if subjects == self._subjects:
                return
            gone = self._cameras.keys() - {subject.camera for subject in subjects}
            self._subjects = subjects
            self._cameras = _watched(subjects, self._cameras)
            for name in gone:
                for topic in (self.topics.camera(name), self.topics.last_event(name)):
                    self._outbox.put_state(topic, b"")
            self._announce()
        self._soon()

    def health(self) -> OutputHealth:
        """Return whether the broker is there and what became of the events."""
        return OutputHealth(
            kind="mqtt",
            place=str(self._broker),
            ok=self.link.online,
            reason=None if self.link.online else self.link.complaint,
            delivered=self._outbox.counts.acknowledged,
            lost=self._lost(),
        )

    def pulses(self) -> Sequence[Pulse]:
        """Return the sign of life of the thread that speaks with the broker."""
        return () if self.link.failure else (self.link.pulse,)

    def close(self) -> None:
        """Send what is waiting if the broker is there, say goodbye. Safe to call twice."""
        self.link.close()
        with self.link.lock:
            self._outbox.close()
        self._raise_failure()

    def account(self) -> str:
        """Return what became of the events."""
        acknowledged = self._outbox.counts.acknowledged
        never = "" if self.link.connects else ", never connected"
        return f"{self._broker}: {acknowledged} events acknowledged" + "".join(
            [*(f", {count} {what}" for what, count in self._lost().items()), never]
        )

    def _lost(self) -> dict[str, int]:
        counts = {name: getattr(self._outbox.counts, name) for name in _LOSSES}
        return {name: count for name, count in counts.items() if count}

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
        conditions = [camera.condition(now) for camera in self._cameras.values()]
        told = (conditions, self._control.enabled)
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
        if not self._config.home_assistant:
            return
        self._announced = announcement(
            self.topics,
            name=self._config.name or self._node,
            cameras=list(self._cameras),
            gestures=self._subjects[0].gestures,
            commands=self._config.commands,
            before=self._announced,
        )
        topic = all_topics.discovery(self._discovery_prefix, self._node)
        self._outbox.put_state(topic, self._announced, urgent=True)

    def _put_states(self, now: float) -> None:
        self._next_state = now + HEARTBEAT
        cameras = {name: camera.state(now) for name, camera in self._cameras.items()}
        for name, camera in cameras.items():
            condition = camera.condition.encode()
            self._outbox.put_state(self.topics.camera(name), condition, first=True)
        self._put_settings()
        counts, commands = self._outbox.counts, self.commands.counts
        state = DeviceState(
            software=__version__,
            ts=round(time.time(), 3),
            uptime_s=int(now - self._begun),
            enabled=self._control.enabled,
            sensitivity=self._control.sensitivity,
            temperature=temperature(),
            cameras=cameras,
            config_problem=self._problem,
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
        enabled = b"ON" if self._control.enabled else b"OFF"
        self._outbox.put_state(self.topics.setting("enabled"), enabled, urgent=urgent)
        sensitivity = f"{self._control.sensitivity:g}".encode()
        self._outbox.put_state(self.topics.setting("sensitivity"), sensitivity, urgent=urgent)

    def _soon(self) -> None:
        self._next_state = 0.0
        self.link.wake()

    def _access(self) -> Access:
        will = Will(self.topics.availability, OFFLINE)
        return find_access(self._config, client_id(self._node), will)

    def _raise_failure(self) -> None:
        failure, self.link.failure = self.link.failure, None
        if failure is not None:
            raise failure


def _watched(
    subjects: Sequence[Subject], known: Mapping[str, Watched] | None = None
) -> dict[str, Watched]:
    """Return the cameras by name, with what is known of those that stay."""
    known = known or {}
    return {
        subject.camera: known.get(subject.camera) or Watched(subject.camera, live=subject.live)
        for subject in subjects
    }


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

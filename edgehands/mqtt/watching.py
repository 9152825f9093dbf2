"""Events as other clients of a broker see them, one after the other."""

from __future__ import annotations

import queue
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edgehands.events import Event
from edgehands.mqtt.access import find_access
from edgehands.mqtt.broker import parse_url
from edgehands.mqtt.link import VERSIONS, Link, require_paho
from edgehands.mqtt.outbox import Outbox
from edgehands.mqtt.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edgehands.mqtt.settings import MqttConfig

_POLL = 0.2  # seconds; Ctrl-C is heard between two looks
_CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One event that came by."""

    node: str
    event: Event
    content: bytes
    """As it came."""


class Watcher:
    """Listens to all devices below a prefix and connects again when the broker was away.

    Raises:
        UsageError: a URL that means nothing.
        ConfigError: a password or certificate that cannot be read.
    """

    def __init__(self, config: MqttConfig) -> None:
        require_paho()
        broker = parse_url(config.url)
        id_ = f"edgehands_watch_{secrets.token_hex(4)}"
        find_access(config, id_)
        self._prefix = broker.prefix
        self._waiting: queue.Queue[Seen] = queue.Queue(_CAPACITY)
        self._link = Link(
            broker,
            lambda: find_access(config, id_),
            VERSIONS[config.protocol],
            Backoff(),
            Outbox(),
            self,
        )
        self.unreadable = 0
        """Messages on an event's topic that are none."""

    def __iter__(self) -> Iterator[Seen]:
        """Give events until the loop is left."""
        self._link.start()
        try:
            while self._link.failure is None:
                try:
                    yield self._waiting.get(timeout=_POLL)
                except queue.Empty:
                    continue
            raise self._link.failure
        finally:
            self._link.close()

    def subscriptions(self) -> Sequence[str]:
        """Ask for the events of all cameras."""
        return [f"{self._prefix}/+/+/event"]

    def connected(self, publish: Callable[[str, str], None]) -> None:
        """Say nothing."""

    def message(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Take what came on an event's topic."""
        try:
            event = msgspec.json.decode(payload, type=Event)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.unreadable += 1
            return
        if not retained and not self._waiting.full():
            node = topic.removeprefix(f"{self._prefix}/").split("/")[0]
            self._waiting.put(Seen(node, event, payload))

    def tick(self, now: float) -> None:
        """Have nothing to do."""

    def goodbye(self) -> Sequence[tuple[str, str]]:
        """Leave nothing behind."""
        return ()

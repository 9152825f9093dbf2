"""Takes a device off a broker: no retained topic of it stays, so Home Assistant forgets it."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from edgehands.errors import DeviceError, UsageError
from edgehands.mqtt import topics as all_topics
from edgehands.mqtt.access import find_access
from edgehands.mqtt.broker import parse_url, topic_prefix
from edgehands.mqtt.faults import ConnectionFailedError
from edgehands.mqtt.identity import default_node
from edgehands.mqtt.link import VERSIONS, require_paho
from edgehands.mqtt.topics import ONLINE, Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgehands.mqtt.connection import Connection
    from edgehands.mqtt.settings import MqttConfig

_QUIET = 0.5  # seconds without a message after which the broker has sent what it keeps
_LIMIT = 10.0  # seconds for each step


def remove(config: MqttConfig, *, force: bool = False) -> list[str]:
    """Remove every retained topic of the config's node and return them, sorted.

    Args:
        config: the broker, the node, and Home Assistant's prefix.
        force: although the device is online, and would publish them again.

    Raises:
        UsageError: the device is online, or a URL or a prefix means nothing.
        DeviceError: the broker cannot be reached or keeps the topics.
    """
    require_paho()
    node = config.node or default_node()
    try:
        kept = _Session(config).retained(node)
        availability = Topics(parse_url(config.url).prefix, node).availability
        if kept.get(availability) == ONLINE.encode() and not force:
            raise UsageError(
                f"{node} is online and would come back: stop it first (a process that was killed "
                "counts as online for 18 s more), or say --force"
            )
        _Session(config).clear(list(kept))
        left = {} if force else _Session(config).retained(node)
    except ConnectionFailedError as error:
        raise DeviceError(f"{parse_url(config.url)}: {error}") from error
    if left:
        raise DeviceError(f"the broker keeps {', '.join(sorted(left))}: may this user write there?")
    return sorted(kept)


class _Session:
    """One short visit to the broker."""

    def __init__(self, config: MqttConfig) -> None:
        self._config = config
        self._kept: dict[str, bytes] = {}
        self._unanswered: set[int] = set()
        self._subscribed = False
        self._last = 0.0

    def retained(self, node: str) -> dict[str, bytes]:
        """Return the retained messages of a node, by topic."""
        below = f"{Topics(parse_url(self._config.url).prefix, node).root}/#"
        discovery = all_topics.discovery(topic_prefix(self._config.discovery_prefix), node)
        connection = self._connect()
        try:
            connection.subscribe([below, discovery])
            self._serve(connection, lambda now: self._subscribed and now - self._last > _QUIET)
        finally:
            connection.close()
        return self._kept

    def clear(self, topics: Sequence[str]) -> None:
        """Publish nothing, retained, on each topic: that is how MQTT forgets."""
        connection = self._connect()
        try:
            for topic in topics:
                self._unanswered.add(connection.publish(topic, b"", qos=1, retain=True))
            self._serve(connection, lambda _: not self._unanswered)
        finally:
            connection.close()

    def message(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Keep what was retained."""
        if not retained:  # a device that is online may never be quiet
            return
        self._last = time.monotonic()
        if payload:
            self._kept[topic] = payload

    def acknowledged(self, number: int, *, refused: bool) -> None:  # noqa: ARG002 (seen by its effect)
        """Note that the broker has dealt with a message."""
        self._unanswered.discard(number)

    def subscribed(self, *, refused: bool) -> None:
        """Note that retained messages come now."""
        if refused:
            raise ConnectionFailedError("this user may not read the device's topics")
        self._subscribed = True
        self._last = time.monotonic()

    def _connect(self) -> Connection:
        from edgehands.mqtt.connection import Connection

        broker = parse_url(self._config.url)
        access = find_access(self._config, f"edgehands_remove_{secrets.token_hex(4)}")
        first, *others = VERSIONS[self._config.protocol]
        try:
            return Connection(broker, access, self, first)
        except ConnectionFailedError as error:
            if not ((error.older or error.silent) and others):
                raise
            return Connection(broker, access, self, others[0])

    def _serve(self, connection: Connection, is_done: Callable[[float], bool]) -> None:
        end = time.monotonic() + _LIMIT
        while not is_done(now := time.monotonic()):
            if now > end:
                raise ConnectionFailedError(f"no answer within {_LIMIT:.0f} s")
            connection.serve(-1, 0.05)

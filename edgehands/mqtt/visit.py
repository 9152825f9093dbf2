"""A short visit to a broker: what it keeps, and a few messages of ours."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from edgehands.mqtt.access import find_access
from edgehands.mqtt.broker import parse_url
from edgehands.mqtt.faults import ConnectionFailedError
from edgehands.mqtt.link import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgehands.mqtt.connection import Connection
    from edgehands.mqtt.settings import MqttConfig

_QUIET = 0.5  # seconds without a message after which the broker has sent what it keeps
_LIMIT = 10.0  # seconds for each step


class Visit:
    """One visit, for one question.

    Every method raises ConnectionFailedError if the broker cannot be reached or does not answer.
    """

    def __init__(self, config: MqttConfig) -> None:
        self._config = config
        self._kept: dict[str, bytes] = {}
        self._unanswered: set[int] = set()
        self._subscribed = False
        self._last = 0.0

    def retained(self, topics: Sequence[str]) -> dict[str, bytes]:
        """Return the retained messages on topics, which may have wildcards."""
        connection = self._connect()
        try:
            connection.subscribe(list(topics))
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
            raise ConnectionFailedError("this user may not read there")
        self._subscribed = True
        self._last = time.monotonic()

    def _connect(self) -> Connection:
        from edgehands.mqtt.connection import Connection

        broker = parse_url(self._config.url)
        access = find_access(self._config, f"edgehands_visit_{secrets.token_hex(4)}")
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

"""The thread that keeps a broker connected: connects, sends what the outbox has, tries again."""

from __future__ import annotations

import logging
import math
import os
import select
import time
import weakref
from contextlib import suppress
from threading import RLock, Thread
from typing import TYPE_CHECKING, Protocol

from edgehands.errors import EdgeHandsError, RuntimeMissingError
from edgehands.mqtt.faults import ConnectionFailedError
from edgehands.mqtt.outbox import Passing, PendingEvent
from edgehands.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgehands.mqtt.access import Access
    from edgehands.mqtt.broker import Broker
    from edgehands.mqtt.connection import Connection
    from edgehands.mqtt.outbox import Message, Outbox
    from edgehands.mqtt.reconnect import Backoff
    from edgehands.mqtt.settings import Protocol as Version

_log = logging.getLogger(__name__)

_TICK = 1.0  # seconds between looks at what time alone changes
_UNANSWERED = 3.0  # seconds without an acknowledgement after which the peer is taken for dead
_SHORT_LIFE = 2.0  # seconds; a connection that lives longer was a good one
_FIGHT = 3  # short lives in a row, with no failure to connect between them
_FIGHT_REASON = (
    "lost again and again: if another process has this node's name, give each a node of its own"
)
_MINUTE = 60.0
_CONNECT_LIMIT = 120.0  # seconds after which an attempt to connect is taken for a thread that hangs
_CLOSE_SECONDS = 1.0  # for what is on its way, and once more for a thread that is held up


VERSIONS: dict[str, tuple[Version, ...]] = {
    "auto": ("5", "3.1.1"),
    "5": ("5",),
    "3.1.1": ("3.1.1",),
}
"""MQTT versions to try, by what the config says."""


def require_paho() -> None:
    """Say now what is missing, rather than in a thread.

    Raises:
        RuntimeMissingError: the library is.
    """
    try:
        import edgehands.mqtt.connection  # noqa: F401
    except ImportError as error:
        raise RuntimeMissingError("no paho-mqtt here: pip install 'paho-mqtt>=2.1'") from error


class Agent(Protocol):
    """Who uses a link: called in its thread, and but for what is asked of it, with its lock."""

    def subscriptions(self) -> Sequence[str]:
        """Return the topics to ask for on each new connection."""

    def connected(self, publish: Callable[[str, str], None]) -> None:
        """Say hello with `publish(topic, retained payload)`, before the outbox is sent."""

    def message(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Take a message."""

    def tick(self, now: float) -> None:
        """Look at the clock, connected or not."""

    def goodbye(self) -> Sequence[tuple[str, str]]:
        """Return the retained messages to leave behind."""


class Link:
    """Keeps one broker connected until it is closed.

    Args:
        broker: where.
        access: called before each attempt, so that a renewed password or certificate is taken.
        versions: of MQTT, in the order to try them.
        backoff: between the attempts.
        outbox: what to send; touch it only with `lock` held, then `wake`.
        agent: who uses the link.
    """

    def __init__(
        self,
        broker: Broker,
        access: Callable[[], Access],
        versions: Sequence[Version],
        backoff: Backoff,
        outbox: Outbox,
        agent: Agent,
    ) -> None:
        self.lock = RLock()
        self.failure: Exception | None = None
        """A bug that ended the thread."""
        self.online = False
        self.complaint: str | None = None
        """Why there is no connection."""
        self.pulse = Pulse("edgehands-mqtt")
        self.connects = 0
        """How often a broker was reached."""
        self._broker = broker
        self._access = access
        self._versions = tuple(versions)
        self._turn = 0
        self._backoff = backoff
        self._outbox = outbox
        self._agent = agent
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        weakref.finalize(self, os.close, self._wake)  # late: others may still call `wake`
        self._closing: float | None = None
        self._told: dict[str, float] = {}
        self._refused: set[str] = set()
        self._audible = False
        self._short_lives = 0
        self._next_tick = 0.0
        self._thread = Thread(target=self._run, name="edgehands-mqtt", daemon=True)

    def start(self) -> None:
        """Begin; returns at once, whether the broker is there or not."""
        self._thread.start()

    def wake(self) -> None:
        """Let the thread look at the outbox."""
        with suppress(BlockingIOError):
            os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Send what is waiting if the broker is there, say goodbye and stop. Safe to call twice."""
        if self._closing is None:
            self._closing = time.monotonic()
            self.wake()
        if self._thread.is_alive():
            # Resolving a name or connecting may take longer: the thread is a daemon and is left.
            self._thread.join(2 * _CLOSE_SECONDS)

    def acknowledged(self, number: int, *, refused: bool) -> None:
        """Take the broker's answer to a message."""
        with self.lock:
            topic = self._outbox.acknowledged(number, time.monotonic(), refused=refused)
        if topic is not None and topic not in self._refused:
            self._refused.add(topic)
            _log.warning(
                "%s refuses messages on %s: allow it there",
                self._broker,
                topic,
                extra={"code": "EH1301"},
            )

    def subscribed(self, *, refused: bool) -> None:
        """Take the broker's answer to the subscriptions."""
        if refused:
            _log.warning(
                "%s refuses a subscription: commands will not arrive",
                self._broker,
                extra={"code": "EH1302"},
            )

    def message(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Take a message."""
        with self.lock:
            self._agent.message(topic, payload, retained=retained)

    def _run(self) -> None:
        try:
            while self._closing is None:
                self._sleep(self._attempt())
        except Exception as error:  # noqa: BLE001 (raised again by the output)
            self.failure = error
        finally:
            self.online = False

    def _attempt(self) -> float:
        """Connect and serve until the connection ends; return the seconds to wait then."""
        try:
            connection = self._connect()
        except ConnectionFailedError as error:
            self._short_lives = 0
            return self._failed(error)
        begin = time.monotonic()
        try:
            self._serve(connection)
        except ConnectionFailedError as error:
            return self._failed(self._judged(error, time.monotonic() - begin))
        finally:
            self.online = False
            self._turn = 0  # whatever worked: the newest is tried first again
            connection.abandon()
            with self.lock:
                self._outbox.disconnected(time.monotonic())
        return 0.0

    def _connect(self) -> Connection:
        from edgehands.mqtt.connection import Connection

        # Resolving a name takes as long as the resolver likes.
        self.pulse.excuse("connecting", time.monotonic() + _CONNECT_LIMIT)
        try:
            access = self._access()
        except EdgeHandsError as error:  # it was there when the run began
            raise ConnectionFailedError(str(error)) from error
        return Connection(self._broker, access, self, self._version)

    @property
    def _version(self) -> Version:
        return self._versions[self._turn % len(self._versions)]

    def _serve(self, connection: Connection) -> None:
        if not self._short_lives:
            self._backoff.reset()
        self._tell_connected()
        connection.subscribe(self._agent.subscriptions())
        with self.lock:
            self._agent.connected(lambda topic, text: self._say(connection, topic, text))
            self._outbox.connected()  # all states, those just put as well
            self.online = True
            self.connects += 1
        while not self._is_done():
            wait = self._send(connection)
            connection.serve(self._wake, wait)
            self._clear_wake()
        for topic, text in self._agent.goodbye():
            connection.publish(topic, text.encode(), qos=1, retain=True)
        connection.close()

    def _say(self, connection: Connection, topic: str, text: str) -> None:
        connection.publish(topic, text.encode(), qos=1, retain=True)

    def _send(self, connection: Connection) -> float:
        """Send what may go now; return the seconds for which there is nothing to do."""
        with self.lock:
            now = self._look_at_the_clock()
            if self._outbox.oldest_in_flight(now) > _UNANSWERED:
                raise ConnectionFailedError("lost: it no longer acknowledges")
            while not connection.congested() and self._outbox.in_flight() < connection.window:
                message = self._outbox.next(now)
                if message is None:
                    break
                self._outbox.sent(message, self._publish(connection, message, now), now)
            wait = self._outbox.wait(now)
            until_tick = max(0.0, self._next_tick - now)
            return until_tick if wait is None else min(wait, until_tick)

    def _publish(self, connection: Connection, message: Message, now: float) -> int:
        content = message.payload(now)
        if isinstance(message, PendingEvent):
            # Whole seconds only, and 0 would mean no expiry.
            expiry = max(1, int(message.expires - now))
            return connection.publish(message.topic, content, qos=1, retain=False, expiry=expiry)
        if isinstance(message, Passing):
            return connection.publish(message.topic, content, qos=0, retain=False, expiry=1)
        return connection.publish(message.topic, content, qos=1, retain=True)

    def _look_at_the_clock(self) -> float:
        now = time.monotonic()
        self.pulse.beat("serving")
        self._agent.tick(now)
        if now >= self._next_tick:
            self._next_tick = now + _TICK
        return now

    def _is_done(self) -> bool:
        if self._closing is None:
            return False
        with self.lock:
            self._outbox.hurry()
            waits = self._outbox.waits()
        return not waits or time.monotonic() - self._closing > _CLOSE_SECONDS

    def _sleep(self, seconds: float) -> None:
        """Wait, keeping the clock, until it is time or the link is closed."""
        end = time.monotonic() + seconds
        while self._closing is None and (left := end - time.monotonic()) > 0:
            with self.lock:
                now = self._look_at_the_clock()
                self._outbox.expire(now)
            self._wait_for_wake(min(left, max(0.0, self._next_tick - now)))

    def _wait_for_wake(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        poll.poll(math.ceil(seconds * 1000))
        self._clear_wake()

    def _clear_wake(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._wake)

    def _judged(self, error: ConnectionFailedError, lived: float) -> ConnectionFailedError:
        """Take a broker that answers at once and hangs up at once for a fight over the node."""
        if lived >= _SHORT_LIFE:
            self._short_lives = 0
            return error
        self._short_lives += 1
        if self._short_lives < _FIGHT or error.patient:
            return error
        return ConnectionFailedError(_FIGHT_REASON, patient=True)

    def _failed(self, error: ConnectionFailedError) -> float:
        if error.older:
            self._versions = self._versions[1:] or self._versions
            self._turn = 0
        elif error.silent:
            self._turn += 1
        self._complain(str(error))
        return self._backoff.delay(time.monotonic(), patient=error.patient)

    def _complain(self, reason: str) -> None:
        """Say why there is no connection: the same at most once a minute, and only if it is new."""
        now = time.monotonic()
        if reason != self.complaint and now - self._told.get(reason, -_MINUTE) >= _MINUTE:
            self._told[reason] = now
            self._audible = True
            _log.warning(
                "%s: %s; trying again until it works",
                self._broker,
                reason,
                extra={"code": "EH1303"},
            )
        self.complaint = reason

    def _tell_connected(self) -> None:
        level = logging.WARNING if self._audible else logging.INFO
        _log.log(
            level, "%s: connected, MQTT %s", self._broker, self._version, extra={"code": "EH1304"}
        )
        self.complaint, self._audible = None, False

"""One connection to a broker, from CONNECT to its end, run by the thread that made it.

A client object is never used again: it would send what was not acknowledged once more, however old.
"""

from __future__ import annotations

import select
import socket
import time
from typing import TYPE_CHECKING, Any, Literal, Protocol

from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edgehands.mqtt.faults import ConnectionFailedError, why_not_connected, why_refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paho.mqtt.reasoncodes import ReasonCode

    from edgehands.mqtt.access import Access
    from edgehands.mqtt.broker import Broker
    from edgehands.mqtt.settings import Protocol as Version

CONNECT_SECONDS = 5.0
"""For each of TCP, TLS and the broker's answer."""
_SEND_MS = 2000
"""What the network has not taken after so long is thrown away with the connection, not delivered
late."""
_ANY_PORT = 1883  # a unix socket has none, and paho wants one
_NOT_AUTHORISED = 0x80  # reason codes from here on are refusals
_TAKEN_OVER = "Session taken over"


def _transport(broker: Broker) -> Literal["tcp", "unix", "websockets"]:
    if broker.local:
        return "unix"
    return "websockets" if broker.websocket else "tcp"


class Listener(Protocol):
    """Who hears what comes in, in the connection's thread."""

    def message(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Take a message of a subscribed topic."""

    def acknowledged(self, number: int, *, refused: bool) -> None:
        """Take the broker's answer to a published message."""

    def subscribed(self, *, refused: bool) -> None:
        """Take the broker's answer to `subscribe`."""


class Connection:
    """An open connection.

    Raises:
        ConnectionFailedError: here or in `serve`, with the reason.
    """

    def __init__(
        self, broker: Broker, access: Access, listener: Listener, version: Version
    ) -> None:
        self._listener = listener
        self._v5 = version == "5"
        self._answer: ReasonCode | None = None
        self._end: str | None = None
        self._poll = select.poll()
        self._window = 0xFFFF
        self._client = self._make_client(broker, access)
        try:
            self._client.connect(broker.host, broker.port or _ANY_PORT, access.keepalive)
            if not broker.local:
                self._limit_sending()
            self._await_answer()
        except ConnectionFailedError:
            self.abandon()
            raise
        except Exception as error:
            self.abandon()
            raise ConnectionFailedError(why_not_connected(error)) from error

    @property
    def window(self) -> int:
        """How many messages the broker takes before it has acknowledged the first."""
        return self._window

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, expiry: int | None = None
    ) -> int:
        """Send a message and return its number. If the connection is gone, `serve` will say so.

        Args:
            topic: where to.
            payload: what.
            qos: 0, or 1 for an acknowledgement.
            retain: whether the broker keeps it for those who subscribe later.
            expiry: whole seconds after which the broker throws it away; MQTT 5 only.
        """
        properties = None
        if self._v5 and expiry is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = expiry
        return self._client.publish(topic, payload, qos, retain, properties).mid

    def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for topics, to be delivered at least once."""
        if topics:
            self._client.subscribe([(topic, 1) for topic in topics])

    def congested(self) -> bool:
        """Whether something could not be written yet."""
        return self._client.want_write()

    def serve(self, wake: int, seconds: float) -> None:
        """Read and write for some time, or until `wake`, a file descriptor, becomes readable."""
        try:
            self._serve(wake, seconds)
        except ConnectionFailedError:
            raise
        except Exception as error:  # a broker may send anything
            raise ConnectionFailedError(f"lost: {why_not_connected(error)}") from error

    def close(self) -> None:
        """Say goodbye: the broker then keeps the will to itself."""
        self._client.disconnect()
        self.abandon()

    def abandon(self) -> None:
        """Let go of the socket. Safe to call twice."""
        sock = self._client.socket()
        self._client.on_disconnect = None
        if sock is not None:
            sock.close()

    def _make_client(self, broker: Broker, access: Access) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=access.client_id,
            protocol=MQTTv5 if self._v5 else MQTTv311,
            transport=_transport(broker),
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_SECONDS
        if broker.websocket:
            client.ws_set_options(path=access.websocket_path)
        if access.tls is not None:
            client.tls_set_context(access.tls)
        if broker.username is not None or access.password is not None:
            client.username_pw_set(broker.username or "", access.password)
        if access.will is not None:
            client.will_set(access.will.topic, access.will.payload, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _limit_sending(self) -> None:
        sock: Any = self._client.socket()
        sock = getattr(sock, "_socket", sock)  # inside a WebSocket
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SEND_MS)

    def _await_answer(self) -> None:
        deadline = time.monotonic() + CONNECT_SECONDS
        while self._answer is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ConnectionFailedError("it does not answer", silent=True)
            try:
                self._serve(-1, left)
            except ConnectionFailedError:
                if self._answer is None:
                    raise
        if self._answer.is_failure:
            name = self._answer.getName()
            older = self._v5 and name == "Unsupported protocol version"
            raise ConnectionFailedError(why_refused(name), older=older)

    def _serve(self, wake: int, seconds: float) -> None:
        sock: Any = self._client.socket()
        if sock is None or self._end is not None:
            raise self._lost()
        if not (getattr(sock, "pending", None) and sock.pending()):  # read, but not by us
            wants = select.POLLIN | (select.POLLOUT if self._client.want_write() else 0)
            self._poll.register(sock, wants)
            if wake >= 0:
                self._poll.register(wake, select.POLLIN)
            ready = dict(self._poll.poll(max(0, round(seconds * 1000))))
            events = ready.get(sock.fileno(), 0)
        else:
            events = select.POLLIN
        if events & ~select.POLLOUT:
            self._check(self._client.loop_read())
        if events & select.POLLOUT:
            self._check(self._client.loop_write())
        self._check(self._client.loop_misc())

    def _check(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or self._end is not None:
            raise self._lost()

    def _lost(self) -> ConnectionFailedError:
        if self._answer is None:
            return ConnectionFailedError("it hung up at once", silent=True)
        reason = self._end or "the connection broke"
        if reason == _TAKEN_OVER:
            return ConnectionFailedError(
                "another process has this node's name: give each a node of its own",
                patient=True,
            )
        return ConnectionFailedError(f"lost: {reason}")

    def _on_connect(
        self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        self._answer = reason
        self._window = int(getattr(properties, "ReceiveMaximum", self._window))

    def _on_disconnect(
        self, _client: Client, _data: Any, flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        said = reason.getName() if flags.is_disconnect_packet_from_server else None
        self._end = said or "the connection broke"

    def _on_publish(
        self, _client: Client, _data: Any, number: int, reason: ReasonCode, _properties: Any
    ) -> None:
        self._listener.acknowledged(number, refused=reason.value >= _NOT_AUTHORISED)

    def _on_subscribe(
        self, _client: Client, _data: Any, _number: int, reasons: Any, _properties: Any
    ) -> None:
        refused = any(reason.value >= _NOT_AUTHORISED for reason in reasons)
        self._listener.subscribed(refused=refused)

    def _on_message(self, _client: Client, _data: Any, message: Any) -> None:
        self._listener.message(message.topic, message.payload, retained=message.retain)

"""The table [[output]] with type = "mqtt"."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from edgehands.settings import Positive, Seconds, Text, TopicName  # noqa: TC001 (msgspec)

Protocol = Literal["5", "3.1.1"]
TopicPrefix = Annotated[
    str,
    Meta(
        pattern=r"^[^+#$/\s\x00-\x1f\x7f]+(/[^+#$/\s\x00-\x1f\x7f]+)*$(?!\n)",
        description="a topic in quotes (no +, #, $, // or spaces)",
    ),
]

PASSWORD_VARIABLE = "EDGEHANDS_MQTT_PASSWORD"  # noqa: S105 (its name, not itself)


class MqttConfig(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="mqtt",
):
    """Events, states and commands over an MQTT broker, and Home Assistant's discovery."""

    url: Text
    """mqtt://user@host:1883/prefix, or mqtts, ws, wss; port, user and prefix may be left out. Or
    unix:///path/of/socket, without a network."""
    node: TopicName | None = None
    """Name of this device in topics; None makes one of the host's name and the machine's id."""
    name: Text | None = None
    """What people call it; None takes the node's name."""
    password_file: Text | None = None
    """File with the password, not readable by all; None takes it from the environment variable,
    else from the systemd credential mqtt-password."""
    password_variable: Text = PASSWORD_VARIABLE
    """The environment variable with the password."""
    ca_file: Text | None = None
    """Certificates to trust, PEM; None trusts the system's."""
    cert_file: Text | None = None
    """Certificate of this client, PEM."""
    key_file: Text | None = None
    """Its key; None takes it from the systemd credential mqtt-key, else from cert_file."""
    verify: bool = True
    """Refuse a broker whose certificate is not trusted or names another host."""
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    """MQTT version; auto tries 5 first."""
    websocket_path: Text = "/mqtt"
    """Path on the server, for ws and wss."""
    keepalive: Annotated[int, Meta(ge=2, le=3600)] = 12
    """Seconds of silence after which both sides ask; the broker reports a lost device after 1.5
    times as long."""
    reconnect_spread: Seconds = 0.0
    """Seconds over which a fleet's devices spread their reconnects; 0 reconnects at once."""
    max_events_per_second: Positive = 5.0
    """A camera's events above this rate, once its burst is used up, are dropped and counted."""
    event_burst: Annotated[int, Meta(ge=1, le=256)] = 10
    """Events that may come at once."""
    landmarks: bool = False
    """Publish landmarks too, ten times a second at most."""
    commands: bool = True
    """Take commands from the broker."""
    home_assistant: bool = True
    """Announce the device to Home Assistant."""
    discovery_prefix: TopicPrefix = "homeassistant"
    """Where Home Assistant looks for announcements."""

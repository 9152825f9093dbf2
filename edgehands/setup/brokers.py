"""Whether a broker lets this device in, and whether Home Assistant listens there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgehands.errors import DeviceError
from edgehands.mqtt.broker import parse_url, topic_prefix
from edgehands.mqtt.faults import ConnectionFailedError
from edgehands.mqtt.link import require_paho
from edgehands.mqtt.topics import OFFLINE, ONLINE, Topics
from edgehands.mqtt.visit import Visit

if TYPE_CHECKING:
    from edgehands.mqtt.settings import MqttConfig


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a broker answered."""

    home_assistant: bool
    """Somebody has announced something below Home Assistant's prefix, or it says that it is on.
    It need not leave a trace on a broker that has only just been set up."""
    node_online: bool
    """Another device of the same name is there."""


def knock(config: MqttConfig, node: str) -> Welcome:
    """Connect to a broker and look around.

    Args:
        config: the broker.
        node: the name that this device will have there.

    Raises:
        DeviceError: it cannot be reached, or lets nobody in.
        UsageError: a URL that means nothing.
        ConfigError: a password or certificate that cannot be read.
    """
    require_paho()
    broker = parse_url(config.url)
    prefix = topic_prefix(config.discovery_prefix)
    status = f"{prefix}/status"
    availability = Topics(broker.prefix, node).availability
    try:
        kept = Visit(config).retained([f"{prefix}/#", availability])
    except ConnectionFailedError as error:
        raise DeviceError(f"{broker}: {error}") from error
    announced = any(
        topic.startswith(f"{prefix}/") and payload != OFFLINE.encode()
        for topic, payload in kept.items()
    )
    said_off = kept.get(status) == OFFLINE.encode()
    return Welcome(
        home_assistant=announced and not said_off,
        node_online=kept.get(availability) == ONLINE.encode(),
    )

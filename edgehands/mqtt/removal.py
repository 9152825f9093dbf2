"""Takes a device off a broker: no retained topic of it stays, so Home Assistant forgets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.errors import DeviceError, UsageError
from edgehands.mqtt import topics as all_topics
from edgehands.mqtt.broker import parse_url, topic_prefix
from edgehands.mqtt.faults import ConnectionFailedError
from edgehands.mqtt.identity import default_node
from edgehands.mqtt.link import require_paho
from edgehands.mqtt.topics import ONLINE, Topics
from edgehands.mqtt.visit import Visit

if TYPE_CHECKING:
    from edgehands.mqtt.settings import MqttConfig


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
        topics = _topics_of(config, node)
        kept = Visit(config).retained(topics)
        availability = Topics(parse_url(config.url).prefix, node).availability
        if kept.get(availability) == ONLINE.encode() and not force:
            raise UsageError(
                f"{node} is online and would come back: stop it first (a process that was killed "
                "counts as online for 18 s more), or say --force"
            )
        Visit(config).clear(list(kept))
        left = {} if force else Visit(config).retained(topics)
    except ConnectionFailedError as error:
        raise DeviceError(f"{parse_url(config.url)}: {error}") from error
    if left:
        raise DeviceError(f"the broker keeps {', '.join(sorted(left))}: may this user write there?")
    return sorted(kept)


def _topics_of(config: MqttConfig, node: str) -> list[str]:
    """Return where a node publishes, and where it is announced."""
    below = f"{Topics(parse_url(config.url).prefix, node).root}/#"
    return [below, all_topics.discovery(topic_prefix(config.discovery_prefix), node)]

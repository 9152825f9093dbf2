"""Whether a config wants a network, and whether this process has one."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.cameras import split_source
from edgehands.monitor.settings import parse_listen
from edgehands.mqtt.broker import parse_url
from edgehands.mqtt.settings import MqttConfig

if TYPE_CHECKING:
    from edgehands.config import Config, OutputConfig

_log = logging.getLogger(__name__)

_CAMERAS = {"rtsp", "rtsps", "http", "https", "gstreamer"}


def uses_network(config: Config) -> bool:
    """Whether anything of a config talks over a network."""
    metrics = config.metrics.listen
    return (
        config.web.enabled
        or any(isinstance(output, MqttConfig) and not is_local(output) for output in config.output)
        or any(split_source(camera.source)[0] in _CAMERAS for camera in config.camera)
        or (metrics is not None and not isinstance(parse_listen(metrics), Path))
    )


def is_local(output: OutputConfig) -> bool:
    """Whether an output goes to a broker on a unix socket."""
    return isinstance(output, MqttConfig) and parse_url(output.url).local


def warn_without_network(config: Config) -> None:
    """Say if a service's config wants a network that its unit took away for an earlier one."""
    if uses_network(config) and not _has_network():
        _log.error(
            "the config needs a network, and this unit has none: sudo edgehands service install",
            extra={"code": "EH1404"},
        )


def _has_network() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    except OSError:  # RestrictAddressFamilies= of no-network.conf
        return False
    return True

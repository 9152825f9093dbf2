"""Who this device is: a name for its topics that no other device has and that stays the same."""

from __future__ import annotations

import hashlib
import re
import socket
import uuid
from functools import cache
from pathlib import Path

_MACHINE_ID = Path("/etc/machine-id")
_SALT = b"edgehands:"  # machine-id(5) asks never to show the id itself
_LENGTH = 6


@cache
def machine_suffix() -> str:
    """Return six hexadecimal digits made of the machine's id, else of its network address."""
    try:
        known = _MACHINE_ID.read_bytes().strip()
    except OSError:
        known = b""
    known = known or uuid.getnode().to_bytes(6, "big")
    return hashlib.sha256(_SALT + known).hexdigest()[:_LENGTH]


def default_node() -> str:
    """Return the host's name with the machine's suffix, fit for a topic: `mirror_3fa2c1`."""
    host = re.sub(r"[^a-z0-9]+", "_", socket.gethostname().partition(".")[0].lower()).strip("_")
    return f"{host or 'device'}_{machine_suffix()}"


def client_id(node: str) -> str:
    """Return the MQTT client id of a node: the same after a restart, another on each machine."""
    suffix = machine_suffix()
    return f"edgehands_{node}" if node.endswith(suffix) else f"edgehands_{node}_{suffix}"

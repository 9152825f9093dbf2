"""The topics of one device. The page docs/mqtt.md lists them with their payloads."""

from __future__ import annotations

from dataclasses import dataclass

ONLINE, OFFLINE = "online", "offline"


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics below `<prefix>/<node>`."""

    prefix: str
    node: str

    @property
    def root(self) -> str:
        """What they all begin with."""
        return f"{self.prefix}/{self.node}"

    @property
    def availability(self) -> str:
        """`online` or `offline`, retained; also the will."""
        return f"{self.root}/availability"

    @property
    def state(self) -> str:
        """How the device is, retained."""
        return f"{self.root}/state"

    def setting(self, name: str) -> str:
        """Return the topic of a setting's present value, retained."""
        return f"{self.root}/{name}"

    def command(self, name: str) -> str:
        """Return the topic that takes a command; "+" for all of them."""
        return f"{self.root}/{name}/set"

    def event(self, camera: str) -> str:
        """Return the topic of a camera's events, never retained."""
        return f"{self.root}/{camera}/event"

    def last_event(self, camera: str) -> str:
        """Return the topic that keeps a camera's last event, retained."""
        return f"{self.root}/{camera}/last_event"

    def value(self, camera: str, gesture: str) -> str:
        """Return the topic of a gesture's continuous value, never retained."""
        return f"{self.root}/{camera}/value/{gesture}"

    def hands(self, camera: str) -> str:
        """Return the topic of a camera's landmarks, never retained."""
        return f"{self.root}/{camera}/hands"

    def camera(self, camera: str) -> str:
        """Return the topic of a camera's condition, retained."""
        return f"{self.root}/{camera}/camera"

    def command_name(self, topic: str) -> str:
        """Return the name of the command that a topic takes."""
        return topic.removeprefix(f"{self.root}/").removesuffix("/set")


def discovery(discovery_prefix: str, node: str) -> str:
    """Return the topic on which a device is announced to Home Assistant, retained."""
    return f"{discovery_prefix}/device/edgehands_{node}/config"


def birth(discovery_prefix: str) -> str:
    """Return the topic on which Home Assistant says that it has started."""
    return f"{discovery_prefix}/status"

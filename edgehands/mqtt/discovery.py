"""The announcement that makes a device appear in Home Assistant: one retained message.

The event entity and the triggers have no availability on purpose: an entity that becomes available
again repeats its last gesture, and automations would run with nobody there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from edgehands._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgehands.mqtt.topics import Topics

_EXPIRE = 90  # seconds without a heartbeat after which a reading is unknown
_SUFFIXES = ("", "_hold", "_end")


def announcement(
    topics: Topics,
    *,
    name: str,
    cameras: Sequence[str],
    gestures: Sequence[str],
    commands: bool = True,
    before: bytes | None = None,
) -> bytes:
    """Return the payload for `edgehands.mqtt.topics.discovery`.

    Args:
        topics: of the device.
        name: what people call the device.
        cameras: by name.
        gestures: every gesture that may come, in the order to show them.
        commands: whether the device listens to them.
        before: the last announcement; what it had and this one has not is taken back.
    """
    id_ = f"edgehands_{topics.node}"
    entities = _Entities(id_, topics)
    components: dict[str, dict[str, Any]] = {}
    for camera in cameras:
        label = "" if len(cameras) == 1 else f" {camera}"
        components |= entities.of_camera(camera, label)
        components |= _triggers(topics.event(camera), camera, label, gestures)
        components[f"{camera}_gesture"]["event_types"] = event_types(gestures)
    components |= entities.of_device()
    if commands:
        components |= entities.to_command()
    if before is not None:
        gone = {key: {"p": old["p"]} for key, old in msgspec.json.decode(before)["cmps"].items()}
        components = {**gone, **components}
    device = {"ids": [id_], "name": name, "mf": "EdgeHands", "mdl": "Hand tracker"}
    return msgspec.json.encode(
        {
            "dev": {**device, "sw": __version__},
            "o": {"name": "EdgeHands", "sw": __version__},
            "qos": 1,
            "cmps": components,
        }
    )


def event_types(gestures: Iterable[str]) -> list[str]:
    """Return every `event_type` that these gestures may cause."""
    of_gestures = [f"{gesture}{suffix}" for gesture in gestures for suffix in _SUFFIXES]
    return [*of_gestures, "hand_enter", "hand_leave"]


def _triggers(
    topic: str, camera: str, label: str, gestures: Sequence[str]
) -> dict[str, dict[str, Any]]:
    return {
        # A gesture may have the name of an entity, such as "problem".
        f"{camera}_trigger_{gesture}": {
            "p": "device_automation",
            "automation_type": "trigger",
            "type": f"gesture{label}",
            "subtype": gesture,
            "topic": topic,
            "value_template": "{{ value_json.event_type }}",
            "payload": gesture,
        }
        for gesture in gestures
    }


class _Entities:
    """Entities by their key in the announcement."""

    def __init__(self, id_: str, topics: Topics) -> None:
        self._id = id_
        self._topics = topics

    def of_camera(self, camera: str, label: str) -> dict[str, dict[str, Any]]:
        # With brackets: "items" would be a method, and "2" no name.
        state = f"value_json.cameras['{camera}']"
        return {
            f"{camera}_gesture": {
                "p": "event",
                "name": f"Gesture{label}",
                "unique_id": f"{self._id}_{camera}_gesture",
                "icon": "mdi:hand-wave",
                "stat_t": self._topics.event(camera),
            },
            f"{camera}_present": self._reading(
                "binary_sensor",
                f"{camera}_present",
                f"Hand present{label}",
                "mdi:hand-front-right",
                f"{{{{ 'ON' if {state}.hands > 0 else 'OFF' }}}}",
                device_class="occupancy",
            ),
            f"{camera}_hands": self._reading(
                "sensor",
                f"{camera}_hands",
                f"Hands{label}",
                "mdi:hand-front-right-outline",
                f"{{{{ {state}.hands }}}}",
                state_class="measurement",
            ),
            f"{camera}_fps": self._reading(
                "sensor",
                f"{camera}_fps",
                f"Frame rate{label}",
                "mdi:speedometer",
                f"{{{{ {state}.fps }}}}",
                unit_of_meas="fps",
                state_class="measurement",
                entity_category="diagnostic",
            ),
            f"{camera}_latency": self._reading(
                "sensor",
                f"{camera}_latency",
                f"Latency{label}",
                "mdi:timer-outline",
                f"{{{{ {state}.latency_ms }}}}",
                device_class="duration",
                unit_of_meas="ms",
                state_class="measurement",
                entity_category="diagnostic",
            ),
            f"{camera}_problem": {
                **self._entity("binary_sensor", f"{camera}_problem", f"Camera problem{label}"),
                "device_class": "problem",
                "entity_category": "diagnostic",
                "stat_t": self._topics.camera(camera),
                "value_template": "{{ 'OFF' if value == 'ok' else 'ON' }}",
            },
        }

    def of_device(self) -> dict[str, dict[str, Any]]:
        return {
            "temperature": self._reading(
                "sensor",
                "temperature",
                "Temperature",
                None,
                "{{ value_json.temperature }}",
                device_class="temperature",
                unit_of_meas="°C",
                state_class="measurement",
                entity_category="diagnostic",
            ),
            "bad_config": self._reading(
                "binary_sensor",
                "bad_config",
                "Config problem",
                None,
                "{{ 'ON' if value_json.config_problem else 'OFF' }}",
                device_class="problem",
                entity_category="diagnostic",
            ),
        }

    def to_command(self) -> dict[str, dict[str, Any]]:
        return {
            "enabled": {
                **self._entity("switch", "enabled", "Enabled"),
                "icon": "mdi:hand-back-right",
                "stat_t": self._topics.setting("enabled"),
                "cmd_t": self._topics.command("enabled"),
            },
            "sensitivity": {
                **self._entity("number", "sensitivity", "Sensitivity"),
                "icon": "mdi:tune",
                "entity_category": "config",
                "min": 0,
                "max": 1,
                "step": 0.05,
                "mode": "slider",
                "stat_t": self._topics.setting("sensitivity"),
                "cmd_t": self._topics.command("sensitivity"),
            },
        }

    def _entity(self, platform: str, key: str, name: str) -> dict[str, Any]:
        return {
            "p": platform,
            "name": name,
            "unique_id": f"{self._id}_{key}",
            "avty_t": self._topics.availability,
        }

    def _reading(
        self, platform: str, key: str, name: str, icon: str | None, template: str, **more: str
    ) -> dict[str, Any]:
        return {
            **self._entity(platform, key, name),
            **({"icon": icon} if icon else {}),
            "stat_t": self._topics.state,
            "value_template": template,
            "exp_aft": _EXPIRE,
            **more,
        }

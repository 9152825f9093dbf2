"""What is published besides events: plain structs, written as JSON. Version 1 of the schema."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from edgehands.hand import Handedness  # noqa: TC001 (msgspec reads it at run time)

SCHEMA_VERSION = 1

CameraCondition = Literal["ok", "stalled", "frozen", "dark", "lost"]
"""What a camera's topic says."""

Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class CameraState(msgspec.Struct, frozen=True, kw_only=True):
    """How one camera is doing."""

    condition: CameraCondition
    hands: int
    """In view now."""
    fps: float | None
    """Frames per second looked at; null before there were two."""
    latency_ms: float | None
    """Median from capture to result; null for a file."""


class EventCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of events since the start; see `edgehands.mqtt.outbox.OutboxCounts`."""

    accepted: int
    acknowledged: int
    expired: int
    overflowed: int
    limited: int
    refused: int


class CommandCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of commands since the start."""

    accepted: int
    refused: int


class DeviceState(msgspec.Struct, frozen=True, kw_only=True):
    """The device's heartbeat: every 30 seconds, and when something changes."""

    version: int = SCHEMA_VERSION
    software: str
    ts: float
    """Seconds since 1970."""
    uptime_s: int
    enabled: bool
    sensitivity: Share
    temperature: float | None
    """Degrees Celsius of the hottest thermal zone; null where there is none."""
    cameras: dict[str, CameraState]
    config_problem: str | None = None
    """Why the config file was not taken when it was last read, shortened; the one before holds."""
    events: EventCounts
    commands: CommandCounts


class SeenHand(msgspec.Struct, frozen=True, kw_only=True):
    """One hand's landmarks."""

    id: int
    side: Handedness
    presence: Share
    landmarks: list[tuple[float, float, float]]
    """21 points in pixels of the picture; z towards the camera is negative, as wide as x."""


class Hands(msgspec.Struct, frozen=True, kw_only=True):
    """All hands of one frame."""

    version: int = SCHEMA_VERSION
    ts: float
    """Seconds since 1970 at publication."""
    width: int
    height: int
    """Of the picture, pixels."""
    hands: list[SeenHand]

"""How a running service is doing: plain values that the service fills in and others show.

The status socket, metrics, /healthz, systemd's status line and MQTT states all tell this one thing.
"""

from __future__ import annotations

from typing import Literal

import msgspec

CameraState = Literal["ok", "stalled", "frozen", "dark", "lost"]
"""stalled: no frame for a while; frozen: the same frame again and again; dark: covered or no light;
lost: the device or stream is gone, and is waited for."""


class CameraHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One camera and what is done with its frames."""

    name: str
    source: str
    """Without a password."""
    state: CameraState
    state_seconds: float
    """For how long it has been in that state."""
    reason: str | None = None
    """Why it is not ok: one line with the next command to type."""
    frames: int = 0
    """Frames processed."""
    dropped: int = 0
    """Frames overtaken by newer ones before they could be looked at."""
    skipped: int = 0
    """Frames left out on purpose: above the limit, or of a frozen camera."""
    rejected: int = 0
    """Frames that could not be decoded or make no sense."""
    reopened: int = 0
    """How often it came back after it was gone."""
    fps: float | None = None
    """Frames processed a second, lately."""
    fps_limit: float | None = None
    """Frames a second at most, set under heat or load; None: all that come."""
    limit_reason: str | None = None
    """Why there is a limit, such as "81 °C" or "inference takes 92 ms"."""
    age_ms: float | None = None
    """Median age of a frame when its result is there, lately."""
    age_p99_ms: float | None = None
    hands: int = 0
    """In the latest frame."""
    duty_cycle: float = 0.0
    """Share of frames on which the palm detector ran."""
    events: int = 0
    """Made so far."""


class OutputHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One place that results go to."""

    kind: str
    """As in the config: "mqtt", "stdout" …"""
    place: str = ""
    """Which one: host and port, or a path; without a password."""
    ok: bool = True
    reason: str | None = None
    """Why it is not ok."""
    delivered: int = 0
    lost: dict[str, int] = msgspec.field(default_factory=dict)
    """Events that were not delivered, by why: expired, overflowed, undelivered …"""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The whole process."""

    version: str
    pid: int
    uptime_s: float
    ready: bool
    """Every camera has given a frame, or is known to be missing and waited for."""
    runs_on: str = ""
    """What the landmark model runs on."""
    config: str | None = None
    """The config file."""
    config_problem: str | None = None
    """Why the config file was not taken when it was last read; the one before holds."""
    rss_mb: float | None = None
    temperature: float | None = None
    """Of the hottest thermal zone, °C."""
    cameras: tuple[CameraHealth, ...] = ()
    outputs: tuple[OutputHealth, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is nothing to repair."""
        return (
            self.ready
            and self.config_problem is None
            and all(camera.state == "ok" for camera in self.cameras)
            and all(output.ok for output in self.outputs)
        )

    @property
    def line(self) -> str:
        """All of it in one line."""
        if not self.ready:
            return "starting"
        said = [_camera_line(camera) for camera in self.cameras]
        said += [
            f"{output.kind} {output.reason or 'away'}" for output in self.outputs if not output.ok
        ]
        if self.config_problem is not None:
            said.append("the config has a mistake, the one before holds")
        return "; ".join(said)


def _camera_line(camera: CameraHealth) -> str:
    if camera.state != "ok":
        return f"{camera.name} {camera.state}"
    limit = f" of {camera.fps_limit:.0f} ({camera.limit_reason})" if camera.fps_limit else ""
    hands = f"{camera.hands} hand{'' if camera.hands == 1 else 's'}"
    return f"{camera.name} {camera.fps or 0:.0f}{limit} fps, {hands}"

"""The tables of a config file."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from edgehands.cameras.passwords import VARIABLE
from edgehands.drawing import Style  # noqa: TC001 (msgspec reads it at run time)
from edgehands.gestures.vocabulary import Pose  # noqa: TC001 (msgspec reads it at run time)
from edgehands.monitor.settings import MetricsConfig
from edgehands.mqtt.settings import MqttConfig
from edgehands.settings import (
    EventSettings,
    GestureRules,
    Positive,
    Text,
    TopicName,
    TrackerSettings,
    Zone,
)
from edgehands.web_settings import WebConfig

Pixels = Annotated[int, Meta(ge=16, le=16384)]
Count = Annotated[int, Meta(ge=1)]
MOST_MASKS = 16
"""Of one camera."""


class CameraConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One [[camera]]."""

    source: Text
    """Which camera, as `edgehands.cameras.open_camera` takes it."""
    name: TopicName = "camera"
    """Its name in events and topics."""
    width: Pixels | None = None
    """Pixels asked of a live camera; None takes what it gives."""
    height: Pixels | None = None
    """Pixels asked of a live camera; None takes what it gives."""
    fps: Annotated[float, Meta(gt=0.0, le=1000.0)] | None = None
    """Frames per second asked of a live camera; the rate of images."""
    frames: Count | None = None
    """Stop after so many frames; None goes on until the camera ends."""
    password_file: Text | None = None
    """File with the password of a network camera, not readable by all; None takes it from the
    environment variable, else from the systemd credential camera-password-NAME or
    camera-password."""
    password_variable: Text = VARIABLE
    """The environment variable with the password."""
    masks: Annotated[tuple[Zone, ...], Meta(max_length=MOST_MASKS)] = ()
    """Private parts of the picture, each [left, top, right, bottom] as shares of its width and
    height: black before anything looks at it."""


class TrackerConfig(TrackerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table [tracker]: every number of the tracker, and what it runs on."""

    model: Text = "full"
    """Landmark model by id: light, full or heavy."""
    backend: Text = "auto"
    """What runs the models; auto takes the first that works."""
    threads: Annotated[int, Meta(ge=1, le=256)] | None = None
    """Threads of a session; None takes the cores of the machine, 4 at most."""
    max_hands: Annotated[int, Meta(ge=1, le=8)] = 2
    """How many hands to report at most."""
    mirrored: bool = False
    """The images are mirrored, as in a selfie: sides are swapped back."""
    static: bool = False
    """Each image stands alone: detect in every one, keep nothing."""
    smoothing: bool = True
    """Steady the landmarks with a One Euro filter."""


class ServiceConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table [service]: what a run does that nobody watches."""

    wait_for_cameras: bool | None = None
    """Wait for a camera that is missing or lost, rather than end; None waits under a service
    manager."""
    max_temperature: Annotated[float, Meta(ge=20.0, le=150.0)] = 80.0
    """°C of the hottest thermal zone from which on fewer frames are looked at."""
    cooling: Positive = 5.0
    """°C below max_temperature at which it is more frames again."""
    max_load: Positive = 1.0
    """Share of the time that frames may be worked on: above it, fewer are looked at."""
    min_fps: Positive = 5.0
    """Frames a second that neither heat nor load goes below."""
    memory_limit: Annotated[int, Meta(ge=32)] | None = None
    """MB of memory: at nine tenths the run ends, to be started anew. None takes the limit of the
    control group or, if the kernel keeps none, the one that the unit names."""


class _Output(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"
):
    """What all kinds of [[output]] have."""


class StdoutConfig(_Output, frozen=True, kw_only=True, tag="stdout"):
    """Events as JSON lines on standard output."""


class LandmarksConfig(_Output, frozen=True, kw_only=True, tag="landmarks"):
    """All hands of every frame, one JSON line a frame."""

    path: Text
    """The file to write, relative to the working directory."""


class RecordingConfig(_Output, frozen=True, kw_only=True, tag="recording"):
    """Landmarks and events of every frame, to be replayed."""

    path: Text
    """The file to write, relative to the working directory; an older one is replaced."""


class VideoConfig(_Output, frozen=True, kw_only=True, tag="video"):
    """A video with the hands drawn in."""

    path: Text
    """The file to write, relative to the working directory."""
    style: Style = "depth"
    """How hands are drawn: depth, fingers, neon, or privacy, which leaves the picture out."""


class ContactSheetConfig(_Output, frozen=True, kw_only=True, tag="contact_sheet"):
    """One picture with a tile for each gesture, the hands drawn in."""

    path: Text
    """The image to write, relative to the working directory."""
    columns: Annotated[int, Meta(ge=1, le=32)] = 4
    """Frames side by side."""
    count: Annotated[int, Meta(ge=1, le=1024)] = 12
    """Tiles at most."""
    style: Style = "depth"
    """As for a video."""


OutputConfig: TypeAlias = (
    StdoutConfig | LandmarksConfig | RecordingConfig | VideoConfig | ContactSheetConfig | MqttConfig
)


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole config file. All of it has defaults but a camera's source and an output's type."""

    learned: Text | None = None
    """Folder of gestures learned by example; None takes the usual ones."""
    camera: tuple[CameraConfig, ...] = ()
    output: tuple[OutputConfig, ...] = ()
    tracker: TrackerConfig = TrackerConfig()
    events: EventSettings = EventSettings()
    web: WebConfig = WebConfig()
    service: ServiceConfig = ServiceConfig()
    metrics: MetricsConfig = MetricsConfig()
    pose: dict[str, Pose] = {}
    """Static gestures of one's own, by name."""
    gestures: dict[str, GestureRules] = {}
    """Rules by gesture; a gesture that is not named has the default rules."""

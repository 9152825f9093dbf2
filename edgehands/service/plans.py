"""What each camera's loop is to do, cut out of a config: what differs is what must be rebuilt."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from edgehands import config as configs
from edgehands.cameras import LIVE, split_source
from edgehands.errors import ConfigError
from edgehands.gestures.learned.store import load_learned
from edgehands.mqtt.settings import MqttConfig
from edgehands.recording import Header
from edgehands.selection import default_threads
from edgehands.web_settings import WebConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.gestures.learned import Learned
    from edgehands.gestures.vocabulary import Pose
    from edgehands.settings import EventSettings, GestureRules


SharedConfig: TypeAlias = configs.OutputConfig | WebConfig
"""What may stand for an output of all cameras."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What hands mean."""

    events: EventSettings
    gestures: Mapping[str, GestureRules]
    own: Mapping[str, Pose]
    learned: tuple[Learned, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One camera's part of a config."""

    camera: configs.CameraConfig
    tracker: configs.TrackerConfig
    meaning: Meaning
    files: tuple[configs.OutputConfig, ...]
    """Outputs of its own, their paths complete."""

    @property
    def name(self) -> str:
        """The camera's, which tells loops apart."""
        return self.camera.name

    @property
    def live(self) -> bool:
        """Whether frames come at the world's pace."""
        return split_source(self.camera.source)[0] in LIVE

    def header(
        self, *, static: bool = False, live: bool | None = None, runs_on: str = ""
    ) -> Header:
        """Return what holds for a run of this plan: a new one each time, so that ids are unique."""
        return Header(
            run=run_id(),
            camera=self.camera.name,
            live=self.live if live is None else live,
            mirrored=self.tracker.mirrored,
            static=static,
            gestures=dict(self.meaning.gestures),
            events=self.meaning.events,
            own=dict(self.meaning.own),
            learned=self.meaning.learned,
            model=self.tracker.model,
            runs_on=runs_on,
        )


def plans_of(config: configs.Config) -> tuple[Plan, ...]:
    """Return a plan for each camera.

    Raises:
        ConfigError: there is none, or what was learned is damaged.
        UsageError: something in the config means nothing.
    """
    if not config.camera:
        raise ConfigError("no camera: say --source /dev/video0, or put a [[camera]] in the config")
    configs.check(config)  # what costs nothing to find is said before anything is opened
    meaning = Meaning(config.events, config.gestures, config.pose, load_learned(config.learned))
    tracker = config.tracker
    if tracker.threads is None and len(config.camera) > 1:
        share = max(1, default_threads() // len(config.camera))
        tracker = msgspec.structs.replace(tracker, threads=share)
    return tuple(
        Plan(camera, tracker, meaning, _files(config, camera.name)) for camera in config.camera
    )


def shared_outputs(config: configs.Config) -> tuple[SharedConfig, ...]:
    """Return the outputs that take the events of all cameras, the live page first."""
    page = (config.web,) if config.web.enabled else ()
    return (*page, *(output for output in config.output if is_shared(output)))


def is_shared(output: configs.OutputConfig) -> bool:
    """Whether an output takes the events of all cameras, rather than one's frames."""
    return isinstance(output, configs.StdoutConfig | MqttConfig)


def run_id() -> str:
    """Return a word that no other run has and that sorts by the time of its start."""
    # Milliseconds since 1970, then enough chance to keep devices apart.
    return f"{int(time.time() * 1000):012x}{secrets.token_hex(3)}"


def _files(config: configs.Config, camera: str) -> tuple[configs.OutputConfig, ...]:
    return tuple(
        msgspec.structs.replace(output, path=output.path.replace(configs.PLACEHOLDER, camera))
        for output in config.output
        if not isinstance(output, configs.StdoutConfig | MqttConfig)
    )

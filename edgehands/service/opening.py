"""Opens what a plan names, importing each kind's module only then."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from edgehands import config as configs
from edgehands.cameras import open_camera, open_steady_camera
from edgehands.cameras.passwords import find_password, hide_password, with_password
from edgehands.mqtt.settings import MqttConfig
from edgehands.outputs.files import check_openable
from edgehands.passwords import take_from_environment
from edgehands.replay import interpreter_of
from edgehands.settings import GestureRules
from edgehands.web_settings import WebConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgehands.cameras import Camera
    from edgehands.control import Control
    from edgehands.health import Health
    from edgehands.monitor.monitor import Monitor
    from edgehands.mqtt.output import MqttOutput, Subject
    from edgehands.outputs import Output
    from edgehands.recording import Header
    from edgehands.service.plans import Plan, SharedConfig
    from edgehands.tracker import HandTracker
    from edgehands.web.feed import Shown
    from edgehands.web.live import LivePage


def open_source(config: configs.CameraConfig) -> Camera:
    """Open a plan's camera: a live one mends itself, and waits for its device if need be."""
    return open_steady_camera(
        config.source,
        width=config.width,
        height=config.height,
        fps=config.fps,
        password=find_password(config),
    )


def check_source(config: configs.CameraConfig, *, live: bool) -> None:
    """Find out what can be known of a camera while another may have the device.

    Raises:
        UsageError: its source cannot mean anything.
        InputError: a file that is missing, unreadable or without a frame.
    """
    if live:
        with_password(config.source, find_password(config))
    else:
        open_camera(config.source, fps=config.fps).close()


def open_tracker(config: configs.TrackerConfig, *, static: bool) -> HandTracker:
    """Load the models and make a tracker of them."""
    from edgehands.tracker import HandTracker  # which the camera's process need not wait for

    return HandTracker(
        model=config.model,
        backend=config.backend,
        max_hands=config.max_hands,
        mirrored=config.mirrored,
        smoothing=config.smoothing,
        static=static,
        threads=config.threads,
        settings=config,
    )


def open_shared(
    config: SharedConfig, plans: Sequence[Plan], control: Control, file: Path | None
) -> Output:
    """Open an output that takes the events of all cameras."""
    if isinstance(config, WebConfig):
        from edgehands.web.live import LivePage

        return LivePage(config, subjects_of_page(plans), control, file)
    if isinstance(config, MqttConfig):
        from edgehands.mqtt.output import MqttOutput

        return MqttOutput(config, *subjects(plans, control))
    from edgehands.outputs.stdout import StdoutOutput

    return StdoutOutput()


def introduce(
    config: SharedConfig, output: Output, plans: Sequence[Plan], control: Control
) -> None:
    """Tell an output that stays of cameras and gestures that may be others."""
    if isinstance(config, MqttConfig):
        cast("MqttOutput", output).watch_over(*subjects(plans, control))
    elif isinstance(config, WebConfig):
        cast("LivePage", output).watch_over(subjects_of_page(plans))


def subjects_of_page(plans: Sequence[Plan]) -> list[Shown]:
    """Return what the live page shows."""
    from edgehands.web.feed import Shown

    return [Shown(plan.header(), plan.camera, plan.tracker) for plan in plans]


def subjects(plans: Sequence[Plan], control: Control) -> list[Subject]:
    """Return what a broker is told about."""
    from edgehands.mqtt.output import Subject

    interpreters = {plan.name: interpreter_of(plan.header()) for plan in plans}
    gestures = {
        name: tuple(each for each in there.names if _is_enabled(each, there.rules))
        for name, there in interpreters.items()
    }
    return [Subject(plan.name, gestures[plan.name], plan.live, control) for plan in plans]


def open_file(config: configs.OutputConfig, header: Header, fps: float) -> Output:
    """Open an output of one camera."""
    if isinstance(config, configs.StdoutConfig | MqttConfig):
        raise TypeError(f"{type(config).__name__} is shared")
    path = Path(config.path)
    if isinstance(config, configs.LandmarksConfig):
        from edgehands.outputs.landmarks import LandmarksOutput

        return LandmarksOutput(path)
    if isinstance(config, configs.RecordingConfig):
        from edgehands.outputs.recording import RecordingOutput

        return RecordingOutput(path, header)
    if isinstance(config, configs.VideoConfig):
        from edgehands.outputs.video import VideoOutput

        return VideoOutput(path, fps, config.style)
    from edgehands.outputs.contact_sheet import ContactSheetOutput

    return ContactSheetOutput(path, config.columns, config.count, config.style)


def check_file(config: configs.OutputConfig) -> None:
    """Find out whether an output of one camera can be written.

    Raises:
        InputError: it cannot.
    """
    if not isinstance(config, configs.StdoutConfig | MqttConfig):
        check_openable(Path(config.path))


def hide_passwords(config: configs.Config) -> None:
    """Take them from the environment before there is a process that would inherit it."""
    take_from_environment(config.web.token_variable)
    for camera in config.camera:
        hide_password(camera)
    for output in config.output:
        if isinstance(output, MqttConfig):
            take_from_environment(output.password_variable)


def monitor_of(config: configs.Config, health: Callable[[], Health], name: str) -> Monitor:
    """Make what shows a running service's health to others; it has yet to be started.

    Raises:
        UsageError: metrics shall listen where they must not.
        RuntimeMissingError: metrics are wanted and their library is not here.
    """
    from edgehands.monitor.monitor import Monitor

    return Monitor(health, name=name, metrics=config.metrics)


def _is_enabled(gesture: str, rules: Mapping[str, GestureRules]) -> bool:
    return rules.get(gesture, GestureRules()).enabled

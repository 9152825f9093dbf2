"""`edgehands run`: camera to events."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehands.cli import STOPPED
from edgehands.cli.options import (
    CAMERA,
    OUTPUT,
    TRACKER,
    BackendOption,
    BackendOptionsOption,
    DeviceOption,
    EventsOption,
    ModelOption,
    ModelsOption,
    StyleOption,
    ThreadsOption,
    WebAddressOption,
    WebOption,
    tracker_flags,
)
from edgehands.cli.running import event_output, named_or_found, run_with_progress, video_output
from edgehands.errors import UsageError

if TYPE_CHECKING:
    from edgehands.config import OutputConfig


def run(
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TOML config; the flags go on top of it. Without --source, the one that "
            "`edgehands config show` shows.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="/dev/video0, usb:NAME, a video file, a folder or glob of images, synthetic:",
            show_default=False,
            rich_help_panel=CAMERA,
        ),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(help="Stop after so many.", show_default=False, rich_help_panel=CAMERA),
    ] = None,
    model: ModelOption = None,
    backend: BackendOption = None,
    device: DeviceOption = None,
    backend_option: BackendOptionsOption = None,
    max_hands: Annotated[
        int | None,
        typer.Option(
            help="Hands to report at most, 2 by default.",
            show_default=False,
            rich_help_panel=TRACKER,
        ),
    ] = None,
    mirrored: Annotated[
        bool | None,
        typer.Option(
            "--mirrored/--not-mirrored",
            help="The images are mirrored, as in a selfie.",
            show_default=False,
            rich_help_panel=TRACKER,
        ),
    ] = None,
    static: Annotated[
        bool | None,
        typer.Option(
            "--static/--video",
            help="Each image stands alone, or they are a stream.",
            show_default=False,
            rich_help_panel=TRACKER,
        ),
    ] = None,
    smoothing: Annotated[
        bool | None,
        typer.Option(
            "--smoothing/--no-smoothing",
            help="Steady the landmarks.",
            show_default=False,
            rich_help_panel=TRACKER,
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            help="fp32, or int8 after `edgehands models build int8`.",
            show_default=False,
            rich_help_panel=TRACKER,
        ),
    ] = None,
    threads: ThreadsOption = None,
    models: ModelsOption = None,
    events: EventsOption = None,
    draw: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Annotated video (.mp4, .webm, .avi) or, for one image, picture (.png, .jpg).",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    style: StyleOption = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="All landmarks, one JSON line a frame.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    web: WebOption = False,
    web_address: WebAddressOption = None,
) -> None:
    """Track hands and print events, one JSON line each, until the source ends or Ctrl-C."""
    from edgehands import config as configs
    from edgehands import config_files

    if style is not None and draw is None:
        raise UsageError(f"--style {style} is for what --draw draws: say --draw FILE.mp4 too")
    config = named_or_found(config, source)
    extra: list[configs.OutputConfig] = []
    if draw is not None:
        extra.append(video_output(draw, style))
    if landmarks is not None:
        extra.append(configs.LandmarksConfig(path=str(landmarks)))

    def read() -> configs.Config:
        base = configs.Config() if config is None else config_files.load(config)
        return configs.overlay(
            base,
            camera={"source": source, "frames": frames},
            tracker=tracker_flags(
                model,
                backend,
                threads,
                models,
                device=device,
                backend_options=backend_option,
                max_hands=max_hands,
                mirrored=mirrored,
                static=static,
                smoothing=smoothing,
                precision=precision,
            ),
            output=(*_event_outputs(base.output, events), *extra),
            web={"enabled": web or web_address is not None or None, "address": web_address},
        )

    if run_with_progress(read(), file=config, reload=read).interrupted:
        raise typer.Exit(STOPPED)


def _event_outputs(
    outputs: "tuple[OutputConfig, ...]", events: list[str] | None
) -> "tuple[OutputConfig, ...]":
    """Return the config's outputs, those that take events replaced by what the flags say."""
    from edgehands import config as configs
    from edgehands.mqtt.settings import MqttConfig

    if not events:
        return outputs or (configs.StdoutConfig(),)
    others = (
        output for output in outputs if not isinstance(output, configs.StdoutConfig | MqttConfig)
    )
    return (*(event_output(place) for place in events), *others)

"""`edgehands run`: camera to events."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehands.cli import STOPPED
from edgehands.errors import UsageError

if TYPE_CHECKING:
    from edgehands.config import Config, OutputConfig
    from edgehands.outputs import Output
    from edgehands.summary import Summary

_CAMERA = "Camera"
_TRACKER = "Tracker"
_OUTPUT = "Output"

ModelOption = Annotated[
    str | None,
    typer.Option(
        help="Landmark model: light, full or heavy.", show_default=False, rich_help_panel=_TRACKER
    ),
]
BackendOption = Annotated[
    str | None,
    typer.Option(
        help="Runtime by name: auto, tflite, onnxruntime, openvino, litert-gpu, coral, replay.",
        show_default=False,
        rich_help_panel=_TRACKER,
    ),
]
BackendOptionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--backend-option",
        metavar="KEY=VALUE",
        help="The backend's own option, for example delegate=/path/lib.so; may be repeated.",
        show_default=False,
        rich_help_panel=_TRACKER,
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        help="The backend's device, such as GPU for openvino.",
        show_default=False,
        rich_help_panel=_TRACKER,
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        help="Threads per model; by default the cores, 4 at most.",
        show_default=False,
        rich_help_panel=_TRACKER,
    ),
]
ModelsOption = Annotated[
    Path | None,
    typer.Option(
        "--models",
        metavar="DIR",
        help="Model folder.",
        exists=True,
        file_okay=False,
        show_default=False,
        rich_help_panel=_TRACKER,
    ),
]

StyleOption = Annotated[
    str | None,
    typer.Option(
        help="How hands are drawn: depth (the default), fingers, neon, or privacy: no picture.",
        show_default=False,
        rich_help_panel=_OUTPUT,
    ),
]
EventsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--events",
        metavar="URL",
        help="Where events go: stdout (the default), mqtt://[user@]host[:port][/prefix], or "
        "mqtts, ws, wss; may be repeated.",
        show_default=False,
        rich_help_panel=_OUTPUT,
    ),
]


WebOption = Annotated[
    bool,
    typer.Option(
        "--web",
        help="Open the live page, on http://127.0.0.1:8770/ unless --web-address or the config "
        "says another.",
        show_default=False,
        rich_help_panel=_OUTPUT,
    ),
]
WebAddressOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Open the live page there; beyond this machine it needs a token: docs/live.md.",
        show_default=False,
        rich_help_panel=_OUTPUT,
    ),
]


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
            rich_help_panel=_CAMERA,
        ),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(help="Stop after so many.", show_default=False, rich_help_panel=_CAMERA),
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
            rich_help_panel=_TRACKER,
        ),
    ] = None,
    mirrored: Annotated[
        bool | None,
        typer.Option(
            "--mirrored/--not-mirrored",
            help="The images are mirrored, as in a selfie.",
            show_default=False,
            rich_help_panel=_TRACKER,
        ),
    ] = None,
    static: Annotated[
        bool | None,
        typer.Option(
            "--static/--video",
            help="Each image stands alone, or they are a stream.",
            show_default=False,
            rich_help_panel=_TRACKER,
        ),
    ] = None,
    smoothing: Annotated[
        bool | None,
        typer.Option(
            "--smoothing/--no-smoothing",
            help="Steady the landmarks.",
            show_default=False,
            rich_help_panel=_TRACKER,
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            help="fp32, or int8 after `edgehands models build int8`.",
            show_default=False,
            rich_help_panel=_TRACKER,
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
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    style: StyleOption = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="All landmarks, one JSON line a frame.",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    web: WebOption = False,
    web_address: WebAddressOption = None,
) -> None:
    """Track hands and print events, one JSON line each, until the source ends or Ctrl-C."""
    from edgehands import config as configs
    from edgehands import config_files

    if config is None and source is None:
        config = found_config()
        if config is None:
            raise UsageError(
                "no camera: say --source /dev/video0, or make a config: edgehands config init"
            )
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
            tracker={
                "model": model,
                "backend": backend,
                "device": device,
                "backend_options": key_values(backend_option),
                "max_hands": max_hands,
                "mirrored": mirrored,
                "static": static,
                "smoothing": smoothing,
                "precision": precision,
                "threads": threads,
                "models": str(models) if models else None,
            },
            output=(*_event_outputs(base.output, events), *extra),
            web={"enabled": web or web_address is not None or None, "address": web_address},
        )

    if run_with_progress(read(), file=config, reload=read).interrupted:
        raise typer.Exit(STOPPED)


def video_output(path: Path, style: str | None) -> "OutputConfig":
    """Return the video with hands drawn in that style, the usual one unless one is named."""
    from edgehands import config as configs
    from edgehands.drawing import checked_style

    if style is None:
        return configs.VideoConfig(path=str(path))
    return configs.VideoConfig(path=str(path), style=checked_style(style))


def found_config() -> Path | None:
    """Return the config file that counts where none is named, and say on stderr which it is."""
    from edgehands import config_files

    found = config_files.find()
    if found is None:
        return None
    print(f"edgehands: config {found.path} ({found.why})", file=sys.stderr)
    return found.path


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


def event_output(place: str, *, node: str | None = None) -> "OutputConfig":
    """Turn what --events names into an output; a broker of the demo announces nothing."""
    from edgehands import config as configs
    from edgehands.mqtt.settings import MqttConfig

    if place in {"stdout", "-"}:
        return configs.StdoutConfig()
    return MqttConfig(url=place, node=node, home_assistant=node is None)


def run_with_progress(
    config: "Config",
    listeners: "Sequence[Output]" = (),
    *,
    file: Path | None = None,
    reload: "Callable[[], Config] | None" = None,
    saves_to: Path | None = None,
) -> "Summary":
    """Run, show how far it is where anybody looks, and print the summary to stderr.

    With the file that the config was read from it is a service, which `reload` gives the file anew.
    Without, `saves_to` may still name the file that the live page saves settings to.
    """
    from edgehands.cli.showing import run_shown

    try:
        return run_shown(config, listeners, file=file, reload=reload, saves_to=saves_to)
    except KeyboardInterrupt:  # before the first frame: there is nothing to sum up
        raise typer.Exit(STOPPED) from None


def key_values(pairs: list[str] | None) -> dict[str, str] | None:
    """Turn ["key=value", …] into a dict."""
    if not pairs:
        return None
    for pair in pairs:
        if "=" not in pair:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--backend-option")
    return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}

"""The options that several commands have, and what they stand for."""

from pathlib import Path
from typing import Annotated

import typer

CAMERA = "Camera"
TRACKER = "Tracker"
OUTPUT = "Output"

BROKER_URL = "mqtt://HOST, in full mqtt://USER@HOST:PORT/PREFIX, or mqtts, ws, wss"
"""How a broker is named; square brackets would be taken for markup."""

ModelOption = Annotated[
    str | None,
    typer.Option(
        help="Landmark model: light, full or heavy.", show_default=False, rich_help_panel=TRACKER
    ),
]
BackendOption = Annotated[
    str | None,
    typer.Option(
        help="Runtime by name: auto, tflite, onnxruntime, openvino, litert-gpu, coral, replay.",
        show_default=False,
        rich_help_panel=TRACKER,
    ),
]
BackendOptionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--backend-option",
        metavar="KEY=VALUE",
        help="The backend's own option, for example delegate=/path/lib.so; may be repeated.",
        show_default=False,
        rich_help_panel=TRACKER,
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        help="The backend's device, such as GPU for openvino.",
        show_default=False,
        rich_help_panel=TRACKER,
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        help="Threads per model; by default the cores, 4 at most.",
        show_default=False,
        rich_help_panel=TRACKER,
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
        rich_help_panel=TRACKER,
    ),
]
StyleOption = Annotated[
    str | None,
    typer.Option(
        help="How hands are drawn: depth (the default), fingers, neon, or privacy: no picture.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
EventsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--events",
        metavar="URL",
        help=f"Where events go: stdout (the default), or {BROKER_URL}; may be repeated.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
WebOption = Annotated[
    bool,
    typer.Option(
        "--web",
        help="Open the live page, on http://127.0.0.1:8770/ unless --web-address or the config "
        "says another.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
WebAddressOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Open the live page there; beyond this machine it needs a token: docs/live.md.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]


def tracker_flags(
    model: str | None,
    backend: str | None,
    threads: int | None,
    models: Path | None,
    *,
    device: str | None = None,
    backend_options: list[str] | None = None,
    **others: object,
) -> dict[str, object]:
    """Return what the options of the tracker set, and `others`, as fields of [tracker]."""
    return {
        "model": model,
        "backend": backend,
        "device": device,
        "backend_options": _key_values(backend_options),
        "threads": threads,
        "models": str(models) if models else None,
        **others,
    }


def _key_values(pairs: list[str] | None) -> dict[str, str] | None:
    """Turn ["key=value", …] into a dict."""
    if not pairs:
        return None
    for pair in pairs:
        if "=" not in pair:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--backend-option")
    return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}

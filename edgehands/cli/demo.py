"""`edgehands demo`: the whole pipeline on the clip that ships with the package."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from edgehands.cli import STOPPED
from edgehands.cli.run import (
    BackendOption,
    BackendOptionsOption,
    DeviceOption,
    EventsOption,
    ModelOption,
    ModelsOption,
    StyleOption,
    ThreadsOption,
    event_output,
    key_values,
    run_with_progress,
    video_output,
)


def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the video and the pictures go.")
    ] = Path("edgehands-demo"),
    model: ModelOption = None,
    backend: BackendOption = None,
    device: DeviceOption = None,
    backend_option: BackendOptionsOption = None,
    threads: ThreadsOption = None,
    models: ModelsOption = None,
    events: EventsOption = None,
    style: StyleOption = None,
    frames: Annotated[
        int | None, typer.Option(help="Stop after so many.", show_default=False)
    ] = None,
) -> None:
    """Run on the shipped clip: events on stdout, an annotated video and a contact sheet."""
    from edgehands import config as configs
    from edgehands.synthetic import DEMO_CLIP

    video, sheet = out / "demo.mp4", out / "contact-sheet.png"
    config = configs.overlay(
        configs.Config(),
        camera={"source": f"file:{DEMO_CLIP}", "name": "demo", "frames": frames},
        tracker={
            "model": model,
            "backend": backend,
            "device": device,
            "backend_options": key_values(backend_option),
            "threads": threads,
            "models": str(models) if models else None,
        },
        output=(
            *(event_output(place, node="demo") for place in events or ["stdout"]),
            video_output(video, style),
            configs.ContactSheetConfig(path=str(sheet)),
        ),
    )
    summary = run_with_progress(config)
    print(f"video          {video}\ncontact sheet  {sheet}", file=sys.stderr)
    if summary.interrupted:
        raise typer.Exit(STOPPED)

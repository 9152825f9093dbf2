"""`edgehands demo`: the whole pipeline on the clip that ships with the package."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from edgehands.cli import STOPPED
from edgehands.cli.options import (
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
from edgehands.cli.running import event_output, run_with_progress, video_output
from edgehands.errors import UsageError


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
    web: WebOption = False,
    web_address: WebAddressOption = None,
) -> None:
    """Run on the shipped clip: events on stdout, an annotated video and a contact sheet.

    With --web, the clip goes round until Ctrl-C, for the live page, and no files are
    written.
    """
    from edgehands import config as configs
    from edgehands.synthetic import DEMO_CLIP

    page = web or web_address is not None
    if page and style is not None:
        raise UsageError(f"--style {style} is for the video, and with --web there is none")
    video, sheet = out / "demo.mp4", out / "contact-sheet.png"
    files = (video_output(video, style), configs.ContactSheetConfig(path=str(sheet)))
    kind = "loop" if page else "file"
    config = configs.overlay(
        configs.Config(),
        camera={"source": f"{kind}:{DEMO_CLIP}", "name": "demo", "frames": frames},
        tracker=tracker_flags(
            model, backend, threads, models, device=device, backend_options=backend_option
        ),
        output=(
            *(event_output(place, node="demo") for place in events or ["stdout"]),
            *(() if page else files),
        ),
        # Nobody's picture is in the clip.
        web={"enabled": True, "address": web_address, "pixels": True} if page else None,
    )
    summary = run_with_progress(config)
    if not page:
        print(f"video          {video}\ncontact sheet  {sheet}", file=sys.stderr)
    if summary.interrupted:
        raise typer.Exit(STOPPED)

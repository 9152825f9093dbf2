"""`edgehands live`: the live page, to aim a camera by and to see why a gesture fails."""

import sys
import webbrowser
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
    ThreadsOption,
    WebAddressOption,
    tracker_flags,
)
from edgehands.cli.running import event_output, found_config, run_with_progress
from edgehands.errors import UsageError


def live(
    source: Annotated[
        str | None,
        typer.Option(
            help="As for `edgehands run`; a video file goes round. By default the config's, or "
            "/dev/video0.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TOML config, to which settings can be saved; by default the one that `edgehands "
            "config show` shows.",
            show_default=False,
        ),
    ] = None,
    web_address: WebAddressOption = None,
    pixels: Annotated[
        bool,
        typer.Option("--pixels/--skeleton", help="Show the picture too, or nothing but skeletons."),
    ] = True,
    browser: Annotated[
        bool, typer.Option("--open", help="Open it in this machine's browser.")
    ] = False,
    events: EventsOption = None,
    model: ModelOption = None,
    backend: BackendOption = None,
    device: DeviceOption = None,
    backend_option: BackendOptionsOption = None,
    threads: ThreadsOption = None,
    models: ModelsOption = None,
) -> None:
    """Show on a web page what the camera sees and what is made of it, until Ctrl-C.

    The page is on http://127.0.0.1:8770/, for this machine alone; docs/live.md says how to
    reach it from another. Events go nowhere unless --events says so.
    """
    from edgehands import config as configs
    from edgehands import config_files
    from edgehands.web_settings import parse_address

    place = config or found_config()
    base = configs.Config() if place is None else config_files.load(place)
    whole = configs.overlay(
        base,
        camera={"source": _source(source, configured=bool(base.camera))},
        tracker=tracker_flags(
            model, backend, threads, models, device=device, backend_options=backend_option
        ),
        output=tuple(event_output(each) for each in events or ()),
        web={"enabled": True, "address": web_address, "pixels": pixels},
    )
    if browser:
        webbrowser.open(f"http://{parse_address(whole.web.address)}/")
    if run_with_progress(whole, saves_to=place).interrupted:
        raise typer.Exit(STOPPED)


def _source(source: str | None, *, configured: bool) -> str | None:
    """Return the camera to open; None for the config's."""
    from edgehands.cameras import split_source

    if source is None:
        if configured:
            return None
        if Path("/dev/video0").exists():
            print("edgehands: camera /dev/video0", file=sys.stderr)
            return "/dev/video0"
        raise UsageError("no camera here: say --source, as edgehands live --source synthetic:")
    kind, address = split_source(source)
    if kind != "file":
        return source
    from edgehands.cameras.file import check_readable

    check_readable(Path(address).expanduser())  # a camera is waited for, a file is there or not
    return f"loop:{address}"

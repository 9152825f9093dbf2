"""`edgehands record`: landmarks and events into a file, never a picture."""

from pathlib import Path
from typing import Annotated

import typer

from edgehands.cli import STOPPED
from edgehands.cli.options import (
    BackendOption,
    BackendOptionsOption,
    DeviceOption,
    ModelOption,
    ModelsOption,
    ThreadsOption,
    tracker_flags,
)
from edgehands.cli.running import named_or_found, run_with_progress


def record(
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE.hands", help="The recording; an older file of that name is replaced."
        ),
    ],
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
        typer.Option(help="As for `edgehands run`.", show_default=False),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(help="Stop after so many.", show_default=False)
    ] = None,
    mirrored: Annotated[
        bool | None,
        typer.Option(
            "--mirrored/--not-mirrored",
            help="The images are mirrored, as in a selfie.",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = None,
    backend: BackendOption = None,
    device: DeviceOption = None,
    backend_option: BackendOptionsOption = None,
    threads: ThreadsOption = None,
    models: ModelsOption = None,
) -> None:
    """Run until the source ends or Ctrl-C and keep landmarks and events, never a picture.

    Events go to stdout as always. `edgehands replay` and `explain` read the
    file, `gestures learn` learns from it.
    """
    from edgehands import config as configs
    from edgehands import config_files

    config = named_or_found(config, source)
    base = configs.Config() if config is None else config_files.load(config)
    whole = configs.overlay(
        base,
        camera={"source": source, "frames": frames},
        tracker=tracker_flags(
            model,
            backend,
            threads,
            models,
            device=device,
            backend_options=backend_option,
            mirrored=mirrored,
        ),
        output=(
            *(base.output or (configs.StdoutConfig(),)),
            configs.RecordingConfig(path=str(out)),
        ),
    )
    if run_with_progress(whole).interrupted:
        raise typer.Exit(STOPPED)

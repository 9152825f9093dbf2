"""What the commands that run the pipeline share: config, outputs, progress and summary."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edgehands.cli import STOPPED
from edgehands.errors import UsageError

if TYPE_CHECKING:
    from edgehands.config import Config, OutputConfig
    from edgehands.outputs import Output
    from edgehands.summary import Summary


def found_config() -> Path | None:
    """Return the config file that counts where none is named, and say on stderr which it is."""
    from edgehands import config_files

    found = config_files.find()
    if found is None:
        return None
    print(f"edgehands: config {found.path} ({found.why})", file=sys.stderr)
    return found.path


def named_or_found(config: Path | None, source: str | None) -> Path | None:
    """Return the config file to begin with: without a source, the one that counts if none is named.

    Raises:
        UsageError: there is neither a source nor a file.
    """
    if config is not None or source is not None:
        return config
    found = found_config()
    if found is None:
        raise UsageError(
            "no camera: say --source /dev/video0, or make a config: edgehands config init"
        )
    return found


def video_output(path: Path, style: str | None) -> "OutputConfig":
    """Return the video with hands drawn in that style, the usual one unless one is named."""
    from edgehands import config as configs
    from edgehands.drawing import checked_style

    if style is None:
        return configs.VideoConfig(path=str(path))
    return configs.VideoConfig(path=str(path), style=checked_style(style))


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

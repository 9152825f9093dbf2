"""`edgehands run --config FILE`, which the unit says, without the parser of the command line.

Whoever waits for a service that was killed would wait for that as long as for everything else but
the models: it imports what it needs for the options and help of all commands.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.cli import STOPPED
from edgehands.cli.showing import run_shown, set_up_log

if TYPE_CHECKING:
    from edgehands.config import Config


def config_file(arguments: Sequence[str]) -> Path | None:
    """Return FILE, if that is all that was typed."""
    match arguments:
        case ["run", "--config", file] if not file.startswith("-"):
            return Path(file)
    return None


def serve(file: Path) -> int:
    """Run that config to its end and return the exit code; as `edgehands.cli.run.run` does.

    Raises:
        EdgeHandsError: what the run failed with.
    """
    set_up_log()

    def read() -> "Config":
        from edgehands import config_files
        from edgehands.config import StdoutConfig, overlay

        config = config_files.load(file)
        return overlay(config, output=config.output or (StdoutConfig(),))

    try:
        return STOPPED if run_shown(read(), file=file, reload=read).interrupted else 0
    except KeyboardInterrupt:  # before the first frame
        return STOPPED

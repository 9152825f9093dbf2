"""A run that somebody may look at: its log, a progress bar, and the summary at its end."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands import logs

if TYPE_CHECKING:
    from edgehands.config import Config
    from edgehands.outputs import Output
    from edgehands.service.hub import Watch
    from edgehands.summary import Summary

_LOG_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


def set_up_log(verbose: int = 0) -> None:
    """Let the log say more the more often --verbose was given."""
    logs.set_up(_LOG_LEVELS[min(verbose, len(_LOG_LEVELS) - 1)])
    if not verbose:  # nobody should wonder for half a minute why nothing happens
        logging.getLogger("edgehands.cameras.synthetic").setLevel(logging.INFO)
        logging.getLogger("edgehands.web.live").setLevel(logging.INFO)  # the page's address


def run_shown(
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

    Raises:
        KeyboardInterrupt: it was stopped before there was anything to sum up.
    """
    from edgehands.service import Service

    with _progress_bar() as watch:
        summary = Service(
            config, watch, listeners, file=file, reload=reload, saves_to=saves_to
        ).run()
    for line in summary.lines():
        print(line, file=sys.stderr)
    return summary


@contextmanager
def _progress_bar() -> "Iterator[Watch | None]":
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    # Events on the same terminal go above the bar; into a pipe they must not touch the bar at all.
    with Progress(
        BarColumn(),
        MofNCompleteColumn(),
        "frames",
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ) as progress:
        task = progress.add_task("frames", total=None)

        def watch(frames: int, length: int | None) -> None:
            # A container may promise fewer frames than it holds.
            total = max(length, frames) if length is not None else None
            progress.update(task, completed=frames, total=total)

        yield watch

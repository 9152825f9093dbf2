"""`edgehands replay`: the events of a recording once more."""

import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehands.errors import UsageError

if TYPE_CHECKING:
    from edgehands.events import Event
    from edgehands.recording import Header, Reader


def replay(
    recording: Annotated[Path, typer.Argument(metavar="FILE.hands", show_default=False)],
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With the gestures of this TOML config: what would have happened.",
            show_default=False,
        ),
    ] = None,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Print the recorded events and read nothing anew.")
    ] = False,
    landmarks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="All landmarks as `edgehands run --landmarks` writes them.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Read the gestures of recorded landmarks again and print their events.

    With nothing changed since the recording they are the same bytes; what
    differs is counted on stderr.
    """
    from edgehands.config_files import load
    from edgehands.recording import Reader
    from edgehands.replay import with_config

    if recorded and config is not None:
        raise UsageError("--recorded reads nothing anew: leave out --config, or --recorded")
    with Reader(recording) as reader:
        header = reader.header
        if config is not None:
            header = with_config(header, load(config))
        differing = _print_events(reader, header, landmarks, recorded=recorded)
        if reader.ending is None:
            print(
                f"edgehands: {recording} has no end: its recorder was killed, and gestures that "
                "were under way do not end",
                file=sys.stderr,
            )
    if differing and config is None and not recorded:
        what = "1 event differs" if differing == 1 else f"{differing} events differ"
        print(
            f"edgehands: {what} from the recorded ones, made by EdgeHands "
            f"{header.edgehands}; see those with --recorded",
            file=sys.stderr,
        )


def _print_events(
    reader: "Reader",
    header: "Header",
    landmarks: Path | None,
    *,
    recorded: bool,
) -> int:
    """Print the events and return how many are not those of the recording."""
    import numpy as np

    from edgehands.frame import Frame
    from edgehands.outputs import Result
    from edgehands.outputs.landmarks import LandmarksOutput
    from edgehands.outputs.stdout import StdoutOutput
    from edgehands.replay import replay as replayed

    no_picture = np.empty((0, 0, 3), np.uint8)
    stdout = StdoutOutput()
    kept = LandmarksOutput(landmarks) if landmarks else None
    differing = 0
    try:
        for entry in replayed(reader, header):
            events = entry.recorded if recorded else entry.events
            for event in events:
                stdout.event(event)
            differing += _differing(entry.events, entry.recorded)
            if kept and reader.ending is None and entry.cut != "lost":
                kept.result(Result(Frame(no_picture, entry.time, entry.time), entry.hands))
    finally:
        if kept:
            kept.close()
    return differing


def _differing(events: "Sequence[Event]", others: "Sequence[Event]") -> int:
    """Return how many events of the one or the other have no twin."""
    pairs = zip_longest(events, others)
    return sum(event != other for event, other in pairs)

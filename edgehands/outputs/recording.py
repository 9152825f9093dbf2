"""A run as a recording: landmarks and events, to be replayed, explained or learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgehands.outputs import Output
from edgehands.outputs.files import check_writable
from edgehands.recording import Entry, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgehands.events import Event
    from edgehands.outputs import Result
    from edgehands.recording import Header


class RecordingOutput(Output):
    """Writes every frame; the picture's size in the header is the first frame's."""

    def __init__(self, path: Path, header: Header) -> None:
        self._path = path
        self._header = header
        self._writer: Writer | None = None
        check_writable(path)  # now, not after the first frame

    def result(self, result: Result) -> None:
        """Write one frame."""
        if self._writer is None:
            height, width = result.frame.image.shape[:2]
            header = msgspec.structs.replace(self._header, width=width, height=height)
            self._writer = Writer(self._path, header)
        self._writer.write(Entry(result.frame.time, result.ts, result.hands, result.events))

    def end(self, events: Sequence[Event]) -> None:
        """Write that the run came to its end."""
        if self._writer is not None:
            self._writer.end(events)

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()

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
    from edgehands.recording import Cut, Header


class RecordingOutput(Output):
    """Writes every frame; the picture's size in the header is the first frame's."""

    def __init__(self, path: Path, header: Header) -> None:
        self._path = path
        self._header = header
        self._writer: Writer | None = None
        self._last = 0.0, 0.0
        """Time and ts of the last frame."""
        check_writable(path)  # now, not after the first frame

    def result(self, result: Result) -> None:
        """Write one frame."""
        if self._writer is None:
            height, width = result.frame.image.shape[:2]
            header = msgspec.structs.replace(self._header, width=width, height=height)
            self._writer = Writer(self._path, header)
        self._last = result.frame.time, result.ts
        cut: Cut = "paused" if result.paused else ""
        entry = Entry(*self._last, result.hands, result.events, cut, result.change)
        self._writer.write(entry)

    def interrupt(self, events: Sequence[Event]) -> None:
        """Write that the camera gave no more, and what that ended."""
        if self._writer is not None:
            self._writer.write(Entry(*self._last, events=events, cut="lost"))

    def end(self, events: Sequence[Event]) -> None:
        """Write that the run came to its end."""
        if self._writer is not None:
            self._writer.end(events)

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()

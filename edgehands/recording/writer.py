"""Writes a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgehands.closing import Closing
from edgehands.outputs.files import BinaryFile
from edgehands.recording.layout import (
    BEGINNING,
    MAGIC,
    PREFIX,
    VERSION,
    Ending,
    StoredFrame,
    checksum,
    stored,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgehands.events import Event
    from edgehands.recording.layout import Entry, Header


class Writer(Closing):
    """Writes a recording, each frame at once, so that a killed process leaves a readable file.

    Args:
        path: an older file of that name is replaced.
        header: the first record.

    Raises:
        InputError: here or in a method, it cannot be written.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self._file = BinaryFile(path)
        self._number = 0
        self._file.write(BEGINNING.pack(MAGIC, VERSION) + self._record(header))

    def write(self, entry: Entry) -> None:
        """Add one frame."""
        hands = tuple(stored(hand) for hand in entry.hands)
        events = tuple(entry.events)
        frame = StoredFrame(entry.time, entry.ts, hands, events, entry.cut, entry.change)
        self._file.write(self._record(frame))

    def end(self, events: Sequence[Event] = ()) -> None:
        """Add the last record: what the end of the run ended."""
        self._file.write(self._record(Ending(tuple(events))))

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._file.close()

    def _record(self, value: msgspec.Struct) -> bytes:
        payload = msgspec.msgpack.encode(value)
        prefix = PREFIX.pack(len(payload), checksum(payload, self._number))
        self._number += 1
        return prefix + payload

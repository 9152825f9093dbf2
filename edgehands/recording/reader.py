"""Reads a recording, up to the first record that is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import msgspec

from edgehands._version import __version__
from edgehands.closing import Closing
from edgehands.errors import InputError
from edgehands.recording.layout import (
    BEGINNING,
    LONGEST,
    MAGIC,
    PREFIX,
    SUFFIX,
    VERSION,
    Ending,
    Entry,
    Header,
    StoredFrame,
    checksum,
    restored,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from edgehands.events import Event


class Reader(Closing):
    """Reads a recording from its beginning, once: iterate over it for its frames.

    Raises:
        InputError: it cannot be read, is no recording, or, after its last sound frame, is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = -1  # of the record that is being read
        self._start = 0  # where it begins in the file
        self._offset = 0
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from error
        try:
            self._begin()
            self.header = self._header()
        except BaseException:
            self._file.close()
            raise
        self.ending: Sequence[Event] | None = None
        """What the end of the run ended; None until it is reached, and where there is none."""

    def __iter__(self) -> Iterator[Entry]:
        """Return frame after frame."""
        decoder = msgspec.msgpack.Decoder(StoredFrame | Ending)
        while (payload := self._payload()) is not None:
            try:
                record = decoder.decode(payload)
                if isinstance(record, Ending):
                    self.ending = record.events
                    return
                hands = tuple(restored(hand) for hand in record.hands)
            except (msgspec.MsgspecError, ValueError) as error:
                raise self._damaged(f"makes no sense ({error})") from error
            yield Entry(record.time, record.ts, hands, record.events, record.cut, record.change)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._file.close()

    def _begin(self) -> None:
        beginning = self._read(BEGINNING.size)
        magic, version = (
            BEGINNING.unpack(beginning) if len(beginning) == BEGINNING.size else (b"", 0)
        )
        if magic != MAGIC:
            what = "is no recording" if beginning else "is empty: no frame was recorded"
            raise InputError(
                f"{self._path} {what}; make one with: edgehands record --out NAME{SUFFIX}"
            )
        if version > VERSION:
            raise InputError(
                f"{self._path} is a recording of format {version}; this EdgeHands {__version__} "
                f"reads up to {VERSION}: install a newer one"
            )

    def _header(self) -> Header:
        payload = self._payload()
        if payload is None:
            raise InputError(f"{self._path} is empty: no frame was recorded")
        try:
            return msgspec.msgpack.decode(payload, type=Header)
        except msgspec.MsgspecError as error:
            raise self._damaged(f"makes no sense ({error})") from error

    def _payload(self) -> bytes | None:
        """Return the next record's payload, None at the end of the file."""
        self._number += 1
        self._start = self._offset
        prefix = self._read(PREFIX.size)
        if not prefix:
            return None
        if len(prefix) < PREFIX.size:
            raise self._damaged("is cut short")
        length, expected = PREFIX.unpack(prefix)
        if length > LONGEST:
            raise self._damaged(f"has an impossible length of {length:,} bytes")
        payload = self._read(length)
        if len(payload) < length:
            raise self._damaged("is cut short")
        if checksum(payload, self._number) != expected:
            raise self._damaged("does not match its checksum")
        return payload

    def _read(self, count: int) -> bytes:
        try:
            content = self._file.read(count)
        except OSError as error:
            raise InputError(f"cannot read {self._path}: {error.strerror or error}") from error
        self._offset += len(content)
        return content

    def _damaged(self, what: str) -> InputError:
        record = f"record {self._number}" if self._number else "its header"
        frames = max(self._number - 1, 0)
        return InputError(
            f"{self._path} is damaged: {record} at byte {self._start} {what}; the {frames} frames "
            "before it could be read"
        )


def frames(path: Path) -> Iterator[Entry]:
    """Return a recording's frames.

    Raises:
        InputError: as `Reader` does.
    """
    with Reader(path) as reader:
        yield from reader


def is_recording(path: Path) -> bool:
    """Say whether a file begins as a recording does; False where there is none to read."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False

"""Files to write: their names, and an error that names the file when one cannot be written."""

from __future__ import annotations

import errno
import os
import shutil
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from edgehands.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# pip's OpenCV has no H.264 encoder; these it has everywhere.
CODECS = {".mp4": "mp4v", ".m4v": "mp4v", ".mkv": "mp4v", ".avi": "MJPG", ".webm": "VP90"}
"""How a video of that ending is encoded."""
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
DRAWINGS = (*CODECS, *PICTURES)


def check_suffix(path: Path, suffixes: Sequence[str]) -> None:
    """Refuse a name whose ending is not among `suffixes`, in small letters.

    Raises:
        UsageError: it is not.
    """
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"cannot draw into {path}: its name must end with {', '.join(suffixes)}")


def make_folder_for(path: Path) -> None:
    """Make the folder that `path` is to stand in.

    Raises:
        InputError: it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


class _File(ABC):
    """A file that is written bit by bit, whose errors name it."""

    def __init__(self, path: Path) -> None:
        make_folder_for(path)
        self._path = path
        with self._failing():
            self._file = self._open()

    @abstractmethod
    def _open(self) -> IO[Any]: ...

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def close(self) -> None:
        """Write what is waiting and close the file. Safe to call twice."""
        with self._failing():
            self._file.close()


class TextFile(_File):
    """A file of UTF-8 lines. A reader that goes away is a BrokenPipeError, as everywhere.

    Raises:
        InputError: here or in a method, it cannot be written.
    """

    def _open(self) -> IO[str]:
        return self._path.open("w", encoding="utf-8")

    def write_line(self, line: str) -> None:
        """Write one line."""
        with self._failing():
            self._file.write(line + "\n")


class BinaryFile(_File):
    """A file of bytes that arrive at once. A reader that goes away is a BrokenPipeError.

    Raises:
        InputError: here or in a method, it cannot be written.
    """

    def _open(self) -> IO[bytes]:
        return self._path.open("wb", buffering=0)

    def write(self, content: bytes) -> None:
        """Write all of it."""
        rest = memoryview(content)
        with self._failing():
            while rest:
                rest = rest[self._file.write(rest) :]


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise cannot_write(path, error) from error


def check_writable(path: Path) -> None:
    """Try to write a file, for a library that does not say why it cannot. It is empty then.

    Raises:
        InputError: it cannot be written.
    """
    make_folder_for(path)
    write_bytes(path, b"?")
    write_bytes(path, b"")


def check_openable(path: Path) -> None:
    """Find out whether a file can be written, and leave what is there as it is.

    Raises:
        InputError: it cannot be written.
    """
    make_folder_for(path)
    try:
        is_new = not path.exists() and not path.is_symlink()
        if is_new or path.is_file() or path.is_dir():  # who reads a pipe would take it for the end
            path.open("ab").close()
        if is_new:
            path.unlink()
    except OSError as error:
        raise cannot_write(path, error) from error


def check_written(path: Path) -> None:
    """Look after a library that never says whether what it wrote has arrived.

    Raises:
        InputError: the file is empty, or the disk full.
    """
    try:
        arrived = path.stat().st_size > 0 and shutil.disk_usage(path.parent).free > 0
    except OSError as error:
        raise cannot_write(path, error) from error
    if not arrived:
        raise cannot_write(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def cannot_write(what: Path | str, error: OSError) -> InputError:
    """Return the error to raise for something that cannot be written."""
    return InputError(f"cannot write {what}: {error.strerror or error}")

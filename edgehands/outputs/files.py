"""Opening files to write, with an error that names the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from edgehands.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def make_folder_for(path: Path) -> None:
    """Make the folder that `path` is to stand in.

    Raises:
        InputError: it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def open_text(path: Path) -> TextIO:
    """Open `path` for UTF-8 text, making its folder.

    Raises:
        InputError: it cannot be written.
    """
    make_folder_for(path)
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> InputError:
    """Return the error to raise for a file that cannot be written."""
    return InputError(f"cannot write {path}: {error.strerror or error}")

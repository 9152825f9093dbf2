"""Find models in what a user may have: a wheel, a .task bundle, a .tflite file, a folder of these.

A model is recognised by the hash of its content, whatever its name. A name that we know over a
content that we do not is refused, and then nothing of the whole source is used.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import stat
import struct
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from edgehands.errors import EdgeHandsError, InputError, ModelError
from edgehands.models.store import MAX_MODEL_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.models.catalog import Catalog

MAX_BYTES = 8 * MAX_MODEL_BYTES
"""What is read from one source in all: the real ones stay below 70 MB."""

MAX_DEPTH = 3
"""A wheel or bundle in a folder, a bundle in a bundle."""

_HEAD = 8
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted member; NotImplementedError, its child: an unknown compression
    ValueError,
)


def read_models(source: Path, catalog: Catalog) -> dict[str, bytes]:
    """Return every model of the catalog that `source` holds, by id: verified content.

    Raises:
        InputError: `source` cannot be read, or is nothing that can hold a model.
        ModelError: it holds a file with a model's name and an unknown content, or no model.
    """
    reader = _Reader(catalog)
    with _reading(source):
        if source.is_dir():
            reader.read_folder(source)
        else:
            reader.read_path(source)
    if not reader.found:
        seen = f" (sha256 {reader.unknown})" if reader.unknown else ""
        raise ModelError(
            f"{source} holds none of the models "
            f"{', '.join(model.id for model in catalog.models)}{seen}"
        )
    return reader.found


class _Reader:
    """One search through a source: what was found, and how much may still be read."""

    def __init__(self, catalog: Catalog) -> None:
        self.found: dict[str, bytes] = {}
        self.unknown = ""
        """Hash of a model-like content that the catalog does not have."""
        self._by_hash = {sha256: model for model in catalog.models for sha256 in model.sha256}
        self._by_name = {
            name: model for model in catalog.models for name in (model.file, *model.aliases)
        }
        self._left = MAX_BYTES

    def read_folder(self, folder: Path) -> None:
        """Look at the folder's own files, not below."""
        for path in sorted(folder.iterdir()):
            if path.is_file():
                with path.open("rb") as file:
                    self._read(file, str(path), depth=1)

    def read_path(self, path: Path) -> None:
        """Look at a file that the user named."""
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would block
            raise InputError(f"{path} is neither a file nor a folder")
        with path.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(0)
            if _is_zip(head):
                self._read_zip(file, str(path), depth=1)
            elif _is_model(head) or path.name in self._by_name:
                self._read(file, str(path), depth=1)
            else:
                raise InputError(f"{path} is neither a wheel, a .task bundle nor a .tflite model")

    def _read(self, file: IO[bytes], where: str, depth: int) -> None:
        """Look at one file or member, and pass over what cannot be a model."""
        name = PurePosixPath(where).name
        head = file.read(_HEAD)
        if _is_model(head) or name in self._by_name:
            self._keep(self._content(file, head, where), where)
        elif _is_zip(head) and name.endswith((".task", ".whl")) and depth < MAX_DEPTH:
            data = io.BytesIO(self._content(file, head, where))
            self._read_zip(data, where, depth + 1)

    def _read_zip(self, file: IO[bytes], where: str, depth: int) -> None:
        with _reading(where), zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                if member.filename.endswith("/"):  # not is_dir(): it fails on an empty name
                    continue
                name = member.filename
                name = name if name.isprintable() else ascii(name)  # a message is one line
                with archive.open(member) as content:
                    self._read(content, f"{where}/{name}", depth)

    def _content(self, file: IO[bytes], head: bytes, where: str) -> bytes:
        """Return head and rest, within limits that a zip bomb cannot move."""
        data = head + file.read(MAX_MODEL_BYTES + 1 - len(head))
        if len(data) > MAX_MODEL_BYTES:
            raise InputError(f"{where} is larger than {MAX_MODEL_BYTES >> 20} MB: no model is")
        self._left -= len(data)
        if self._left < 0:
            raise InputError(f"{where}: more than {MAX_BYTES >> 20} MB to read, no bundle has that")
        return data

    def _keep(self, data: bytes, where: str) -> None:
        sha256 = hashlib.sha256(data).hexdigest()
        named = self._by_name.get(PurePosixPath(where).name)
        if model := self._by_hash.get(sha256):
            self.found.setdefault(model.id, data)
        elif named:
            raise ModelError(
                f"{where} ({len(data)} bytes) has sha256 {sha256}, accepted for model "
                f"{named.id!r}: {', '.join(named.sha256)}; nothing was kept"
            )
        else:
            self.unknown = sha256


def _is_model(head: bytes) -> bool:
    return head[4:8] == b"TFL3"


def _is_zip(head: bytes) -> bool:
    # Not zipfile.is_zipfile: a .tflite with metadata may end in a zip of its own.
    return head.startswith(b"PK\x03\x04")


@contextmanager
def _reading(where: Path | str) -> Iterator[None]:
    """Turn whatever a broken file makes the standard library raise into one line."""
    try:
        yield
    except EdgeHandsError:
        raise
    except _ZIP_ERRORS as error:
        reason = getattr(error, "strerror", None) or error or type(error).__name__
        raise InputError(f"cannot read {where}: {reason}") from error

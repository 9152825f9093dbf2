"""Rendered bytes kept on disk: what is damaged or out of date is made again."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

_DIGEST = hashlib.sha256().digest_size


def cache_folder() -> Path:
    """Return where rendered pictures are kept: $XDG_CACHE_HOME/edgehands/synthetic."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "edgehands" / "synthetic" / recipe()


@lru_cache(maxsize=1)
def recipe() -> str:
    """Return a name for this very renderer: the hash of its sources.

    A picture drawn by other code is another picture, so it lies in another folder.
    """
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def cached(name: str, make: Callable[[], bytes]) -> bytes:
    """Return the bytes kept under `name`, or make and keep them.

    The file carries the hash of its content: a damaged one is made again. It appears under its
    name only when it is whole, so processes may fill one cache together. A disk that cannot be
    written costs time, never the result.
    """
    path = cache_folder() / name
    try:
        blob = path.read_bytes()
    except OSError:
        blob = b""
    digest, content = blob[:_DIGEST], blob[_DIGEST:]
    if content and hashlib.sha256(content).digest() == digest:
        return content
    content = make()
    try:
        _write_whole(path, hashlib.sha256(content).digest() + content)
    except OSError as error:
        logger.warning("synthetic cache: %s cannot be written: %s", path, error)
    return content


def _write_whole(path: Path, blob: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(blob)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise

"""Rendered bytes kept on disk: what is damaged or out of date is made again."""

from __future__ import annotations

import hashlib
import logging
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands import folders

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

_DIGEST = hashlib.sha256().digest_size


def cache_folder() -> Path | None:
    """Return where rendered pictures are kept, None for a user without a home."""
    base = folders.cache()
    return base / "synthetic" / recipe() if base else None


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
    written, or no home, costs time, never the result.
    """
    folder = cache_folder()
    if folder is None:
        _warn_once("this user has no home")
        return make()
    path = folder / name
    try:
        blob = path.read_bytes()
    except OSError:
        blob = b""
    digest, content = blob[:_DIGEST], blob[_DIGEST:]
    if content and hashlib.sha256(content).digest() == digest:
        return content
    content = make()
    try:
        folders.write_whole(path, hashlib.sha256(content).digest() + content)
    except OSError as error:
        _warn_once(f"{folder} cannot be written ({error.strerror or error})")
    return content


@lru_cache
def _warn_once(problem: str) -> None:
    logger.warning(
        "%s: pictures are rendered again at every start, until `export XDG_CACHE_HOME=DIR` names "
        "a folder to keep them in",
        problem,
        extra={"code": "EH1104"},
    )

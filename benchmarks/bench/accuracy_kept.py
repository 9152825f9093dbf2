"""Pictures of the bench kept on disk, made again when the code that makes them has changed."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.synthetic.cache import cached

if TYPE_CHECKING:
    from collections.abc import Callable


def kept(source: str, name: str, make: Callable[[], bytes]) -> bytes:
    """Return what is kept under a name, or make and keep it.

    Args:
        source: the file whose code makes it, `__file__`; changes of the renderer count too.
        name: of the picture, with "/" for folders.
        make: makes it.
    """
    return cached(f"bench/{_digest(source)}/{name}", make)


@lru_cache
def _digest(source: str) -> str:
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()[:12]

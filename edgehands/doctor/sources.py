"""Is there what a camera of the config needs? As far as that can be told without opening it.

What a camera's library does in a search can hang or crash: another process does it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands import isolated
from edgehands.cameras import SCHEMES, split_source
from edgehands.errors import DeviceError, EdgeHandsError
from edgehands.redaction import redacted

if TYPE_CHECKING:
    from edgehands.isolated import Watch

_SECONDS = 10.0
_SEARCHED = ("csi", "argus", "gstreamer", "rtsp", "rtsps", "http", "https")
"""Kinds whose module has a function `find`."""


def find_source(source: str) -> str:
    """Return what there is of a camera, in words; "" where nothing can be told.

    Raises:
        EdgeHandsError: it cannot be opened, and why.
    """
    scheme, address = split_source(source)
    if scheme in {"file", "loop"}:
        from edgehands.cameras.file import check_readable

        check_readable(Path(address).expanduser())
    elif scheme == "images":
        from edgehands.cameras.images import find_images

        find_images(address)
    return _found(source) if scheme in _SEARCHED else ""


def _found(source: str) -> str:
    shown = redacted(source)
    try:
        ending = isolated.run("edgehands.doctor.sources:work", source.encode(), _SECONDS)
    except OSError as error:
        raise DeviceError(f"{shown} cannot be looked for in another process: {error}") from error
    if ending.how == "answered":
        return ending.answer.decode()
    raise ending.error or DeviceError(f"{shown}, looked for in another process, {ending.message}")


def work(job: bytes, watch: Watch) -> bytes:
    """Look for a camera: the other process's side.

    Raises:
        EdgeHandsError: as `find_source`.
    """
    scheme, address = split_source(job.decode())
    watch(f"looking for a {scheme} camera")
    try:
        return str(importlib.import_module(SCHEMES[scheme]).find(address)).encode()
    except EdgeHandsError:
        raise
    except Exception as error:  # a library's own, whatever that is
        said = redacted(" ".join(str(error).split()))
        raise DeviceError(f"{scheme}: its library fails: {said}") from error

"""Cameras by name: a device, a video file, images or a synthetic scene, all behind one `Camera`.

========================  ================================================================
``/dev/video0``, ``0``    a USB camera by device node or by index
``usb:C920``              a USB camera by its name in /dev/v4l/by-id or a unique part of it
``clip.mp4``              a video file; ``file:clip.mp4`` is the same
``photos/``, ``a*.png``   a folder, a glob or one file of images; so is ``images:photos/``
``loop:clip.mp4``         a video file over and over, at the pace of a live camera
``synthetic:``            drawn hands, at the pace of a live camera
========================  ================================================================

Importing this package loads no OpenCV; opening a camera does.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Protocol, cast

from edgehands.cameras.base import Camera
from edgehands.errors import UsageError, did_you_mean
from edgehands.redaction import has_url_password, host_of, redacted

__all__ = ["IMAGE_SUFFIXES", "SCHEMES", "Camera", "exists", "open_camera", "split_source"]

SCHEMES: dict[str, str] = {
    "usb": "edgehands.cameras.usb",
    "file": "edgehands.cameras.file",
    "images": "edgehands.cameras.images",
    "loop": "edgehands.cameras.loop",
    "synthetic": "edgehands.cameras.synthetic",
}
"""Kind of camera → the module that opens it, imported only when it is asked for."""

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".webp"})
"""What makes a file an image, in lower case."""

_EXPLICIT_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_GLOB = re.compile(r"[*?[]")


class CameraModule(Protocol):
    """What a module of `SCHEMES` must have."""

    def open_camera(
        self, address: str, *, width: int | None, height: int | None, fps: float | None
    ) -> Camera:
        """Open what `split_source` found in the source."""


def open_camera(
    source: str, *, width: int | None = None, height: int | None = None, fps: float | None = None
) -> Camera:
    """Open the camera that `source` names; the table at the top of this module has the forms.

    Args:
        source: which camera.
        width: pixels asked of a live camera, which may give another size; a file has its own.
        height: as `width`.
        fps: frames per second asked of a live camera; the rate of images (1 unless given) and of
            a video that carries no times.

    Raises:
        UsageError: `source` or a number cannot mean anything.
        InputError: a file that is missing, unreadable or without a frame.
        DeviceError: a device that is missing, busy, forbidden or no camera.
        RuntimeMissingError: OpenCV is not installed.
    """
    for name, value in (("width", width), ("height", height), ("fps", fps)):
        if value is not None and not value > 0:
            shown = redacted(source)
            raise UsageError(f"{name} of camera {shown!r} must be above 0, not {value}")
    scheme, address = split_source(source)
    module = cast("CameraModule", importlib.import_module(SCHEMES[scheme]))
    camera = module.open_camera(address, width=width, height=height, fps=fps)
    camera.source = source
    return camera


def split_source(source: str) -> tuple[str, str]:
    """Return the kind of camera, a key of `SCHEMES`, and the address that its module opens.

    Raises:
        UsageError: nothing named, an unknown kind, or a password, which is then not repeated.
    """
    if has_url_password(source):
        raise UsageError(f"a password in the URL of {host_of(source)}: everybody could read it")
    if source.isascii() and source.isdigit():
        return "usb", f"/dev/video{int(source)}"
    # /dev/shm holds ordinary files: a clip in memory is a clip.
    if source.startswith("/dev/") and not source.startswith("/dev/shm/"):  # noqa: S108
        return "usb", source
    scheme, address = _explicit_scheme(source)
    if not address.strip() and scheme in {"file", "images", "loop"}:
        raise UsageError(
            f"camera {source!r} names nothing: give /dev/video0, usb:NAME, a video file, "
            "a folder of images or synthetic:"
        )
    if scheme != "file":
        return scheme, address
    address = address.removeprefix("//")  # file:///clip.mp4
    return ("images" if _is_images(address) else "file"), address


def _explicit_scheme(source: str) -> tuple[str, str]:
    """Split off a known scheme; a path without one, or that exists as it stands, is a file."""
    match = _EXPLICIT_SCHEME.fullmatch(source)
    if match is None or exists(Path(source)):
        return "file", source
    scheme, address = match[1].lower(), match[2]
    if scheme not in SCHEMES:
        raise UsageError(
            f"no camera kind {scheme!r} in {redacted(source)!r}: {did_you_mean(scheme, SCHEMES)}"
            f"choose {', '.join(SCHEMES)}, or give a path"
        )
    return scheme, address


def _is_images(address: str) -> bool:
    path = Path(address).expanduser()
    if exists(path):
        return path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES
    return _GLOB.search(address) is not None or path.suffix.lower() in IMAGE_SUFFIXES


def exists(path: Path) -> bool:
    """Whether there is such a path; why one cannot be looked at is said when it is opened."""
    try:
        return path.exists()
    except OSError:
        return False

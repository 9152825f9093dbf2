"""Cameras by name: a device, a video file, images or a synthetic scene, all behind one `Camera`.

============================  ============================================================
``/dev/video0``, ``0``        a USB camera by device node or by index
``usb:C920``                  a USB camera by its name in /dev/v4l/by-id, or in by-path, or
                              a unique part of it
``csi:``, ``csi:1``           a Raspberry Pi's ribbon camera, through picamera2
``argus:``, ``argus:1``       a Jetson's ribbon camera, through nvarguscamerasrc
``gstreamer:PIPELINE``        any GStreamer pipeline without its sink
``rtsp://user@host/path``     a network camera; rtsps too. The password is given apart
``http://user@host/path``     a stream of JPEGs, or any that FFmpeg reads; https too
``clip.mp4``                  a video file; ``file:clip.mp4`` is the same
``photos/``, ``a*.png``       a folder, a glob or one file of images; so is ``images:photos/``
``loop:clip.mp4``             a video file over and over, at the pace of a live camera
``synthetic:``                drawn hands, at the pace of a live camera
``test:?stall=30@10``         a moving pattern that fails: no frames for 30 s, after 10 s
============================  ============================================================

`test:` knows the faults stall, freeze, dark, garbage, resize, slow, unplug, hang and crash (see
`edgehands.cameras.faults.FAULTS`), any number of them, each as NAME=SECONDS@START; ``every=120``
lets them all come again every 120 s, ``clip=walk.mp4`` shows a video instead of the pattern
(``clip=demo`` the one that comes with this package) and ``seed=3`` is another noise.

Importing this package loads no OpenCV; opening a camera does.
"""

from __future__ import annotations

import importlib
import re
import time
from pathlib import Path
from typing import Protocol, cast

from edgehands.cameras.base import Camera
from edgehands.cameras.faults import parse
from edgehands.cameras.passwords import takes_password, with_password
from edgehands.errors import UsageError, did_you_mean
from edgehands.redaction import has_url_password, host_of, redacted

__all__ = [
    "IMAGE_SUFFIXES",
    "LIVE",
    "SCHEMES",
    "Camera",
    "exists",
    "open_camera",
    "open_steady_camera",
    "split_source",
    "takes_password",
]

SCHEMES: dict[str, str] = {
    "usb": "edgehands.cameras.usb",
    "csi": "edgehands.cameras.csi",
    "argus": "edgehands.cameras.argus",
    "gstreamer": "edgehands.cameras.gstreamer",
    "rtsp": "edgehands.cameras.stream",
    "rtsps": "edgehands.cameras.stream",
    "http": "edgehands.cameras.stream",
    "https": "edgehands.cameras.stream",
    "file": "edgehands.cameras.file",
    "images": "edgehands.cameras.images",
    "loop": "edgehands.cameras.loop",
    "synthetic": "edgehands.cameras.synthetic",
    "test": "edgehands.cameras.faulty",
}
"""Kind of camera → the module that opens it, imported only when it is asked for."""

LIVE = frozenset(SCHEMES) - {"file", "images"}
"""Kinds that have a pace of their own."""

_URLS = frozenset({"rtsp", "rtsps", "http", "https"})
"""Kinds whose address is the whole source."""

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
    source: str,
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    password: str | None = None,
) -> Camera:
    """Open the camera that `source` names; the table at the top of this module has the forms.

    Args:
        source: which camera.
        width: pixels asked of a live camera, which may give another size; a file has its own.
        height: as `width`.
        fps: frames per second asked of a live camera; the rate of images (1 unless given) and of
            a video that carries no times.
        password: of the user in the URL, or for the {password} in `source`.

    Raises:
        UsageError: `source`, a number or the password cannot mean anything.
        InputError: a file that is missing, unreadable or without a frame.
        DeviceError: a device that is missing, busy, forbidden or no camera.
        RuntimeMissingError: OpenCV, or what else this kind of camera needs, is not installed.
    """
    scheme, address = _checked(source, width, height, fps, password)
    module = cast("CameraModule", importlib.import_module(SCHEMES[scheme]))
    camera = module.open_camera(
        with_password(address, password), width=width, height=height, fps=fps
    )
    camera.source = source
    return camera


def open_steady_camera(
    source: str,
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    password: str | None = None,
) -> Camera:
    """Open a camera that mends itself, for a service: a live one never fails for being away.

    It is captured in a process of its own, waited for while its device or stream is gone, and its
    `state` and `reason` say how it is doing. The calling thread must be the one that takes the
    frames. Files and images are opened as by `open_camera`, which has the arguments.

    Raises:
        UsageError: as `open_camera`.
        EdgeHandsError: as `open_camera`, for files and images.
    """
    scheme, address = _checked(source, width, height, fps, password)
    if scheme not in LIVE:
        return open_camera(source, width=width, height=height, fps=fps)
    from edgehands.cameras.messages import Open
    from edgehands.cameras.steady import SteadyCamera

    opened = source
    if scheme == "test":  # its time goes on while it is opened again
        opened += f"{'&' if address else ''}start={time.monotonic()}"
    camera = SteadyCamera(Open(opened, width, height, fps, password), scheme, address)
    camera.source = source
    return camera


def _checked(
    source: str, width: int | None, height: int | None, fps: float | None, password: str | None
) -> tuple[str, str]:
    """Refuse what cannot mean anything; return what `split_source` does."""
    for name, value in (("width", width), ("height", height), ("fps", fps)):
        if value is not None and not value > 0:
            shown = redacted(source)
            raise UsageError(f"{name} of camera {shown!r} must be above 0, not {value}")
    scheme, address = split_source(source)
    with_password(address, password)
    return scheme, address


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
            "a folder of images, rtsp://host/path or synthetic:"
        )
    if scheme == "test":
        parse(address)
    if scheme != "file":
        return scheme, (source if scheme in _URLS else address)
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

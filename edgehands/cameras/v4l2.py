"""Which V4L2 cameras this machine has, and why one of them cannot be used."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterable

DEV = Path("/dev")

_FOLDERS = ("by-id", "by-path")

_VIDIOC_QUERYCAP = 0x80685600
_CAPABILITY = struct.Struct("16s32s32sIII12x")
"""struct v4l2_capability of linux/videodev2.h."""
_CAP_DEVICE_CAPS = 0x80000000
_CAP_VIDEO_CAPTURE = 0x00000001
_CAP_VIDEO_CAPTURE_MPLANE = 0x00001000


@dataclass(frozen=True, slots=True)
class Device:
    """A device node that captures video, or that may and cannot be asked."""

    path: str
    """Such as /dev/video0; it can be another one after the next boot."""
    ids: tuple[str, ...]
    """Its names in /dev/v4l/by-id, which stay."""
    paths: tuple[str, ...] = ()
    """Its names in /dev/v4l/by-path: they stay while it is plugged in there."""

    def __str__(self) -> str:
        return f"{self.path} ({', '.join(self.ids)})" if self.ids else self.path


def find_devices() -> list[Device]:
    """List the cameras of this machine, in the order of their numbers."""
    nodes = [node for node in DEV.glob("video*") if re.fullmatch(r"video\d+", node.name)]
    return [
        Device(str(node), *(_links(folder, node) for folder in _FOLDERS))
        for node in sorted(nodes, key=lambda node: int(node.name[len("video") :]))
        if _may_capture(node)
    ]


def find_device(part: str) -> Device:
    """Return the one camera that has `part` in a name of /dev/v4l/by-id; "" is any one camera.

    Where no such name has it, those of /dev/v4l/by-path count: two cameras of a kind may have the
    same id.

    Raises:
        DeviceError: none or several, with the cameras that are there.
    """
    devices = find_devices()
    exact = [device for device in devices if part in (*device.ids, *device.paths)]
    by_id = [device for device in devices if not part or _has(part, device.ids)]
    found = exact or by_id or [device for device in devices if _has(part, device.paths)]
    if len(found) == 1:
        return found[0]
    if found:
        raise DeviceError(
            f"{len(found)} cameras match 'usb:{part}', give more of the name: "
            f"{', '.join(map(str, found))}"
        )
    raise DeviceError(f"no camera matches 'usb:{part}'; {cameras_here()}")


def is_absent(address: str) -> bool:
    """Whether there is no such device, by path or by a part of its name; asks no driver."""
    if "/" in address:
        return not Path(address).exists()
    if not address:
        return not any(DEV.glob("video*"))
    links = [link.name for folder in _FOLDERS for link in (DEV / "v4l" / folder).glob("*")]
    return not any(address.lower() in link.lower() for link in links)


def cameras_here() -> str:
    """Say which cameras there are, for the end of an error message."""
    devices = find_devices()
    if not devices:
        return "no camera here: is it plugged in? look at: ls -l /dev/video*"
    return f"cameras here: {', '.join(map(str, devices))}"


def check_device(path: str) -> None:
    """Open the device and ask what it is.

    Raises:
        DeviceError: it is absent, forbidden, busy or no camera.
    """
    try:
        capabilities = _capabilities(path)
    except OSError as error:
        raise DeviceError(_reason(path, error)) from error
    if not capabilities & (_CAP_VIDEO_CAPTURE | _CAP_VIDEO_CAPTURE_MPLANE):
        raise DeviceError(f"{path} captures no video (its metadata?); {cameras_here()}")


def _reason(path: str, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return f"{path} does not exist; {cameras_here()}"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return (
            f"{path}: permission denied; cameras belong to the group video: "
            "sudo usermod -aG video $USER, then log in again"
        )
    if error.errno == errno.EBUSY:
        return f"{path} is used by another program; see which: fuser -v {path}"
    if error.errno in {errno.ENOTTY, errno.EINVAL, errno.EISDIR}:
        return f"{path} is not a V4L2 camera; {cameras_here()}"
    return f"{path} does not answer ({error.strerror}): unplug it and plug it in again"


def _capabilities(path: str) -> int:
    """Return the V4L2 capability bits of a device node; an OSError says why there are none."""
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        answer = fcntl.ioctl(descriptor, _VIDIOC_QUERYCAP, bytes(_CAPABILITY.size))
    finally:
        os.close(descriptor)
    *_, of_driver, of_device = _CAPABILITY.unpack(answer)
    return int(of_device if of_driver & _CAP_DEVICE_CAPS else of_driver)


def _may_capture(node: Path) -> bool:
    try:
        bits = _capabilities(str(node))
    except OSError as error:
        # A node that is forbidden or busy is a camera all the same, and the answer to "which?".
        return error.errno in {errno.EACCES, errno.EPERM, errno.EBUSY}
    return bool(bits & (_CAP_VIDEO_CAPTURE | _CAP_VIDEO_CAPTURE_MPLANE))


def _has(part: str, names: Iterable[str]) -> bool:
    return any(part.lower() in name.lower() for name in names)


def _links(folder: str, node: Path) -> tuple[str, ...]:
    links = sorted((DEV / "v4l" / folder).glob("*"))
    return tuple(link.name for link in links if link.resolve() == node.resolve())

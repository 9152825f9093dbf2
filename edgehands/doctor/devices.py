"""Cameras and accelerators: is one there, and may this user have it?"""

from __future__ import annotations

import grp
from typing import TYPE_CHECKING

from edgehands.cameras import exists, split_source
from edgehands.cameras.v4l2 import find_device
from edgehands.doctor.findings import Finding
from edgehands.errors import ConfigError, DeviceError, EdgeHandsError, UsageError
from edgehands.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgehands.doctor.findings import Machine

_CORAL_USB = {("1a6e", "089a"), ("18d1", "9302")}  # before and after its firmware is loaded
_CORAL_PCI = ("0x1ac1", "0x089a")
_UDEV_RULE = (
    'SUBSYSTEM=="usb", ATTRS{idVendor}=="1a6e|18d1", ATTRS{idProduct}=="089a|9302", '
    'MODE="0660", GROUP="plugdev"'
)


def check_cameras(machine: Machine, sources: Sequence[str] = ()) -> list[Finding]:
    """Cameras of this machine; those that the config names must work."""
    searched = [_search(machine, source) for source in sources]
    if problems := [found for found in searched if isinstance(found, Finding)]:
        return problems
    if heap := _dma_heap(machine, sources):
        return [heap]
    devices = machine.cameras()
    forbidden = [each for each in devices if not machine.may_use(machine.root / each.path[1:])]
    if forbidden:
        return [
            _forbidden(machine, "cameras", machine.root / each.path[1:], f"the camera {each}")
            for each in forbidden
        ]
    told = [found for found in searched if isinstance(found, str) and found]
    if devices or told:
        return [Finding("cameras", "ok", ", ".join([*map(str, devices), *told]))]
    return [
        Finding(
            "cameras",
            "warning",
            "no camera found",
            "only files and synthetic: can be a source",
            "plug one in, then look: ls -l /dev/video*",
        )
    ]


def _search(machine: Machine, source: str) -> Finding | str:
    """Say in words what there is of a camera of the config, or what keeps it from opening."""
    shown = redacted(source)
    try:
        scheme, address = split_source(source)
        if scheme == "usb":
            path = address if address.startswith("/dev/") else find_device(address).path
            machine.check_camera(path)
            return ""  # it is among those of the machine
        return machine.find_source(source) or shown
    except EdgeHandsError as error:
        kind = ConfigError if isinstance(error, UsageError) else DeviceError
        return Finding(
            "cameras",
            "error",
            f"the config's camera {shown!r}: {error}",
            "`edgehands run` with this config has nothing to look at",
            exit_code=kind.exit_code,
        )


def _dma_heap(machine: Machine, sources: Sequence[str]) -> Finding | None:
    """Say what keeps libcamera, and with it a CSI camera, from its memory."""
    heaps = machine.paths("dev/dma_heap/*")
    is_asked_for = any(source.startswith("csi:") for source in sources)
    is_board = "Raspberry Pi" in (machine.read("proc/device-tree/model") or "")
    if not heaps and (is_asked_for or (is_board and machine.paths("dev/media*"))):
        return Finding(
            "cameras",
            "warning",
            "there is no /dev/dma_heap",
            "a CSI camera gets no memory for its pictures; in a container it was not passed on",
            "docker run --device /dev/dma_heap …, or outside of a container: take the board's own "
            "kernel",
        )
    if not heaps or not (is_asked_for or is_board) or any(map(machine.may_use, heaps)):
        return None
    return _forbidden(machine, "cameras", heaps[0], "the memory of CSI cameras")


def check_accelerators(machine: Machine) -> list[Finding]:
    """GPUs and Corals."""
    found: list[str] = []
    problems: list[Finding] = []
    nodes = [(path, "the GPU") for path in machine.paths("dev/dri/renderD*")]
    nodes += [(path, "the Coral") for path in machine.paths("dev/apex_*")]
    nodes += [(path, "the USB Coral") for path in _usb_corals(machine)]
    for path, name in nodes:
        if not exists(path):
            problems.append(_no_node(machine, path, name))
        elif machine.may_use(path):
            found.append(f"{name.removeprefix('the ')} {machine.shown(path)}")
        else:
            problems.append(
                _forbidden(machine, "accelerators", path, f"{name} {machine.shown(path)}")
            )
    if _has_pci_coral(machine) and not machine.paths("dev/apex_*"):
        problems.append(
            Finding(
                "accelerators",
                "warning",
                "a PCIe Coral is built in and there is no /dev/apex_0",
                "its driver is not loaded: the backend coral finds no device",
                "install the .deb of https://github.com/feranick/gasket-driver/releases, then: "
                "sudo modprobe apex",
            )
        )
    if problems:
        return problems
    return (
        [Finding("accelerators", "ok", ", ".join(found))]
        if found
        else [Finding("accelerators", "off", "no GPU and no Coral: models run on the CPU")]
    )


def _no_node(machine: Machine, path: Path, name: str) -> Finding:
    return Finding(
        "accelerators",
        "warning",
        f"{name} has no device node {machine.shown(path)}",
        "it is plugged in, and programs cannot reach it; in a container it was not passed on",
        "docker run --device /dev/bus/usb …, or outside of a container: sudo udevadm trigger",
    )


def _forbidden(machine: Machine, check: str, path: Path, name: str) -> Finding:
    group = _group(path)
    mend = f"sudo usermod -aG {group} $USER, then log in again"
    if "usb" in path.parts and group == "root":  # no rule gave it to anybody else
        mend = (
            f"echo '{_UDEV_RULE}' | sudo tee /etc/udev/rules.d/60-edgetpu.rules && "
            "sudo udevadm control --reload && sudo udevadm trigger; "
            "sudo usermod -aG plugdev $USER, then log in again"
        )
    return Finding(
        check,
        "warning",
        f"{name} belongs to the group {group}, and this user is not allowed to use it",
        f"it is there and cannot be opened: {machine.shown(path)}: permission denied",
        mend,
    )


def _group(path: Path) -> str:
    try:
        number = path.stat().st_gid
    except OSError:
        return "video"
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:  # as in a container, whose /etc/group is another
        return str(number)


def _usb_corals(machine: Machine) -> list[Path]:
    """Return the device nodes that USB Corals have, or should have."""
    nodes = []
    for folder in machine.paths("sys/bus/usb/devices/*"):
        ids = (machine.read(folder / "idVendor"), machine.read(folder / "idProduct"))
        bus, number = machine.read(folder / "busnum"), machine.read(folder / "devnum")
        if ids in _CORAL_USB and bus and number:
            nodes.append(machine.root / f"dev/bus/usb/{bus:>03}/{number:>03}")
    return nodes


def _has_pci_coral(machine: Machine) -> bool:
    return any(
        (machine.read(folder / "vendor"), machine.read(folder / "device")) == _CORAL_PCI
        for folder in machine.paths("sys/bus/pci/devices/*")
    )

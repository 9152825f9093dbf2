"""Coral Edge TPU: Google's accelerator on USB, PCIe or M.2, through libedgetpu as a delegate.

Untested on hardware: what could be tried without an Edge TPU was, with a stand-in for libedgetpu.

Google's pycoral is not needed (its `make_interpreter` wraps the same two calls), and `pip install
pycoral` fetches an unrelated project. libedgetpu must be of the runtime's age: the one in Google's
frozen apt repository crashes with any runtime of today, which is why the first session on a device
is tried in another process. The model must be compiled for the Edge TPU; whatever part of it could
not be runs on the CPU, and a whole model can, by the setting `palm_backend`.
"""

from __future__ import annotations

import atexit
import ctypes
import re
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from edgehands import probe
from edgehands.backends import tflite
from edgehands.errors import DeviceError, ModelError, RuntimeMissingError, UsageError
from edgehands.inference import Description
from edgehands.selection import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.inference import ModelFile, Session

_LIBRARY = "libedgetpu.so.1"
_OPTIONS = ("library",)
_DEVICES = re.compile(r"(usb|pci)?(:\d+)?")
_CUSTOM_OP = b"edgetpu-custom-op"
"""Its name stands in a compiled file in clear text."""

_USB_DEVICES = Path("/sys/bus/usb/devices")
_USB_IDS = {"1a6e:089a", "18d1:9302"}  # before and after its firmware is loaded
_PCI_NODES = Path("/dev")


def open_session(
    model: ModelFile,
    *,
    batch: int = 1,
    device: str | None = None,
    threads: int,
    options: Mapping[str, str],
) -> Session:
    """Open a compiled `model` on a device: usb, usb:N, pci, pci:N, :N, or the first one found.

    Options:
        library: libedgetpu by path or by a name that the loader finds.
    """
    if not _DEVICES.fullmatch(device or ""):
        raise UsageError(f"backend coral has no device {device!r}: say usb, usb:0, pci:0 or :0")
    for key in options:
        if key not in _OPTIONS:
            raise UsageError(f"backend coral has no option {key!r}: choose {', '.join(_OPTIONS)}")
    library = options.get("library", _LIBRARY)
    _check_library(library)
    if _CUSTOM_OP not in model.data:
        raise ModelError(
            f"{model.id} ({model.path}) is not compiled for the Edge TPU: "
            "run `edgehands models build edgetpu`"
        )
    # By device, not by model: once this process has the device, no other can open it.
    probe.ensure(
        "coral",
        model,
        batch=batch,
        device=device,
        threads=threads,
        options=options,
        tolerance=None,
        key=(library, device),
    )
    try:
        delegate = tflite.load_delegate(library, {"device": device} if device else {})
    except DeviceError as error:
        raise DeviceError(
            f"no Edge TPU {device or 'found'} ({'; '.join(_present()) or 'none on USB or PCIe'}), "
            f"or no right to use it: be in the group plugdev (USB) or apex (PCIe) ({error})"
        ) from error
    return CoralSession(model, batch, threads, delegate, device)


class CoralSession(tflite.TfliteSession):
    """An interpreter whose delegate is the Edge TPU."""

    def __init__(
        self,
        model: ModelFile,
        batch: int,
        threads: int,
        delegate: tflite.Delegate,
        device: str | None,
    ) -> None:
        super().__init__(model, batch, threads, delegate)
        self._device = device
        _open_sessions.add(self)

    def describe(self) -> Description:
        runtime = super().describe()
        device = f"Edge TPU {self._device or '(the first)'}"
        return Description("coral", runtime.runtime, runtime.version, device, "int8")


_open_sessions: WeakSet[CoralSession] = WeakSet()


@atexit.register
def _close_all() -> None:
    # The interpreter must go before its delegate. It sees to that itself, but not any more when
    # Python takes its modules apart.
    for session in list(_open_sessions):
        session.close()


def _check_library(library: str) -> None:
    # Loading it is harmless: it is what a delegate of another ABI does later that kills.
    try:
        ctypes.CDLL(library)
    except OSError as error:
        raise RuntimeMissingError(
            f"no Edge TPU library ({error}): install {BACKENDS['coral'].install} "
            "(Google's own apt package is frozen and crashes with the runtimes of today)"
        ) from error


def _present() -> list[str]:
    """Return the Edge TPUs that the system shows."""
    usb = [
        f"USB {number}"
        for folder in sorted(_USB_DEVICES.glob("*"))
        if (number := _usb_id(folder)) in _USB_IDS
    ]
    return usb + [str(node) for node in sorted(_PCI_NODES.glob("apex_*"))]


def _usb_id(folder: Path) -> str:
    try:
        return ":".join((folder / name).read_text().strip() for name in ("idVendor", "idProduct"))
    except OSError:  # a hub's interface has none
        return ""

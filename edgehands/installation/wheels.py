"""The wheel of what runs now: a service is installed from the EdgeHands that installs it.

It needs neither a network nor build tools, and works from a clone, a venv or pipx alike.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands._version import __version__
from edgehands.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parent.parent
NAME = f"edgehands-{__version__}-py3-none-any.whl"

_INFO = f"edgehands-{__version__}.dist-info"
_WHEEL = "Wheel-Version: 1.0\nGenerator: edgehands\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_KEPT = ("METADATA", "entry_points.txt")
_DATE = (1980, 1, 1, 0, 0, 0)


def pack() -> bytes:
    """Return the wheel; the same files give the same bytes.

    Raises:
        DeviceError: this EdgeHands was never installed, so nothing says what it depends on.
    """
    target = io.BytesIO()
    record = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _files():
            _write(archive, name, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            record.append(f"{name},sha256={digest.decode()},{len(content)}\n")
        _write(archive, f"{_INFO}/RECORD", "".join([*record, f"{_INFO}/RECORD,,\n"]).encode())
    return target.getvalue()


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    info.external_attr = 0o100644 << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, content)


def _files() -> Iterator[tuple[str, bytes]]:
    for path in sorted(_walk(PACKAGE)):
        yield f"edgehands/{path.relative_to(PACKAGE).as_posix()}", path.read_bytes()
    yield f"{_INFO}/WHEEL", _WHEEL.encode()
    try:
        distribution = metadata.distribution("edgehands")
    except metadata.PackageNotFoundError:
        distribution = None
    if distribution is None or distribution.version != __version__:
        raise DeviceError(
            f"this EdgeHands ({PACKAGE}) was not installed by pip: pip install . in its clone, or "
            "name a wheel: edgehands service install --wheel FILE"
        )
    for name in _KEPT:
        if text := distribution.read_text(name):
            yield f"{_INFO}/{name}", text.encode()


def _walk(folder: Path) -> Iterator[Path]:
    """Find every file, through the links of a clone too; nothing that Python left behind."""
    for path in folder.iterdir():
        if path.name == "__pycache__" or path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path

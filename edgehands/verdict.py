"""What `edgehands tune` measured on this device, kept for `auto` to read.

A verdict holds only for the device, the library versions and the model files that it was made
with. The one with this device's fingerprint counts and any other is left alone, so that a memory
card can move between boards. Nothing here opens a model.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Annotated

import msgspec

from edgehands import folders
from edgehands._version import __version__
from edgehands.errors import InputError
from edgehands.selection import ENTRY_POINTS

logger = logging.getLogger(__name__)

SYSTEM_FOLDER = Path("/var/lib/edgehands")
"""The service's state: it cannot see anyone's home."""

_RUNTIMES = ("ai-edge-litert", "tflite-runtime", "onnxruntime", "onnxruntime-gpu", "openvino")
_MAX_BYTES = 1_000_000


class Fingerprint(msgspec.Struct, frozen=True):
    """Everything that can change which backend is the fastest, but the models."""

    cpu: str
    """Board and processor as the kernel names them; "" where /proc hides them."""
    machine: str
    cores: int
    """Those that this process may use."""
    python: str
    edgehands: str
    runtimes: dict[str, str]
    """Versions of the installed runtimes and backend packages."""

    def digest(self) -> str:
        """Return a short name of it, the same on every run."""
        text = msgspec.json.encode(self, order="deterministic")
        return hashlib.sha256(text).hexdigest()[:16]

    def differences(self, other: Fingerprint) -> list[str]:
        """Say in what `other` is not this one, such as "openvino 2026.3.0 → 2026.4.1"."""
        old, new = _flat(self), _flat(other)
        return [
            f"{name} {old.get(name, 'absent')} → {new.get(name, 'absent')}"
            for name in dict.fromkeys([*old, *new])
            if old.get(name) != new.get(name)
        ]


class Choice(msgspec.Struct, frozen=True):
    """The fastest way to run one model here, of those that gave the right outputs."""

    model: str
    sha256: str
    """Of the original model file, which is what counts: an id is only a name."""
    backend: str
    threads: Annotated[int, msgspec.Meta(ge=1, le=256)]
    median_ms: float
    candidates: int
    """How many backends and thread counts were measured."""


class Verdict(msgspec.Struct, frozen=True):
    """The content of a verdict file."""

    fingerprint: Fingerprint
    made: str
    """Date, ISO 8601."""
    choices: tuple[Choice, ...]

    def choice(self, sha256: str) -> Choice | None:
        """Return what was chosen for a model file, if it was measured."""
        return next((each for each in self.choices if each.sha256 == sha256), None)


def search_path() -> tuple[Path, ...]:
    """Return where verdicts are looked for: the user's own state first, then the service's."""
    return tuple(filter(None, (folders.state(), SYSTEM_FOLDER)))


def load() -> Verdict | None:
    """Return this device's verdict, None if there is none that still holds."""
    # Asking for versions costs milliseconds, and most devices have no verdict.
    if not any(_files(folder) for folder in search_path()):
        return None
    name = _name(fingerprint())
    for folder in search_path():
        verdict = _read(folder / name)
        if verdict is not None and verdict.fingerprint == fingerprint():
            return verdict
    return None


def outdated() -> list[str]:
    """Say why the newest verdict here does not hold; empty if one holds or there is none."""
    if load() is not None:
        return []
    files = [file for folder in search_path() for file in _files(folder)]
    found = [verdict for file in files if (verdict := _read(file))]
    if not found:
        return []
    newest = max(found, key=lambda verdict: verdict.made)
    return newest.fingerprint.differences(fingerprint())


def save(verdict: Verdict) -> list[Path]:
    """Write a verdict for this user, and for the service where its folder may be written to.

    Choices of the same fingerprint for other models are kept.

    Raises:
        InputError: it can be written to neither.
    """
    kept = {choice.sha256: choice for choice in (load() or verdict).choices}
    kept |= {choice.sha256: choice for choice in verdict.choices}
    data = msgspec.json.format(
        msgspec.json.encode(msgspec.structs.replace(verdict, choices=tuple(kept.values())))
    )
    written, problems = [], []
    for folder in search_path():
        if folder == SYSTEM_FOLDER and not os.access(folder, os.W_OK):
            continue
        path = folder / _name(verdict.fingerprint)
        try:
            folders.write_whole(path, data, mode=0o644)  # the service is another user
        except OSError as error:
            problems.append(f"{path}: {error.strerror or error}")
        else:
            written.append(path)
    if not written:
        raise InputError(
            f"the verdict cannot be kept ({'; '.join(problems) or 'this user has no home'}): "
            "name a folder in $XDG_STATE_HOME"
        )
    return written


@cache
def fingerprint(root: Path = Path("/")) -> Fingerprint:
    """Describe the device whose /proc lies below `root`, and this Python's packages."""
    return Fingerprint(
        cpu=cpu_name(root),
        machine=platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        python=".".join(platform.python_version_tuple()[:2]),
        edgehands=__version__,
        runtimes=_runtimes(),
    )


def cpu_name(root: Path = Path("/")) -> str:
    """Return board and processor, "" if /proc/cpuinfo cannot be read."""
    try:
        lines = (root / "proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    fields: dict[str, list[str]] = {}
    for line in lines:
        key, _, value = line.partition(":")
        fields.setdefault(key.strip().lower(), []).append(value.strip())
    # ARM has no name there, but two numbers for each core.
    cores = zip(fields.get("cpu implementer", []), fields.get("cpu part", []), strict=False)
    parts = ["/".join(pair) for pair in dict.fromkeys(cores)]
    return ", ".join(dict.fromkeys([*_board(root), *fields.get("model name", [])[:1], *parts]))


def _board(root: Path) -> list[str]:
    try:
        return [(root / "proc/device-tree/model").read_text(errors="replace").strip("\0 \n")]
    except OSError:
        return []


def _runtimes() -> dict[str, str]:
    found = {}
    for name in _RUNTIMES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        if entry.dist is not None:
            found[entry.dist.name] = entry.dist.version
    return found


def _flat(fingerprint: Fingerprint) -> dict[str, str]:
    fields: dict[str, object] = msgspec.to_builtins(fingerprint)
    fields.pop("runtimes")
    return {name: str(value) for name, value in fields.items()} | fingerprint.runtimes


def _name(fingerprint: Fingerprint) -> str:
    return f"tuning-{fingerprint.digest()}.json"


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("tuning-*.json"))
    except OSError:
        return []


def _read(path: Path) -> Verdict | None:
    """Read a verdict; one that is damaged counts as none: measuring again is always possible."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_MAX_BYTES), type=Verdict)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        logger.warning(
            "%s is no verdict (%s): run `edgehands tune` again",
            path,
            error,
            extra={"code": "EH1204"},
        )
        return None

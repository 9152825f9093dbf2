"""Gathers what is known of this machine, one text for each kind of thing."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgehands import config_shown
from edgehands._version import __version__
from edgehands.config_files import load
from edgehands.config_text import read_document
from edgehands.doctor.examination import examine, report
from edgehands.errors import EdgeHandsError
from edgehands.models import store
from edgehands.monitor.asking import find_runs
from edgehands.monitor.systemd import UNIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_JOURNAL_LINES = 1000
_SECONDS = 20
_DEVICES = ("video*", "media*", "dri/*", "dma_heap/*", "apex_*", "v4l/by-id/*")
_FACTS = (
    *("/proc/device-tree/model", "/proc/sys/kernel/osrelease", "/proc/loadavg"),
    "/sys/fs/cgroup/cgroup.controllers",
)
_LIBRARIES = (
    *("numpy", "opencv-python-headless", "opencv-python", "ai-edge-litert", "tflite-runtime"),
    *("onnxruntime", "onnxruntime-gpu", "onnx", "openvino", "msgspec", "paho-mqtt", "typer"),
    *("rich", "aiohttp", "prometheus-client", "picamera2", "PyGObject", "pycoral"),
)


class Item(NamedTuple):
    """One file of the bundle."""

    name: str
    what: str
    """What stands in it, in a few words."""
    content: object
    """A text, or plain values."""
    has_addresses: bool = True
    """Whether to look for addresses in it; version numbers look like some."""

    @property
    def text(self) -> str:
        """What stands in the file."""
        if isinstance(self.content, str):
            return self.content
        return json.dumps(self.content, indent=2, ensure_ascii=False) + "\n"


def gather(config: Path | None) -> Iterator[Item]:
    """Give each text as soon as it is there. What cannot be had says why in its place.

    Args:
        config: the config file, if there is one.
    """
    yield Item("versions.json", "versions of EdgeHands, Python, libraries", _versions(), False)
    yield Item("machine.txt", "board, kernel, memory, temperatures, devices", _machine())
    yield Item("models.txt", "the model files and their hashes", _told(_models))
    if config is not None:
        shown = _told(lambda: _config(config))
        yield Item("config.toml", "the config with its defaults, without passwords", shown)
    yield Item("doctor.json", "what edgehands doctor says", _told(lambda: _doctor(config)))
    yield Item("status.json", "what the running service says", _told(_status))
    yield Item("unit.txt", "the service's unit", _unit())
    what = f"the last {_JOURNAL_LINES} lines of the service's log"
    yield Item("journal.txt", what, _journal())


def _told(gather_one: Callable[[], object]) -> object:
    try:
        return gather_one()
    except EdgeHandsError as error:
        return f"{error}\n"


def _versions() -> dict[str, object]:
    libraries = {}
    for name in _LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            libraries[name] = metadata.version(name)
    return {
        "edgehands": __version__,
        "python": sys.version,
        "system": _line_of(Path("/etc/os-release"), "PRETTY_NAME"),
        "platform": platform.platform(),
        "libraries": libraries,
    }


def _machine() -> str:
    lines = []
    for name in _FACTS:
        lines += [f"== {name}", _read(Path(name)), ""]
    memory = _read(Path("/proc/meminfo")).splitlines()[:5]
    lines += ["== memory", *memory, "", "== processor"]
    cpu = _read(Path("/proc/cpuinfo")).split("\n\n")[0]  # the first core stands for all
    lines += [line for line in cpu.splitlines() if not line.startswith("Serial")]
    lines += ["", "== temperatures, 1/1000 °C"]
    zones = sorted(Path("/sys/class/thermal").glob("thermal_zone*"))
    lines += [f"{_read(zone / 'type')}: {_read(zone / 'temp')}" for zone in zones]
    lines += ["", "== devices"]
    lines += [_device(path) for each in _DEVICES for path in sorted(Path("/dev").glob(each))]
    lines += ["", f"== user {os.geteuid()}, groups {sorted(os.getgroups())}", ""]
    return "\n".join(lines)


def _device(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        return f"{path}: {error.strerror}"
    return f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid} {path}"


def _models() -> str:
    lines = []
    for state in store.check():
        lines.append(f"{state.model.id}: {state.problem or state.status}")
        if state.path:
            lines.append(f"  {_sha256(state.path)} {state.path}")
    return "\n".join((*lines, ""))


def _config(path: Path) -> str:
    shown = config_shown.lines(load(path), read_document(path), origins=True)
    return "\n".join((f"# {path}", *shown, ""))


def _doctor(config: Path | None) -> object:
    return report(list(examine(config)))


def _status() -> object:
    return [run.as_json() for run in find_runs()]


def _unit() -> str:
    shown = ("systemctl", "show", UNIT, "--no-pager")
    return f"{_said('systemctl', 'cat', UNIT, '--no-pager')}\n{_said(*shown)}"


def _journal() -> str:
    count = f"--lines={_JOURNAL_LINES}"
    return _said(
        *("journalctl", f"--unit={UNIT}*", count, "--no-pager", "--no-hostname"),
        "--output=short-iso",
    )


def _said(*command: str) -> str:
    """Return what a command says, or why it says nothing."""
    program = shutil.which(command[0])
    if program is None:
        return f"there is no {command[0]} here\n"
    try:
        answer = subprocess.run(  # noqa: S603
            [program, *command[1:]],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}\n"
    return answer.stdout + answer.stderr


def _line_of(path: Path, key: str) -> str:
    """Return the value of a line KEY="value"."""
    lines = (line.partition("=") for line in _read(path).splitlines())
    return next((value.strip('"') for name, _, value in lines if name == key), "")


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return f"({error.strerror})"


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\0 \n")
    except OSError as error:
        return f"({error.strerror})"

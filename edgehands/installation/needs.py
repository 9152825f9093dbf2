"""What a config needs of the machine: drop-ins of the unit, runtimes, derived model files.

The unit allows what every config needs. What a backend or a camera needs on top is in a drop-in,
and only the drop-ins of this config are installed.
"""

from __future__ import annotations

import grp
import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from edgehands import verdict
from edgehands.cameras import passwords, split_source
from edgehands.doctor.software import needed_models
from edgehands.errors import ConfigError
from edgehands.installation.places import HIDDEN, SHIPPED, UNIT
from edgehands.models import store
from edgehands.mqtt import access
from edgehands.mqtt.settings import MqttConfig
from edgehands.network import is_local, uses_network
from edgehands.selection import AUTO_ORDER, BACKENDS
from edgehands.web import token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.config import Config, TrackerConfig

_NVIDIA_DEVICES = ("cuda", "tensorrt")
_NVIDIA_NODES = (Path("/dev/nvidiactl"), Path("/dev/nvmap"))
_SYSTEM_CAMERAS = {"csi": "csi", "argus": "argus", "gstreamer": "gstreamer"}
"""Kinds of cameras whose library comes from the system, and their drop-ins."""
_ITS_OWN = (Path("/var/lib/edgehands"), Path("/run/credentials"))
"""Where files that are closed to others are the service's."""
_EXTRAS = ("onnxruntime", "openvino")
"""Backends whose runtime is not among what EdgeHands always needs."""


class Runner(NamedTuple):
    """What a model will run on."""

    model: str
    backend: str
    device: str | None


@dataclass(slots=True)
class Needs:
    """What is needed, each with its reason in words."""

    dropins: dict[str, str] = field(default_factory=dict)
    """By name, without .conf."""
    extras: dict[str, str] = field(default_factory=dict)
    """Of the Python package."""
    derived: list[tuple[str, str]] = field(default_factory=list)
    """Model and target of each derived file that would otherwise be built at the first start."""
    system_packages: str = ""
    """Why the environment must see the system's packages; "" if it need not."""


def needs(config: Config) -> Needs:
    """Return what a config needs.

    Raises:
        UsageError: it names a model or camera that there cannot be.
    """
    found = Needs()
    for runner in runners(config.tracker):
        _add_runner(found, runner, config.tracker)
    for camera in config.camera:
        kind, _ = split_source(camera.source)
        if kind in _SYSTEM_CAMERAS:
            found.dropins[_SYSTEM_CAMERAS[kind]] = f"camera {kind}:"
            found.system_packages = f"camera {kind}:"
    if config.metrics.listen:
        found.extras["metrics"] = "[metrics]"
    if config.web.enabled:
        found.extras["web"] = "[web]"
    if any(is_local(output) for output in config.output):
        found.dropins["broker"] = "a broker on a unix socket"
    if not uses_network(config):
        found.dropins["no-network"] = "neither a camera nor an output needs a network"
    return found


def runners(tracker: TrackerConfig) -> tuple[Runner, Runner]:
    """Return what the landmark and the palm model will run on, as `auto` decides it."""
    landmarks, palm = needed_models(tracker)
    backend, device = tracker.backend, tracker.device
    palm_backend = tracker.palm_backend
    return (
        Runner(landmarks, _chosen(backend, landmarks, tracker), device),
        Runner(
            palm,
            _chosen(palm_backend or backend, palm, tracker),
            tracker.palm_device if palm_backend else device,
        ),
    )


def check_visible(config: Config) -> None:
    """Refuse a config that names a file which the service, in its sandbox, cannot read.

    Raises:
        ConfigError: the first such file, and where to put it.
    """
    for key, value, credential in _secret_files(config):
        if why := _why_unreadable(Path(value)):
            raise ConfigError(
                f"{key} = {value!r}: the service {why}; put it into /etc/edgehands/{credential}, "
                f"chmod 600, and take {key} out: systemd hands it over"
            )
    for key, value in _texts(msgspec.to_builtins(config)):
        if _is_hidden(Path(value)):
            raise ConfigError(
                f"{key} = {value!r}: the service cannot see homes; put it into /etc/edgehands or "
                "/var/lib/edgehands"
            )


def _secret_files(config: Config) -> Iterator[tuple[str, str, str]]:
    """Find every file with a secret: what names it, its path, and the unit's credential."""
    for output in config.output:
        if isinstance(output, MqttConfig) and output.password_file:
            yield "password_file", output.password_file, access.CREDENTIAL
        if isinstance(output, MqttConfig) and output.key_file:
            yield "key_file", output.key_file, access.KEY_CREDENTIAL
    for camera in config.camera:
        if camera.password_file:
            yield "password_file", camera.password_file, passwords.CREDENTIAL
    if config.web.token_file:
        yield "token_file", config.web.token_file, token.CREDENTIAL


def _why_unreadable(path: Path) -> str:
    """Say why the service, which is a user of its own, cannot read a secret; "" if it can."""
    if _is_hidden(path):
        return "cannot see homes"
    if any(path.is_relative_to(folder) for folder in _ITS_OWN):
        return ""
    with suppress(OSError):  # what is not there yet is said when it is wanted
        if not path.stat().st_mode & stat.S_IROTH:
            return "cannot read it, closed to others as it should be"
    return ""


def _is_hidden(path: Path) -> bool:
    return path.is_absolute() and any(path.is_relative_to(folder) for folder in HIDDEN)


def _texts(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Find every text in a config's tables, with its key."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(each, str(name))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, key)


def dropin_text(name: str) -> str:
    """Return a drop-in as this machine can take it: a group that it lacks would stop the unit."""
    path = SHIPPED / f"{UNIT}.d" / f"{name}.conf"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not _names_unknown_group(line))


def _names_unknown_group(line: str) -> bool:
    found = re.match(r"SupplementaryGroups=(\w+)", line)
    if found is None:
        return False
    try:
        grp.getgrnam(found[1])
    except KeyError:
        return True
    return False


def _chosen(backend: str, model: str, tracker: TrackerConfig) -> str:
    """Return the backend itself, or what `auto` will take for a model."""
    if backend != "auto":
        return backend
    kept = verdict.load()
    if kept is not None and tracker.device is None:
        # By its id: the file may not be here yet.
        catalog = store.whole_catalog(tracker.models).get(model)
        for sha256 in catalog.sha256:
            if choice := kept.choice(sha256):
                return choice.backend
    return AUTO_ORDER[0]


def _add_runner(found: Needs, runner: Runner, tracker: TrackerConfig) -> None:
    why = f"{runner.model} runs on {runner.backend}"
    entry = BACKENDS.get(runner.backend)
    if runner.backend in _EXTRAS:
        found.extras[runner.backend] = why
    if runner.backend == "coral":
        found.dropins["coral"] = why
    if entry and entry.compiles:
        found.dropins["compiler"] = why
    if runner.backend == "litert-gpu" or (
        runner.backend == "openvino" and (runner.device or "CPU").upper() != "CPU"
    ):
        found.dropins["gpu"] = why
    if _is_nvidia(runner):
        found.dropins["nvidia"] = why
        found.system_packages = found.system_packages or why
    if target := _derived(runner, tracker):
        found.derived.append((runner.model, target))


def _is_nvidia(runner: Runner) -> bool:
    if runner.backend == "onnxruntime":
        return (runner.device or "").lower().removesuffix("executionprovider") in _NVIDIA_DEVICES
    return runner.backend == "litert-gpu" and any(node.exists() for node in _NVIDIA_NODES)


def _derived(runner: Runner, tracker: TrackerConfig) -> str | None:
    """Return the target that the backend reads instead of the original, if any."""
    entry = BACKENDS.get(runner.backend)
    if entry is None:
        return None
    if tracker.precision == "int8" or entry.only_int8:
        return entry.int8
    if entry.format != "tflite":
        return entry.format
    silent = store.whole_catalog(tracker.models).get(runner.model).silent_channels
    return "pruned" if entry.pruned and silent else None

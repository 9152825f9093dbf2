"""The config file: one TOML file for cameras, outputs, the tracker and the gestures.

Everything wrong in a file is reported at once, each mistake on a line of its own that begins with
`file:line:column:`, as compilers do, so that editors can jump there.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from edgehands.cameras import split_source, takes_password
from edgehands.cameras.passwords import VARIABLE
from edgehands.config_secrets import without_secrets
from edgehands.config_text import Document, read_document
from edgehands.drawing import Style  # noqa: TC001 (msgspec reads it at run time)
from edgehands.errors import ConfigError, UsageError, did_you_mean
from edgehands.gestures.definitions import definition_mistakes
from edgehands.gestures.learned.store import learned_names
from edgehands.gestures.vocabulary import Pose  # noqa: TC001 (msgspec reads it at run time)
from edgehands.models import store
from edgehands.monitor.settings import MetricsConfig, check_listen
from edgehands.mqtt.broker import parse_url
from edgehands.mqtt.settings import MqttConfig
from edgehands.outputs.files import DRAWINGS, PICTURES, check_suffix
from edgehands.schema import KeyPath, Problem, find_problems
from edgehands.selection import backend_names
from edgehands.settings import (
    EventSettings,
    GestureRules,
    Positive,
    Text,
    TopicName,
    TrackerSettings,
    Zone,
    zone_mistake,
)
from edgehands.web_settings import WebConfig, parse_address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

SAMPLE = Path(__file__).parent / "systemd" / "edgehands.toml"
"""The commented config file to start from."""

Pixels = Annotated[int, Meta(ge=16, le=16384)]
Count = Annotated[int, Meta(ge=1)]
MOST_MASKS = 16
"""Of one camera."""

PLACEHOLDER = "{camera}"
"""Stands for a camera's name in the path of an output: each camera writes a file of its own."""

StructT = TypeVar("StructT", bound=msgspec.Struct)


class CameraConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One [[camera]]."""

    source: Text
    """Which camera, as `edgehands.cameras.open_camera` takes it."""
    name: TopicName = "camera"
    """Its name in events and topics."""
    width: Pixels | None = None
    """Pixels asked of a live camera; None takes what it gives."""
    height: Pixels | None = None
    """Pixels asked of a live camera; None takes what it gives."""
    fps: Annotated[float, Meta(gt=0.0, le=1000.0)] | None = None
    """Frames per second asked of a live camera; the rate of images."""
    frames: Count | None = None
    """Stop after so many frames; None goes on until the camera ends."""
    password_file: Text | None = None
    """File with the password of a network camera, not readable by all; None takes it from the
    environment variable, else from the systemd credential camera-password-NAME or
    camera-password."""
    password_variable: Text = VARIABLE
    """The environment variable with the password."""
    masks: Annotated[tuple[Zone, ...], Meta(max_length=MOST_MASKS)] = ()
    """Private parts of the picture, each [left, top, right, bottom] as shares of its width and
    height: black before anything looks at it."""


class TrackerConfig(TrackerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table [tracker]: every number of the tracker, and what it runs on."""

    model: Text = "full"
    """Landmark model by id: light, full or heavy."""
    backend: Text = "auto"
    """What runs the models; auto takes the first that works."""
    threads: Annotated[int, Meta(ge=1, le=256)] | None = None
    """Threads of a session; None takes the cores of the machine, 4 at most."""
    max_hands: Annotated[int, Meta(ge=1, le=8)] = 2
    """How many hands to report at most."""
    mirrored: bool = False
    """The images are mirrored, as in a selfie: sides are swapped back."""
    static: bool = False
    """Each image stands alone: detect in every one, keep nothing."""
    smoothing: bool = True
    """Steady the landmarks with a One Euro filter."""


class ServiceConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table [service]: what a run does that nobody watches."""

    wait_for_cameras: bool | None = None
    """Wait for a camera that is missing or lost, rather than end; None waits under a service
    manager."""
    max_temperature: Annotated[float, Meta(ge=20.0, le=150.0)] = 80.0
    """°C of the hottest thermal zone from which on fewer frames are looked at."""
    cooling: Positive = 5.0
    """°C below max_temperature at which it is more frames again."""
    max_load: Positive = 1.0
    """Share of the time that frames may be worked on: above it, fewer are looked at."""
    min_fps: Positive = 5.0
    """Frames a second that neither heat nor load goes below."""
    memory_limit: Annotated[int, Meta(ge=32)] | None = None
    """MB of memory: at nine tenths the run ends, to be started anew. None takes the limit of the
    control group or, if the kernel keeps none, the one that the unit names."""


class _Output(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"
):
    """What all kinds of [[output]] have."""


class StdoutConfig(_Output, frozen=True, kw_only=True, tag="stdout"):
    """Events as JSON lines on standard output."""


class LandmarksConfig(_Output, frozen=True, kw_only=True, tag="landmarks"):
    """All hands of every frame, one JSON line a frame."""

    path: Text
    """The file to write, relative to the working directory."""


class RecordingConfig(_Output, frozen=True, kw_only=True, tag="recording"):
    """Landmarks and events of every frame, to be replayed."""

    path: Text
    """The file to write, relative to the working directory; an older one is replaced."""


class VideoConfig(_Output, frozen=True, kw_only=True, tag="video"):
    """A video with the hands drawn in."""

    path: Text
    """The file to write, relative to the working directory."""
    style: Style = "depth"
    """How hands are drawn: depth, fingers, neon, or privacy, which leaves the picture out."""


class ContactSheetConfig(_Output, frozen=True, kw_only=True, tag="contact_sheet"):
    """One picture with a tile for each gesture, the hands drawn in."""

    path: Text
    """The image to write, relative to the working directory."""
    columns: Annotated[int, Meta(ge=1, le=32)] = 4
    """Frames side by side."""
    count: Annotated[int, Meta(ge=1, le=1024)] = 12
    """Tiles at most."""
    style: Style = "depth"
    """As for a video."""


OutputConfig: TypeAlias = (
    StdoutConfig | LandmarksConfig | RecordingConfig | VideoConfig | ContactSheetConfig | MqttConfig
)


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole config file. All of it has defaults but a camera's source and an output's type."""

    learned: Text | None = None
    """Folder of gestures learned by example; None takes the usual ones."""
    camera: tuple[CameraConfig, ...] = ()
    output: tuple[OutputConfig, ...] = ()
    tracker: TrackerConfig = TrackerConfig()
    events: EventSettings = EventSettings()
    web: WebConfig = WebConfig()
    service: ServiceConfig = ServiceConfig()
    metrics: MetricsConfig = MetricsConfig()
    pose: dict[str, Pose] = {}
    """Static gestures of one's own, by name."""
    gestures: dict[str, GestureRules] = {}
    """Rules by gesture; a gesture that is not named has the default rules."""


def load_config(path: str | Path, *, known_gestures: Collection[str] | None = None) -> Config:
    """Read and check a config file.

    Args:
        path: the TOML file.
        known_gestures: names that [gestures.…] may have besides the file's own; None takes any.

    Raises:
        ConfigError: the file cannot be read, or every mistake in it, one a line.
    """
    return convert(read_document(path), known_gestures=known_gestures)


def convert(document: Document, *, known_gestures: Collection[str] | None = None) -> Config:
    """Return the config that a file's tables say.

    Raises:
        ConfigError: every mistake in them, one a line.
    """
    tables = document.tables
    problems = find_problems(tables, Config)
    malformed = {problem.path for problem in problems}
    senseless = (*_unknown_gestures(tables, known_gestures), *_mistakes(tables))
    problems += (problem for problem in senseless if problem.path not in malformed)
    if problems := without_secrets(problems, tables):
        raise document.error(problems)
    try:
        return msgspec.convert(tables, Config)
    except msgspec.ValidationError as error:  # the two walks disagree: still not a traceback
        raise ConfigError(f"{document.path}: {error}") from error


def check(config: Config) -> None:
    """Refuse names that mean nothing, as `load_config` does, whoever made the config.

    Raises:
        UsageError: the first of them.
    """
    tables = msgspec.to_builtins(config)
    for problem in without_secrets(_mistakes(tables), tables):
        raise UsageError(problem.message)


def overlay(
    config: Config,
    *,
    camera: Mapping[str, object] | None = None,
    tracker: Mapping[str, object] | None = None,
    output: tuple[OutputConfig, ...] | None = None,
    web: Mapping[str, object] | None = None,
) -> Config:
    """Return `config` with what the command line gave on top; a value of None was not given.

    Args:
        config: what stands in the file, or `Config()`.
        camera: fields of `CameraConfig`. A source replaces all cameras of the file by one, with
            the other fields of the file's first; without a source, all cameras are changed.
        tracker: fields of `TrackerConfig`.
        output: outputs instead of the file's.
        web: fields of `WebConfig`.

    Raises:
        UsageError: a value of the wrong type or out of range, named as a flag.
    """
    return msgspec.structs.replace(
        config,
        camera=_overlay_cameras(config.camera, _given(camera)),
        tracker=_replaced(config.tracker, _given(tracker)),
        output=config.output if output is None else output,
        web=_replaced(config.web, _given(web)),
    )


def _overlay_cameras(
    cameras: tuple[CameraConfig, ...], flags: dict[str, object]
) -> tuple[CameraConfig, ...]:
    if "source" in flags:
        cameras = cameras[:1] or (CameraConfig(source=str(flags["source"])),)
    return tuple(_replaced(camera, flags) for camera in cameras)


def _given(flags: Mapping[str, object] | None) -> dict[str, object]:
    return {name: value for name, value in (flags or {}).items() if value is not None}


def _replaced(settings: StructT, flags: dict[str, object]) -> StructT:
    changed = msgspec.structs.replace(settings, **flags)
    problems = find_problems(msgspec.to_builtins(changed), type(changed))
    if problems:
        raise UsageError("; ".join(f"--{_flag(problem.message)}" for problem in problems))
    return msgspec.convert(msgspec.to_builtins(changed), type(changed))


def _flag(message: str) -> str:
    """Turn a message about a key of the file into one about the flag of that name."""
    name, colon, rest = message.partition(":")
    return name.replace("_", "-") + colon + rest.replace(" in quotes", "")


def _unknown_gestures(
    document: Mapping[str, object], known: Collection[str] | None
) -> Iterator[Problem]:
    if known is None:
        return
    folder = document.get("learned")
    learned = learned_names(folder) if isinstance(folder, str) else ()
    known = {*known, *_named_tables(document, "pose"), *learned}
    for name in _named_tables(document, "gestures"):
        if name not in known:
            hint = did_you_mean(name, known).strip() or f"known: {', '.join(sorted(known))}"
            yield Problem(("gestures", name), f"unknown gesture {name!r}: {hint}")


def _several_cameras(document: Mapping[str, object]) -> Iterator[Problem]:
    """Find what several cameras cannot share: a name, and a file to write."""
    cameras = list(_tables(document, "camera"))
    names: list[object] = []
    for index, camera in cameras:
        name = camera.get("name", CameraConfig(source="-").name)
        if name in names:
            message = f"a second camera called {name!r}: give each a name of its own"
            yield Problem(("camera", index, "name"), message)
        names.append(name)
    if len(cameras) < 2:
        return
    for index, output in _tables(document, "output"):
        path = output.get("path")
        if isinstance(path, str) and PLACEHOLDER not in path:
            message = (
                f"path: {len(cameras)} cameras would write {path!r}: put {PLACEHOLDER} into it"
            )
            yield Problem(("output", index, "path"), message)


def _mistakes(document: Mapping[str, object]) -> Iterator[Problem]:
    """Find values of the right type that name nothing there is, or the same thing twice."""
    yield from _several_cameras(document)
    for index, camera in _tables(document, "camera"):
        yield from _refused(("camera", index, "source"), camera, split_source)
        yield from _mask_mistakes(index, camera)
        source = str(camera.get("source"))
        if camera.get("password_file") and "://" in source and not takes_password(source):
            message = "password_file without its user: write source as scheme://USER@host/path"
            yield Problem(("camera", index, "password_file"), message)
    for index, output in _tables(document, "output"):
        suffixes = {"video": DRAWINGS, "contact_sheet": PICTURES}.get(str(output.get("type")))
        if suffixes:
            ending = partial(_check_ending, suffixes)
            yield from _refused(("output", index, "path"), output, ending)
        if output.get("type") == "mqtt":
            yield from _refused(("output", index, "url"), output, parse_url)
    tracker, web = document.get("tracker"), document.get("web")
    if isinstance(tracker, dict):
        yield from _tracker_mistakes(tracker)
    if isinstance(web, dict):
        yield from _refused(("web", "address"), web, parse_address)
    metrics = document.get("metrics")
    if isinstance(metrics, dict):
        allow = partial(check_listen, allow_remote=metrics.get("allow_remote") is True)
        yield from _refused(("metrics", "listen"), metrics, allow)
    for place, message in definition_mistakes(document):
        yield Problem(place, message)


def _mask_mistakes(index: int, camera: Mapping[str, object]) -> Iterator[Problem]:
    masks = camera.get("masks")
    for number, mask in enumerate(masks if isinstance(masks, list | tuple) else ()):
        if message := zone_mistake(mask):
            yield Problem(("camera", index, "masks", number), f"masks: {message}")


def _tracker_mistakes(tracker: Mapping[str, object]) -> Iterator[Problem]:
    folder = tracker.get("models")
    resolve = store.whole_catalog(folder if isinstance(folder, str) else None).resolve
    yield from _refused(("tracker", "model"), tracker, resolve)
    palm_of = partial(resolve, TrackerConfig().model)
    yield from _refused(("tracker", "palm_model"), tracker, palm_of)
    for key in ("backend", "palm_backend"):
        yield from _refused(("tracker", key), tracker, _check_backend)
    for key in ("palm_device", "palm_backend_options"):
        if tracker.get(key) and not tracker.get("palm_backend"):
            message = f"{key} needs palm_backend: name the palm detector's own backend"
            yield Problem(("tracker", key), message)


def _refused(
    path: KeyPath, table: Mapping[str, object], accept: Callable[[str], object]
) -> Iterator[Problem]:
    """Give a text of a table to a function that raises UsageError if it means nothing."""
    value = table.get(str(path[-1]))
    if isinstance(value, str):
        try:
            accept(value)
        except UsageError as error:
            yield Problem(path, str(error))


def _check_ending(suffixes: tuple[str, ...], path: str) -> None:
    check_suffix(Path(path), suffixes)


def _check_backend(name: str) -> None:
    known = ("auto", *backend_names())
    if name not in known:
        hint = did_you_mean(name, known)
        raise UsageError(f"no backend {name!r}: {hint}choose {', '.join(known)}")


def _tables(
    document: Mapping[str, object], name: str
) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Return the tables [[name]] that are tables, each with its index."""
    tables = document.get(name)
    for index, table in enumerate(tables if isinstance(tables, list | tuple) else ()):
        if isinstance(table, dict):
            yield index, table


def _named_tables(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return the tables [name.…] by what stands after the dot."""
    tables = document.get(name)
    return tables if isinstance(tables, dict) else {}

"""Values of a config file that have the right type and yet mean nothing, or clash."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.cameras import split_source, takes_password
from edgehands.config_tables import CameraConfig, TrackerConfig
from edgehands.errors import UsageError, did_you_mean
from edgehands.gestures.definitions import definition_mistakes
from edgehands.gestures.learned.store import learned_names
from edgehands.models import store
from edgehands.monitor.settings import check_listen
from edgehands.mqtt.broker import parse_url
from edgehands.outputs.files import DRAWINGS, PICTURES, check_suffix
from edgehands.schema import KeyPath, Problem
from edgehands.selection import backend_names
from edgehands.settings import zone_mistake
from edgehands.web_settings import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

PLACEHOLDER = "{camera}"
"""Stands for a camera's name in the path of an output: each camera writes a file of its own."""


def mistakes(document: Mapping[str, object]) -> Iterator[Problem]:
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


def unknown_gestures(
    document: Mapping[str, object], known: Collection[str] | None
) -> Iterator[Problem]:
    """Find rules for gestures that are neither `known` nor the file's own; None knows any."""
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

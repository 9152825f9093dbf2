"""How the installed service stands, as files and systemd tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgehands import config_files
from edgehands.doctor.software import needed_models
from edgehands.errors import EdgeHandsError
from edgehands.installation import files, systemd
from edgehands.installation.needs import dropin_text, needs
from edgehands.installation.places import SHIPPED, UNIT, Places
from edgehands.models import store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgehands.config import Config


class Fact(NamedTuple):
    """A line of the report."""

    what: str
    told: str
    problem: str = ""
    """What to do, "" if all is well."""


def facts(places: Places | None = None) -> Iterator[Fact]:
    """Tell how the service stands, the most important first.

    Raises:
        EdgeHandsError: systemd cannot be asked, or the list of what was installed cannot be read.
        PermissionError: only root may look.
    """
    places = places or Places()
    manifest = files.load_manifest(places)
    if manifest is None:
        yield Fact("service", "not installed", "sudo edgehands service install")
        return
    yield _running(systemd.properties())
    yield Fact("installed", f"EdgeHands {manifest.version} in {places.venv}")
    missing = [name for name in manifest.files if not _is_there(places.at(name))]
    for name in missing:
        yield Fact("file", f"{name} is missing", "sudo edgehands service install")
    try:
        config = config_files.load(places.config)
    except EdgeHandsError as error:
        yield Fact("config", str(error).splitlines()[0], f"edgehands config check {places.config}")
        return
    yield Fact("config", str(places.config))
    yield from _models(config, places)
    for told in dropin_differences(config, places):
        yield Fact("drop-ins", told, "sudo edgehands service install")


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def dropin_differences(config: Config, places: Places) -> Iterator[str]:
    """Say in what the installed drop-ins are not those that a config needs."""
    wanted = needs(config).dropins
    ours = {path.stem for path in (SHIPPED / f"{UNIT}.d").iterdir()}
    present = {path.stem: path for path in places.dropins.glob("*.conf") if path.stem in ours}
    for name, why in wanted.items():
        if name not in present:
            yield f"{name}.conf is missing ({why})"
        elif present[name].read_text(encoding="utf-8") != dropin_text(name):
            yield f"{name}.conf is not as this EdgeHands has it"
    for name in sorted(present.keys() - wanted):
        yield f"{name}.conf is not needed any more"


def _running(told: dict[str, str]) -> Fact:
    state = f"{told.get('ActiveState')} ({told.get('SubState')})"
    restarts = told.get("NRestarts", "0")
    parts = [state, told.get("StatusText", ""), "" if restarts == "0" else f"{restarts} restarts"]
    line = ", ".join(filter(None, parts))
    if told.get("ActiveState") != "active":
        return Fact(
            "service", line, "edgehands service logs, then sudo systemctl restart edgehands"
        )
    if told.get("UnitFileState") != "enabled":
        return Fact("service", f"{line}, not enabled", "sudo systemctl enable edgehands")
    return Fact("service", line)


def _models(config: Config, places: Places) -> Iterator[Fact]:
    needed = needed_models(config.tracker)
    folder = config.tracker.models or places.models
    wrong = [
        each for each in store.check(folder) if each.model.id in needed and each.status != "ok"
    ]
    for each in wrong:
        yield Fact("models", each.problem, f"sudo edgehands models fetch --models {folder}")
    if not wrong:
        yield Fact("models", f"{' and '.join(needed)}: hashes right")

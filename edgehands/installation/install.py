"""Installing the service: what is done is said, step by step, with its reason."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands import config_files
from edgehands._version import __version__
from edgehands.config import SAMPLE
from edgehands.doctor.software import needed_models
from edgehands.errors import InputError, UsageError
from edgehands.installation import environment, files, models, systemd
from edgehands.installation.environment import PICAMERA2
from edgehands.installation.files import File, Link, Manifest
from edgehands.installation.needs import Needs, check_visible, dropin_text, needs
from edgehands.installation.places import SHIPPED, UNIT, Places, callers_config
from edgehands.models.derived import SUBFOLDER, get_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgehands.config import Config
    from edgehands.installation.environment import Recipe
    from edgehands.installation.files import Item

    Tell = Callable[[str, str, str], None]
    """Told what is done, to what, and why."""

_COMMAND = "/usr/local/bin/edgehands"
_RULES = "70-edgehands-coral.rules"
_DONE = {"absent": "write", "different": "replace", "same": "keep"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user said."""

    config: Path | None = None
    """File to start from where there is no config yet; None takes the user's, else the sample."""
    wheel: Path | None = None
    """EdgeHands; None takes the one that runs."""
    wheelhouse: Path | None = None
    """Folder of wheels in place of a package index."""
    models: Path | None = None
    """Folder of model files."""
    extras: tuple[str, ...] = ()
    """Of the package, besides those that the config needs."""
    system_packages: bool | None = None
    """Let the environment see the system's packages; None decides by what is here."""
    start: bool = True


def install(wishes: Wishes, tell: Tell, *, dry_run: bool = False) -> None:
    """Install the service, or bring it up to date; what is right already is left alone.

    Raises:
        UsageError: the caller is not root.
        EdgeHandsError: what is missing, with the command that helps.
    """
    places = Places()
    if not dry_run:
        check_root("install")
        os.umask(0o022)  # the service is another user
    systemd.check()
    with root_where_needed("install --dry-run"):
        _Installation(places, wishes, tell, dry_run).run()


def check_root(what: str) -> None:
    """Refuse anyone else.

    Raises:
        UsageError: with the command to type, by its whole path: sudo has a PATH of its own.
    """
    if os.geteuid() != 0:
        program = shlex.quote(str(Path(sys.argv[0]).absolute()))
        raise UsageError(f"this needs root: sudo {program} service {what}")


@contextmanager
def root_where_needed(what: str) -> Iterator[None]:
    """Let anyone look, as far as there is nothing in the way that root alone may read.

    Once the service has run, its state is in such a folder: /var/lib/private.

    Raises:
        UsageError: there is, with the command to type.
    """
    try:
        yield
    except PermissionError:
        check_root(what)
        raise


def _last_manifest(places: Places, tell: Tell) -> Manifest:
    """Return what was installed before; a list that is damaged is made anew."""
    try:
        return files.load_manifest(places) or Manifest()
    except InputError as error:
        tell("replace", str(places.manifest), f"{error.__cause__}; what only it knew of stays")
        return Manifest()


class _Installation:
    """One run of `install`."""

    def __init__(self, places: Places, wishes: Wishes, tell: Tell, dry_run: bool) -> None:
        self._places = places
        self._wishes = wishes
        self._tell = tell
        self._dry_run = dry_run
        self._before = _last_manifest(places, tell)
        self._manifest = Manifest(version=__version__)
        self._source = wishes.config or callers_config() or SAMPLE
        self._changed = False
        self._folder = places.home
        """Of the environment, once that is decided."""

    def run(self) -> None:
        """Do everything, in an order in which it can be done again after any interruption."""
        config_file = self._config_file()
        config = self._config(config_file)
        wanted = needs(config)
        recipe = self._recipe(wanted)
        self._folder = self._places.home / recipe.name
        items = [
            config_file,
            *self._unit_files(wanted),
            *models.files(
                self._places, self._wishes.models, needed_models(config.tracker), wanted.derived
            ),
        ]
        self._environment(recipe)
        self._manifest.files = [str(item.path) for item in items if not item.keep]
        if not self._dry_run:  # before the files: what comes of an interruption is known, too
            known = dict.fromkeys([*self._before.files, *self._manifest.files])
            files.save_manifest(self._places, Manifest(version=__version__, files=list(known)))
        for item in items:
            self._put(item)
        self._derive(wanted)
        self._remove_obsolete()
        self._switch()

    def _act(self, verb: str, what: Path | str, why: str, action: Callable[[], object]) -> None:
        self._changed = True
        self._tell(verb, str(what), why)
        if not self._dry_run:
            action()

    def _config_file(self) -> File:
        try:
            content = self._source.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {self._source}: {error.strerror}") from error
        return File(self._places.config, content, "the config: yours to edit", keep=True)

    def _config(self, file: File) -> Config:
        """Return the config that will hold.

        Raises:
            ConfigError: it has mistakes, which are said before anything is done.
        """
        config = config_files.load(self._source if file.state() == "absent" else file.path)
        check_visible(config)
        return config

    def _recipe(self, wanted: Needs) -> Recipe:
        system_packages = self._wishes.system_packages
        if system_packages is None:
            system_packages = bool(wanted.system_packages) or PICAMERA2.exists()
        return environment.recipe(
            self._wishes.wheel,
            self._wishes.wheelhouse,
            sorted({*self._wishes.extras, *wanted.extras}),
            system_packages=system_packages,
        )

    def _unit_files(self, wanted: Needs) -> Iterator[Item]:
        places = self._places
        yield self._shipped("config.schema.json", places.config.parent, "tells editors its keys")
        yield self._shipped(UNIT, places.unit.parent, "the unit: sandbox, watchdog, restarts")
        for name, why in wanted.dropins.items():
            path = places.dropins / f"{name}.conf"
            yield File(path, dropin_text(name).encode(), f"what the unit allows more: {why}")
        if "coral" in wanted.dropins:
            yield self._shipped(_RULES, places.at("/etc/udev/rules.d"), "who may use a Coral")
        link = Link(places.at(_COMMAND), places.program, "so that edgehands can be typed")
        if link.state() != "different":  # another EdgeHands is there: let it be
            yield link

    def _shipped(self, name: str, folder: Path, why: str) -> File:
        return File(folder / name, (SHIPPED / name).read_bytes(), why)

    def _environment(self, recipe: Recipe) -> None:
        if environment.is_complete(self._folder):
            self._tell("keep", str(self._folder), str(recipe))
            return
        self._act("make", self._folder, str(recipe), lambda: environment.make(self._folder, recipe))

    def _put(self, item: Item) -> None:
        state = item.state()
        if state == "same" or (item.keep and state == "different"):
            self._tell("keep", str(item.path), item.why)
            return
        self._act(_DONE[state], item.path, item.why, item.write)

    def _derive(self, wanted: Needs) -> None:
        """Build, by the service's own Python, what its first start would have to build."""
        for model, target in wanted.derived:
            if kept := models.derived_files(self._places, model, target):
                self._manifest.files += map(str, kept)
                continue
            if get_recipe(target).on_request:
                continue
            out = self._places.models / SUBFOLDER
            why = f"the {target} file of {model}, so that the first start need not"
            self._act("build", out, why, partial(self._build, model, target, out))

    def _build(self, model: str, target: str, out: Path) -> None:
        program = str(self._folder / "bin" / "edgehands")
        command = [program, "models", "build", target, "--model", model]
        answer = subprocess.run(  # noqa: S603 (our own program)
            [*command, "--models", str(self._places.models), "--out", str(out)],
            capture_output=True,
            text=True,
            check=False,
            env=environment.clean_environment(),
        )
        if answer.returncode != 0:  # it costs time at every start, not the run
            self._tell("failed", model, answer.stderr.strip())
        self._manifest.files += map(str, models.derived_files(self._places, model, target))

    def _remove_obsolete(self) -> None:
        """Take away what an earlier installation needed and this one does not."""
        self._manifest.files = list(dict.fromkeys(self._manifest.files))
        kept = set(self._manifest.files)
        for name in self._before.files:
            path = Path(name)
            if name not in kept and os.path.lexists(path):
                self._act("remove", path, "not needed any more", partial(files.remove, path))
        if not self._dry_run:
            files.save_manifest(self._places, self._manifest)

    def _switch(self) -> None:
        link = Link(self._places.venv, Path(self._folder.name), "")
        if link.state() != "same":
            self._act("use", self._folder, "from the next start on", link.write)
        if self._dry_run:
            if self._wishes.start:
                self._tell("start", UNIT, "now, and with the machine")
            return
        systemd.reload()
        if (self._places.at("/etc/udev/rules.d") / _RULES).exists():
            systemd.reload_rules()
        if not self._wishes.start:
            return
        if self._changed or systemd.properties().get("ActiveState") != "active":
            self._act("start", UNIT, "now, and with the machine", systemd.start)
        environment.remove_others(self._folder)

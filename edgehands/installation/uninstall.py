"""Taking the service away: what was installed goes, what is the user's stays unless it is asked."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands.installation import files, systemd
from edgehands.installation.install import check_root, root_where_needed
from edgehands.installation.places import UNIT, Places

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.installation.install import Tell


def uninstall(tell: Tell, *, purge: bool = False, dry_run: bool = False) -> None:
    """Take away what was installed; with `purge` config, passwords and state, too.

    Raises:
        UsageError: the caller is not root.
    """
    if not dry_run:
        check_root("uninstall")
    with root_where_needed("uninstall --dry-run"):
        _uninstall(Places(), tell, purge=purge, dry_run=dry_run)


def _uninstall(places: Places, tell: Tell, *, purge: bool, dry_run: bool) -> None:
    manifest = files.load_manifest(places)
    if manifest is None and not purge:
        tell("keep", UNIT, "nothing is installed")
        return

    def act(verb: str, what: Path | str, why: str, action: Callable[[], object]) -> None:
        tell(verb, str(what), why)
        if not dry_run:
            action()

    if places.unit.exists():
        act("stop", UNIT, "and start it no more with the machine", systemd.stop)
    for path in map(Path, reversed(manifest.files if manifest else [])):
        if os.path.lexists(path):
            act("remove", path, "", partial(files.remove, path))
    if places.home.exists():
        act("remove", places.home, "its environment", partial(shutil.rmtree, places.home))
    for folder in (*places.caches, *places.kept):
        if not os.path.lexists(folder):
            continue
        if purge or folder in places.caches or _is_empty(folder):
            act("remove", folder, "", partial(_remove, folder))
        elif not folder.is_symlink():
            tell("keep", str(folder), "yours: --purge removes it")
    if not dry_run:
        systemd.reload()
        systemd.forget()


def _is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing, or a link leads nowhere."""
    if folder.is_symlink():
        return not folder.exists()
    return not any(folder.iterdir())


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)

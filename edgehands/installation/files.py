"""What is put on the machine, why, and the list of it, which an uninstallation goes by."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from edgehands import folders
from edgehands.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.installation.places import Places

State: TypeAlias = Literal["absent", "same", "different"]


@dataclass(frozen=True, slots=True)
class File:
    """A file as it should be."""

    path: Path
    content: bytes
    why: str
    """What it is for, in a few words."""
    keep: bool = False
    """The user's: written where there is none, never replaced, never taken away without asking."""

    def state(self) -> State:
        """Compare with what is there."""
        try:
            return "same" if self.path.read_bytes() == self.content else "different"
        except FileNotFoundError:
            return "absent"

    def write(self) -> None:
        """Put it there, whole or not at all."""
        folders.write_whole(self.path, self.content, mode=0o644)


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link as it should be."""

    path: Path
    target: Path
    why: str
    keep: bool = False

    def state(self) -> State:
        """Compare with what is there."""
        if not os.path.lexists(self.path):
            return "absent"
        return "same" if self.path.is_symlink() and self._leads_there() else "different"

    def write(self) -> None:
        """Put it there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f".{self.path.name}.part")
        part.unlink(missing_ok=True)
        part.symlink_to(self.target)
        part.replace(self.path)

    def _leads_there(self) -> bool:
        return self.path.readlink() == self.target


Item: TypeAlias = File | Link


class Manifest(msgspec.Struct, kw_only=True):
    """What an installation put on the machine."""

    version: str = ""
    """Of EdgeHands."""
    files: list[str] = []
    """Paths, in the order in which they came."""


def load_manifest(places: Places) -> Manifest | None:
    """Return what was installed, None if nothing was.

    Raises:
        InputError: the list cannot be read.
    """
    try:
        return msgspec.json.decode(places.manifest.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(
            f"{places.manifest} cannot be read ({error}): install again, then uninstall"
        ) from error


def save_manifest(places: Places, manifest: Manifest) -> None:
    """Keep the list; what is on it from before stays on it."""
    data = msgspec.json.format(msgspec.json.encode(manifest))
    folders.write_whole(places.manifest, data, mode=0o644)


def remove(path: Path) -> None:
    """Take a file or link away, and our own folders around it that are empty then."""
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if not any(part.startswith("edgehands") for part in folder.parts):
            return
        with suppress(OSError):  # it holds something else
            folder.rmdir()

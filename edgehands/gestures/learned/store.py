"""Where learned gestures are kept: one JSON file each, in this user's folder or the system's."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edgehands import folders
from edgehands.errors import ConfigError, InputError, UsageError, did_you_mean
from edgehands.gestures.learned.examples import Learned, LearnedPose, arrays
from edgehands.gestures.learned.shapes import SIZE
from edgehands.gestures.learned.ways import STEPS, WIDTH

SYSTEM_FOLDER = Path("/etc/edgehands/gestures")
"""What a service reads, which has no home."""

_SUFFIX = ".json"


def user_folder() -> Path | None:
    """Return where this user's gestures are kept, None without a home."""
    base = folders.config()
    return base / "gestures" if base else None


def load_learned(folder: str | Path | None = None) -> tuple[Learned, ...]:
    """Return all learned gestures, sorted by name.

    Args:
        folder: of their files; None reads the system's and then the user's, whose gesture wins
            over one of the same name.

    Raises:
        ConfigError: the folder is not there, or a file in it is damaged.
    """
    gestures = {}
    for path in learned_files(folder):
        gesture = read_learned(path)
        gestures[gesture.name] = gesture
    return tuple(gestures[name] for name in sorted(gestures))


def learned_files(folder: str | Path | None = None) -> list[Path]:
    """Return the files of learned gestures, the user's last."""
    if folder is not None:
        if not Path(folder).is_dir():
            raise ConfigError(
                f"no folder of learned gestures {folder}: see what there is with: "
                "edgehands gestures list"
            )
        return sorted(Path(folder).glob(f"*{_SUFFIX}"))
    places = [SYSTEM_FOLDER, user_folder()]
    return [path for place in places if place for path in sorted(place.glob(f"*{_SUFFIX}"))]


def learned_names(folder: str | Path | None = None) -> set[str]:
    """Return the names of learned gestures without reading them; none where there is no folder."""
    if folder is not None and not Path(folder).is_dir():
        return set()
    return {path.stem for path in learned_files(folder)}


def read_learned(path: Path) -> Learned:
    """Read one file.

    Raises:
        ConfigError: it is not what `save_learned` writes.
    """
    try:
        gesture: Learned = msgspec.json.decode(path.read_bytes(), type=Learned)
        shape = (SIZE,) if isinstance(gesture, LearnedPose) else (STEPS, WIDTH)
        arrays(gesture.examples, *shape)
        arrays(gesture.others, *shape)
        if isinstance(gesture, LearnedPose):
            arrays(gesture.attitudes, 3, 3)
        if not gesture.examples:
            raise ValueError("it has no examples")
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise ConfigError(
            f"{path}: no learned gesture ({error}): learn it again, or take the file away with: "
            f"rm {path}"
        ) from error
    return gesture


def save_learned(gesture: Learned, folder: Path | None = None) -> Path:
    """Write a gesture, over an older one of its name, and return its file.

    Raises:
        InputError: it cannot be written, or there is no folder.
    """
    folder = folder or user_folder()
    if folder is None:
        raise InputError(
            "this user has no home to keep gestures in: name a folder with --folder DIR"
        )
    path = folder / f"{gesture.name}{_SUFFIX}"
    try:
        folders.write_whole(path, msgspec.json.encode(gesture) + b"\n")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def forget_learned(name: str, folder: Path | None = None) -> Path:
    """Take a gesture's file away and return where it was.

    Raises:
        UsageError: there is none of that name.
        InputError: it cannot be taken away.
    """
    files = {path.stem: path for path in learned_files(folder)}
    if name not in files:
        hint = did_you_mean(name, files) or "see: edgehands gestures list"
        raise UsageError(f"no learned gesture {name!r}: {hint.strip()}")
    try:
        files[name].unlink()
    except OSError as error:
        raise InputError(f"cannot remove {files[name]}: {error.strerror or error}") from error
    return files[name]

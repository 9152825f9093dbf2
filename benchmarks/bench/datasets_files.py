"""What the readers of labelled sets share: JSON files, and errors that name file and place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
import numpy as np

from edgehands.benchmarks.metrics import Labelled, Picture
from edgehands.cameras.images import read_image
from edgehands.errors import InputError
from edgehands.hand import LANDMARK_COUNT, palm_size

if TYPE_CHECKING:
    from edgehands.hand import FloatArray

LabelsT = TypeVar("LabelsT")


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A picture that is read when its turn comes."""

    path: Path
    hands: list[Labelled]
    unsure: tuple[tuple[float, float, float, float], ...] = ()
    """As in `metrics.Picture`."""

    def picture(self) -> Picture:
        """Read it.

        Raises:
            InputError: the file is missing or no image.
        """
        return Picture(read_image(self.path), self.hands, self.unsure)


def read_labels(path: Path, kind: type[LabelsT], what: str) -> LabelsT:
    """Read a JSON file as values of a type.

    Args:
        path: the file.
        kind: what msgspec makes of it.
        what: the file's meaning, for the message: "labels of handpose_x".

    Raises:
        InputError: it cannot be read, or differs from that type; the message has the place.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise InputError(
            f"{path}: no {what} ({error.strerror}): say where the set is, --dataset KIND:PLACE"
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no {what}: {error}") from error


def checked_landmarks(points: FloatArray, place: str) -> FloatArray:
    """Return a hand's points [21, 2 or 3] if errors can be said in its palm sizes.

    Args:
        points: pixels.
        place: file and place in it.

    Raises:
        InputError: other than 21 points, no numbers, or wrist and middle MCP in one place.
    """
    if points.ndim != 2 or len(points) != LANDMARK_COUNT:
        raise InputError(f"{place}: {len(points)} points: a hand has {LANDMARK_COUNT}")
    if not np.isfinite(points).all() or palm_size(points) == 0:
        raise InputError(f"{place}: wrist and middle MCP must be numbers, and apart")
    return points


def folder_of(address: str, kind: str) -> Path:
    """Return the folder that holds a set.

    Raises:
        InputError: there is no such folder.
    """
    folder = Path(address).expanduser()
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder: --dataset {kind}:DIR names the set's folder")
    return folder

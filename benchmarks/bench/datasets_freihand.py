"""FreiHAND: single right hands in 224 × 224 pictures, known in space and projected by their camera.

`training_xyz.json` has 21 points in metres for each hand, in the camera's frame and in the order of
`hand.Landmark`; `training_K.json` has that camera's matrix; the pictures are
`training/rgb/00000000.jpg` … The evaluation part is taken instead where its points are there
(they were published later). https://lmb.informatik.uni-freiburg.de/projects/freihand
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgehands.benchmarks.bench.datasets_files import (
    Entry,
    checked_landmarks,
    folder_of,
    read_labels,
)
from edgehands.benchmarks.metrics import Labelled
from edgehands.errors import InputError

if TYPE_CHECKING:
    from edgehands.hand import FloatArray

_Row = tuple[float, float, float]
_PARTS = ("evaluation", "training")


def entries(address: str) -> list[Entry]:
    """Return the pictures of the unpacked set; of the training part only the unaltered ones.

    Those come first and are as many as the hands; the same hands with other backgrounds follow.
    """
    folder = folder_of(address, "freihand")
    part = next((part for part in _PARTS if (folder / f"{part}_xyz.json").exists()), _PARTS[-1])
    points_file, cameras_file = folder / f"{part}_xyz.json", folder / f"{part}_K.json"
    points = read_labels(points_file, list[list[_Row]], "points of FreiHAND")
    cameras = read_labels(cameras_file, list[tuple[_Row, _Row, _Row]], "cameras of FreiHAND")
    if len(points) != len(cameras):
        raise InputError(
            f"{cameras_file}: {len(cameras)} cameras for the {len(points)} hands of "
            f"{points_file.name}: unpack both from one archive"
        )
    return [
        Entry(
            folder / part / "rgb" / f"{number:08d}.jpg",
            [Labelled(_projected(hand, camera, f"{points_file}: [{number}]"), "right")],
        )
        for number, (hand, camera) in enumerate(zip(points, cameras, strict=True))
    ]


def _projected(hand: list[_Row], camera: tuple[_Row, _Row, _Row], place: str) -> FloatArray:
    uvw = np.array(hand, np.float64).reshape(-1, 3) @ np.array(camera, np.float64).T
    if not (uvw[:, 2] > 0).all():
        raise InputError(f"{place}: a point behind the camera")
    return checked_landmarks((uvw[:, :2] / uvw[:, 2:]).astype(np.float32), place)

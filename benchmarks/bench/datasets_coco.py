"""Hands in COCO's format: COCO-WholeBody, or any file whose keypoints are 21 points of a hand.

Points come as x, y, v for each, v above 0 where somebody labelled it, in the order of
`hand.Landmark`. https://github.com/jin-s13/COCO-WholeBody (data_format.md)
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgehands.benchmarks.bench.datasets_files import Entry, read_labels
from edgehands.benchmarks.metrics import Labelled
from edgehands.errors import InputError
from edgehands.hand import LANDMARK_COUNT, palm_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.hand import Handedness

    Box = tuple[float, float, float, float]

_LENGTH = 3 * LANDMARK_COUNT


class _Image(msgspec.Struct, frozen=True):
    id: int
    file_name: str


class _Category(msgspec.Struct, frozen=True):
    id: int
    name: str = ""


class _Annotation(msgspec.Struct, frozen=True):
    image_id: int
    category_id: int = 0
    keypoints: list[float] = []
    lefthand_kpts: list[float] = []
    righthand_kpts: list[float] = []
    lefthand_valid: bool | int = True
    righthand_valid: bool | int = True
    bbox: tuple[float, float, float, float] | None = None
    """x, y, width, height."""


class _Labels(msgspec.Struct, frozen=True):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category] = []


def entries(address: str) -> list[Entry]:
    """Return the pictures with a hand of which all 21 points are labelled.

    Where somebody is labelled without both hands, what is found in his box is no mistake.
    """
    path = Path(address).expanduser()
    labels = read_labels(path, _Labels, "labels in COCO's format")
    sides = {each.id: _side(each.name) for each in labels.categories}
    hands: defaultdict[int, list[Labelled]] = defaultdict(list)
    unsure: defaultdict[int, list[Box]] = defaultdict(list)
    for number, annotation in enumerate(labels.annotations):
        known = True
        for values, side in _asked(annotation, sides.get(annotation.category_id)):
            hand = _hand(values, side, f"{path}: annotations[{number}]")
            if hand is None:
                known = False
            else:
                hands[annotation.image_id].append(hand)
        if not known and annotation.bbox:
            x, y, width, height = annotation.bbox
            unsure[annotation.image_id].append((x, y, x + width, y + height))
    wanted = [image for image in labels.images if hands[image.id]]
    if not wanted:
        raise InputError(
            f"{path}: no annotation with {LANDMARK_COUNT} labelled points of a hand in keypoints, "
            "lefthand_kpts or righthand_kpts"
        )
    folder = _folder(path, wanted[0].file_name)
    return [
        Entry(folder / image.file_name, hands[image.id], tuple(unsure[image.id]))
        for image in wanted
    ]


def _asked(
    annotation: _Annotation, side: Handedness | None
) -> Iterator[tuple[list[float], Handedness | None]]:
    """Yield the hands that an annotation may have, empty where they are not labelled."""
    if annotation.lefthand_kpts or annotation.righthand_kpts:
        yield annotation.lefthand_kpts if annotation.lefthand_valid else [], "left"
        yield annotation.righthand_kpts if annotation.righthand_valid else [], "right"
    elif len(annotation.keypoints) == _LENGTH:
        yield annotation.keypoints, side
    else:
        yield [], None  # a body


def _hand(values: list[float], side: Handedness | None, place: str) -> Labelled | None:
    """Return the hand, None where a point of it is not labelled."""
    if not values:
        return None
    if len(values) != _LENGTH:
        raise InputError(f"{place}: {len(values)} numbers: a hand has {LANDMARK_COUNT} x, y, v")
    points = np.array(values, np.float32).reshape(LANDMARK_COUNT, 3)
    if not (points[:, 2] > 0).all() or not palm_size(points) > 0:
        return None
    return Labelled(points[:, :2], side)


def _side(category: str) -> Handedness | None:
    name = category.lower()
    return "left" if "left" in name else "right" if "right" in name else None


def _folder(labels: Path, name: str) -> Path:
    """Return the folder of the pictures: near the labels, as COCO is usually unpacked."""
    above = labels.resolve().parent
    nearby = [above, above.parent]
    nearby += [each for near in nearby for each in sorted(near.iterdir()) if each.is_dir()]
    for folder in nearby:
        if (folder / name).is_file():
            return folder
    raise InputError(
        f"{labels}: its picture {name} lies neither beside it nor in a folder beside it or one "
        f"above: put the pictures into {above.parent / 'images'}"
    )

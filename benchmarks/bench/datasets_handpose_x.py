"""handpose_x: a folder of photographs, each with its hands in a JSON file of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgehands.benchmarks.bench.datasets_files import (
    Entry,
    checked_landmarks,
    folder_of,
    read_labels,
)
from edgehands.benchmarks.metrics import Labelled
from edgehands.cameras import IMAGE_SUFFIXES
from edgehands.errors import InputError
from edgehands.hand import LANDMARK_COUNT

if TYPE_CHECKING:
    from pathlib import Path


class _Point(msgspec.Struct, frozen=True):
    x: float
    y: float


class _Hand(msgspec.Struct, frozen=True):
    pts: dict[str, _Point]
    """"0" to "20", in the order of `hand.Landmark`; pixels."""


class _Labels(msgspec.Struct, frozen=True):
    info: list[_Hand]


def entries(address: str) -> list[Entry]:
    """Return the pictures of a folder; what has no side in the labels is asked for none."""
    folder = folder_of(address, "handpose_x")
    labels = sorted(folder.glob("*.json"))
    if not labels:
        raise InputError(f"{folder}: no *.json: handpose_x has one beside each photograph")
    return [Entry(_image_of(path), _hands(path)) for path in labels]


def _hands(path: Path) -> list[Labelled]:
    hands = []
    for number, hand in enumerate(read_labels(path, _Labels, "labels of handpose_x").info):
        place = f"{path}: info[{number}].pts"
        try:
            points = [hand.pts[str(index)] for index in range(LANDMARK_COUNT)]
        except KeyError as error:
            raise InputError(f"{place}: no point {error}") from error
        xy = np.array([(point.x, point.y) for point in points], np.float32)
        hands.append(Labelled(checked_landmarks(xy, place)))
    return hands


def _image_of(labels: Path) -> Path:
    for suffix in sorted(IMAGE_SUFFIXES):
        if (image := labels.with_suffix(suffix)).exists():
            return image
    raise InputError(f"{labels}: no photograph {labels.stem}.jpg beside it")

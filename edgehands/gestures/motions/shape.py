"""Whether a moving hand is open, closed, or pinches: one weight for each of its measures.

As for poses (`gestures.likeness`), no single finger decides. The weights were fitted by
`edgehands.benchmarks.gestures.weigh_motions` on the tuning seed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgehands.hand import FINGERS, LANDMARK_COUNT, Landmark

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgehands.hand import Hand

    Array = npt.NDArray[np.floating]

FIGURES = Path(__file__).with_name("shape.json")
"""The weights, and the command that made them."""
FARTHEST = 3.0
"""Spreads from the mean beyond which a measure says no more."""

_FLAT, _PICTURE = LANDMARK_COUNT, 2 * LANDMARK_COUNT
"""Where a hand's points begin as they are seen from the camera, and in the picture: after those in
space."""
_WRIST, _THUMB, _INDEX = Landmark.WRIST, Landmark.THUMB_TIP, Landmark.INDEX_TIP
_LONG_FINGERS = [joints for name, joints in FINGERS.items() if name != "thumb"]
_FINGER_BENDS = [(base, middle, tip) for base, middle, _, tip in _LONG_FINGERS]
_KNUCKLE_BENDS = [(_WRIST, base, middle) for base, middle, _, _ in _LONG_FINGERS]
_THUMB_BENDS, _INDEX_END = [(1, 2, 3), (2, 3, 4)], (6, 7, 8)
_REACHES = [(_WRIST, joints[3]) for joints in _LONG_FINGERS]
_TO_INDEX = [(_THUMB, joint) for joint in FINGERS["index"]]
_TO_OTHERS = [(_THUMB, joint) for joint in (*FINGERS["middle"][:2], *FINGERS["ring"][:2])]
_PALM = [
    (_WRIST, Landmark.INDEX_MCP),
    (_WRIST, Landmark.PINKY_MCP),
    (Landmark.INDEX_MCP, Landmark.PINKY_MCP),
]
_BENDS = np.concatenate(
    [
        np.array([*_FINGER_BENDS, *_KNUCKLE_BENDS, *_THUMB_BENDS, _INDEX_END]),
        np.array([*_FINGER_BENDS, *_THUMB_BENDS[1:], _INDEX_END]) + _PICTURE,
    ]
)
"""[17, 3] joints before, at and after each bend."""
_LENGTHS = np.concatenate(
    [
        np.array([(_WRIST, Landmark.MIDDLE_MCP), *_REACHES, *_TO_INDEX, *_TO_OTHERS]),
        np.array([_TO_INDEX[3], *_PALM, *_REACHES]) + _FLAT,
        np.array([*_TO_INDEX, *_PALM, *_REACHES]) + _PICTURE,
    ]
)
"""[32, 2] ends of each length."""
_COUNT = len(_BENDS)
_ENDS = np.concatenate([_BENDS[:, :2], _BENDS[:, 1:], _LENGTHS]).T.copy()
"""[2, 66] from where to where: to each bend, from each bend, and the lengths."""

MEASURES: tuple[str, ...] = (
    *(f"{name} {what}" for what in ("straight", "level") for name in list(FINGERS)[1:]),
    *("thumb base straight", "thumb straight", "index end straight"),
    *(f"{name} straight, seen" for name in list(FINGERS)[1:]),
    *("thumb straight, seen", "index end straight, seen"),
    *(f"{name} reach" for name in list(FINGERS)[1:]),
    *(f"thumb to index {joint}" for joint in ("base", "middle", "end", "tip")),
    *(f"thumb to {name} {joint}" for name in ("middle", "ring") for joint in ("base", "middle")),
    "thumb to index tip, flat",
    *(f"thumb to index {joint}, seen" for joint in ("base", "middle", "end", "tip")),
)
"""What is measured: cosines of bends and, from "reach" on, lengths in palm sizes."""
REACH = slice(_COUNT, _COUNT + 4)
"""Which measures are the four fingers' reach."""


def read_form(hand: Hand) -> tuple[float, float, Array]:
    """Measure a hand with landmarks and world landmarks.

    Returns:
        Palm size as it would be seen face on, pixels; how many pixels a metre has, by palm and
        fingers together, which is surer when the hand keeps its shape; what `MEASURES` names, [34].
    """
    world = hand.world_landmarks
    points = np.concatenate((world, world, hand.landmarks), dtype=np.float64)
    points[_FLAT:, 2] = 0.0
    start, end = points.take(_ENDS, 0)
    ways = end - start
    lengths = np.sqrt(np.einsum("ij,ij->i", ways, ways))
    measures = np.empty(len(MEASURES))
    before, after = ways[:_COUNT], ways[_COUNT : 2 * _COUNT]
    np.einsum("ij,ij->i", before, after, out=measures[:_COUNT])
    measures[:_COUNT] /= lengths[:_COUNT] * lengths[_COUNT : 2 * _COUNT] + 1e-12
    told: list[float] = lengths[2 * _COUNT :].tolist()
    length = told[0] + 1e-6
    unit = sum(told[25:28]) / (sum(told[14:17]) + 1e-9) * length + 1e-6
    scale = sum(told[25:]) / (sum(told[14:21]) + 1e-9)
    measures[_COUNT:] = [
        *(way / length for way in told[1:14]),
        *(way / unit for way in told[21:25]),
    ]
    return unit, scale, measures


_figures = json.loads(FIGURES.read_text(encoding="utf-8"))
_MEANS, _PER_SPREAD = np.array(_figures["means"]), 1 / np.array(_figures["spreads"])
_WEIGHTS = np.array(list(_figures["weights"].values()))
_BIASES = np.array(list(_figures["biases"].values()))

SHAPES: tuple[str, ...] = tuple(_figures["weights"])
"""What is told, in the order of `shape_of`: open, closed, pinching."""


def shape_of(measures: Array) -> list[float]:
    """Return how much a hand is open, closed and pinching: 0 is the border, above 0 it is."""
    off = (measures - _MEANS) * _PER_SPREAD
    np.minimum(off, FARTHEST, out=off)
    np.maximum(off, -FARTHEST, out=off)
    told: list[float] = (_WEIGHTS @ off + _BIASES).tolist()
    return told

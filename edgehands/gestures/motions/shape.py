"""Whether a moving hand is open, closed, or pinches: one weight for each of its measures.

As for poses (`gestures.likeness`), no single finger decides. The weights were fitted by
`edgehands.benchmarks.gestures.weigh_motions` on the tuning seed.
"""

from __future__ import annotations

import json
import math
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

_PICTURE = LANDMARK_COUNT
"""Where a hand's points in the picture begin, after those in space."""
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
        np.array([*_REACHES, *_PALM, *_TO_INDEX]) + _PICTURE,
    ]
)
"""[24, 2] ends of each length."""
_FROM = np.concatenate([_BENDS[:, 0], _BENDS[:, 1], _LENGTHS[:, 0], np.array(_PALM)[:, 0]])
_TO = np.concatenate([_BENDS[:, 1], _BENDS[:, 2], _LENGTHS[:, 1], np.array(_PALM)[:, 1]])
_COUNT = len(_BENDS)
_AS_SEEN = [-3, -2, -1, *(2 * _COUNT + number for number in (1, 2, 3, 4, 8))]
"""Ways in space that are also measured as seen: the palm's, the reaches, from tip to tip."""
_WAYS = len(_FROM)
_A = np.concatenate([np.arange(_WAYS), np.arange(_COUNT)])
_B = np.concatenate([np.arange(_WAYS), np.arange(_COUNT) + _COUNT])
"""Which ways are multiplied with which: each with itself, each bend's first with its second."""

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
    points = np.zeros((2 * LANDMARK_COUNT, 3))
    points[:_PICTURE] = hand.world_landmarks
    points[_PICTURE:, :2] = hand.landmarks[:, :2]
    ways = points.take(_TO, 0) - points.take(_FROM, 0)
    products = np.einsum("ij,ij->i", ways.take(_A, 0), ways.take(_B, 0))
    lengths = np.sqrt(products[:_WAYS]) + 1e-12
    bends = products[_WAYS:] / (lengths[:_COUNT] * lengths[_COUNT : 2 * _COUNT])
    ends = lengths[2 * _COUNT :]
    length = float(ends[0]) + 1e-6
    a, b, c, *reaches, tips = [math.hypot(x, y) for x, y, _ in ways[_AS_SEEN].tolist()]
    palm = a + b + c + 1e-9
    seen = float(ends[17:20].sum())
    unit = seen / palm * length + 1e-6
    scale = (seen + float(ends[13:17].sum())) / (palm + sum(reaches))
    values = np.concatenate([bends, ends[1:13] / length, [tips / length], ends[20:24] / unit])
    return unit, scale, values


_figures = json.loads(FIGURES.read_text(encoding="utf-8"))
_MEANS, _SPREADS = np.array(_figures["means"]), np.array(_figures["spreads"])
_WEIGHTS = np.array(list(_figures["weights"].values()))
_BIASES = np.array(list(_figures["biases"].values()))

SHAPES: tuple[str, ...] = tuple(_figures["weights"])
"""What is told, in the order of `shape_of`: open, closed, pinching."""


def shape_of(measures: Array) -> list[float]:
    """Return how much a hand is open, closed and pinching: 0 is the border, above 0 it is."""
    off = (measures - _MEANS) / _SPREADS
    told: list[float] = (
        _WEIGHTS @ np.minimum(np.maximum(off, -FARTHEST), FARTHEST) + _BIASES
    ).tolist()
    return told

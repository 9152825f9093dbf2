"""The way that a hand goes: its palm and its fingertips over time, free of place, size and pace."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from edgehands.hand import FINGERS, Landmark

if TYPE_CHECKING:
    from edgehands.hand import FloatArray, Hand

    Points = list[list[float]]

Places: TypeAlias = npt.NDArray[np.float64]

STEPS = 20
WIDTH = 12
"""Palm x and y, then x and y of the five fingertips about it."""

_TIPS = [joints[3] for joints in FINGERS.values()]
_PALM = [Landmark.WRIST, Landmark.INDEX_MCP, Landmark.PINKY_MCP]
_CORNERS = [*_PALM, Landmark.MIDDLE_MCP]
_SIDES = ((0, 1), (0, 2), (1, 2))
_BACK = np.linspace(1.0, 0.0, STEPS)
_TIPS_WEIGHT = 0.5  # ten numbers of fingers against two of the palm


def read_place(hand: Hand, time: float, *, mirrored: bool = False) -> Places:
    """Return where a hand is, [14]: time, palm x, y and size in pixels, fingertips about it [10].

    The size is as it would be seen face on. Fingertips are in palm sizes and a right hand's; x is
    turned round in mirrored pictures.
    """
    world = hand.world_landmarks
    points: Points = hand.landmarks[_PALM, :2].tolist()
    corners: Points = world[_CORNERS].tolist()
    length = max(math.dist(corners[0], corners[3]), 1e-6)
    seen = sum([math.dist(points[a], points[b]) for a, b in _SIDES])
    true = sum([math.dist(corners[a][:2], corners[b][:2]) for a, b in _SIDES])
    (ax, ay), (bx, by), (cx, cy) = points
    place = np.empty(WIDTH + 2)
    place[:4] = (
        *(time, (ax + bx + cx) / (-3 if mirrored else 3), (ay + by + cy) / 3),
        max(seen / max(true, 1e-9) * length, 1e-6),
    )
    middle = [sum(axis) / 3 for axis in zip(*corners[:3], strict=True)][:2]
    tips = (world[_TIPS, :2] - middle) * (_TIPS_WEIGHT / length)
    if (hand.handedness == "left") != mirrored:
        tips[:, 0] *= -1
    place[4:] = tips.ravel()
    return place


def way_between(places: Places, begin: float, end: float) -> FloatArray:
    """Return the way [STEPS, WIDTH] between two times, in palm sizes about the palm's mean place.

    Args:
        places: [N, 14], at least two, rising in time.
        begin: seconds.
        end: seconds, after `begin`.
    """
    return np.asarray(ways_until(places, end, np.array([end - begin]))[0])


def ways_until(places: Places, end: float, seconds: Places) -> FloatArray:
    """Return the ways [K, STEPS, WIDTH] of several lengths that end at one time.

    Args:
        places: [N, 14], at least two, rising in time.
        end: seconds.
        seconds: [K] how long each way is.
    """
    times = places[:, 0]
    moments = (end - seconds[:, None] * _BACK).ravel()
    after = np.minimum(np.maximum(times.searchsorted(moments), 1), len(times) - 1)
    before = after - 1
    share = (moments - times[before]) / (times[after] - times[before])
    share = np.minimum(np.maximum(share, 0.0), 1.0)[:, None]
    steps = (places[before] * (1 - share) + places[after] * share).reshape(-1, STEPS, WIDTH + 2)
    palms = steps[:, :, 1:3] - steps[:, :, 1:3].mean(axis=1, keepdims=True)
    palms /= steps[:, :, 3:4].mean(axis=1, keepdims=True)
    return np.concatenate([palms, steps[:, :, 4:]], axis=2, dtype=np.float32)


def extent(way: FloatArray) -> float:
    """Return how far a way goes, palm sizes: the mean distance of its steps from their mean."""
    return float(extents(way[None])[0])


def extents(ways: FloatArray) -> FloatArray:
    """Return how far each of several ways [K, STEPS, WIDTH] goes, [K]."""
    off = ways - ways.mean(axis=1, keepdims=True)
    return np.asarray(np.sqrt(np.einsum("kij,kij->ki", off, off)).mean(axis=1))


def pace(way: FloatArray) -> float:
    """Return how far the palm goes from step to step, palm sizes."""
    steps = np.diff(way[:, :2], axis=0)
    return float(np.sqrt(np.einsum("ij,ij->i", steps, steps)).mean())

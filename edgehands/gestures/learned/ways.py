"""The way that a hand goes: its palm and its fingertips over time, free of place, size and pace."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from edgehands.gestures.motions.moment import read_moment
from edgehands.hand import FINGERS, Landmark

if TYPE_CHECKING:
    from edgehands.hand import FloatArray, Hand

Places: TypeAlias = npt.NDArray[np.float64]

STEPS = 20
WIDTH = 12
"""Palm x and y, then x and y of the five fingertips about it."""

_TIPS = [joints[3] for joints in FINGERS.values()]
_PALM = [Landmark.WRIST, Landmark.INDEX_MCP, Landmark.PINKY_MCP]
_TIPS_WEIGHT = 0.5  # ten numbers of fingers against two of the palm


def read_place(hand: Hand, time: float, *, mirrored: bool = False) -> Places:
    """Return where a hand is, [14]: time, palm x, y and size in pixels, fingertips about it [10].

    Fingertips are in palm sizes and a right hand's; x is turned round in mirrored pictures.
    """
    moment = read_moment(hand, time, mirrored=mirrored)
    world = hand.world_landmarks
    length = math.dist(world[Landmark.MIDDLE_MCP].tolist(), world[Landmark.WRIST].tolist())
    tips = world[_TIPS, :2] - world[_PALM, :2].mean(axis=0)
    tips *= _TIPS_WEIGHT / max(length, 1e-6)
    if (hand.handedness == "left") != mirrored:
        tips[:, 0] *= -1
    place = np.empty(WIDTH + 2)
    place[:4] = time, moment.x, moment.y, moment.unit
    place[4:] = tips.ravel()
    return place


def way_between(places: Places, begin: float, end: float) -> FloatArray:
    """Return the way [STEPS, WIDTH] between two times, in palm sizes about the palm's mean place.

    Args:
        places: [N, 14], at least two, rising in time.
        begin: seconds.
        end: seconds, after `begin`.
    """
    times = places[:, 0]
    moments = np.linspace(begin, end, STEPS)
    after = np.minimum(np.maximum(times.searchsorted(moments), 1), len(times) - 1)
    before = after - 1
    share = (moments - times[before]) / (times[after] - times[before])
    share = np.minimum(np.maximum(share, 0.0), 1.0)[:, None]
    steps = places[before] * (1 - share) + places[after] * share
    palms = (steps[:, 1:3] - steps[:, 1:3].mean(axis=0)) / steps[:, 3].mean()
    return np.concatenate([palms, steps[:, 4:]], axis=1, dtype=np.float32)


def extent(way: FloatArray) -> float:
    """Return how far a way goes, palm sizes: the mean distance of its steps from their mean."""
    off = way - way.mean(axis=0)
    return float(np.sqrt(np.einsum("ij,ij->i", off, off)).mean())

"""The way that a hand goes: its palm and its fingertips over time, free of place, size and pace."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgehands.gestures.motions.moment import read_moment
from edgehands.hand import FINGERS, Landmark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.hand import FloatArray, Hand

STEPS = 20
WIDTH = 12
"""Palm x and y, then x and y of the five fingertips about it."""

_TIPS = [joints[3] for joints in FINGERS.values()]
_PALM = [Landmark.WRIST, Landmark.INDEX_MCP, Landmark.PINKY_MCP]
_TIPS_WEIGHT = 0.5  # ten numbers of fingers against two of the palm


class Place(NamedTuple):
    """Where a hand is at one time."""

    time: float
    palm: tuple[float, float]
    """Pixels."""
    unit: float
    """Palm size, pixels."""
    tips: FloatArray
    """[10] palm sizes about the palm, as a right hand's."""


def read_place(hand: Hand, time: float, *, mirrored: bool = False) -> Place:
    """Measure a hand; x is turned round in mirrored pictures, and of the fingers of left hands."""
    moment = read_moment(hand, time, mirrored=mirrored)
    world = hand.world_landmarks
    length = float(np.linalg.norm(world[Landmark.MIDDLE_MCP] - world[Landmark.WRIST]))
    tips = (world[_TIPS, :2] - world[_PALM, :2].mean(axis=0)) / max(length, 1e-6)
    if (hand.handedness == "left") != mirrored:
        tips[:, 0] *= -1
    return Place(time, (moment.x, moment.y), moment.unit, tips.ravel())


def way_between(places: Sequence[Place], begin: float, end: float) -> FloatArray:
    """Return the way [STEPS, WIDTH] between two times, in palm sizes about the palm's mean place.

    Args:
        places: at least two, rising in time.
        begin: seconds.
        end: seconds, after `begin`.
    """
    times = [place.time for place in places]
    palms = np.array([place.palm for place in places])
    tips = np.array([place.tips for place in places])
    moments = np.linspace(begin, end, STEPS)
    way = np.empty((STEPS, WIDTH), np.float32)
    unit = float(np.mean([place.unit for place in places]))
    for column in range(2):
        way[:, column] = np.interp(moments, times, palms[:, column]) / unit
    way[:, :2] -= way[:, :2].mean(axis=0)
    for column in range(10):
        way[:, 2 + column] = np.interp(moments, times, tips[:, column]) * _TIPS_WEIGHT
    return way


def extent(way: FloatArray) -> float:
    """Return how far a way goes, palm sizes: the mean distance of its steps from their mean."""
    return float(np.linalg.norm(way - way.mean(axis=0), axis=1).mean())

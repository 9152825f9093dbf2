"""The few features of a hand in one frame that motions are read from, computed once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgehands.gestures.motions.shape import REACH, read_form, shape_of
from edgehands.hand import Landmark
from edgehands.settings import TICK

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Sequence

    from edgehands.hand import Hand

    Points = list[list[float]]

_POINTS = np.array(
    [
        *(Landmark.WRIST, Landmark.INDEX_MCP, Landmark.MIDDLE_MCP, Landmark.PINKY_MCP),
        *(Landmark.THUMB_TIP, Landmark.INDEX_TIP, Landmark.MIDDLE_TIP),
    ]
)


class Moment(NamedTuple):
    """A hand at one time. x is to the right and y down in the picture as a camera sees it."""

    time: float
    x: float
    y: float
    """Centre of the palm, pixels."""
    unit: float
    """Palm size as it would be seen face on, pixels: speeds and ways are told in it."""
    scale: float
    """Pixels to a metre: how near the hand is; surer than `unit` while it keeps its shape."""
    aspect: float
    """Width of the palm over its length as the camera sees them: it changes when the hand turns
    away."""
    roll: float
    """Where the palm points: degrees clockwise from up."""
    open: float
    """How much the hand is open; as the next two above 0 if it is, some 3 if there is no doubt."""
    closed: float
    """How much it is a fist."""
    pinching: float
    """How much thumb and index finger pinch."""
    pointing: float
    """How much straighter the index finger is than ring and little finger: -1 to 1."""
    straight: float
    """How straight the index finger is from its PIP joint on: 1 straight, below 0 curled."""
    reach: float
    """From the wrist to the tips of the four fingers, palm sizes: about 1.8 open, 1 in a fist."""
    tips: float
    """From the thumb's tip to the index finger's, palm sizes in the picture."""
    index_tip: tuple[float, float]
    middle_tip: tuple[float, float]
    pinch_point: tuple[float, float]
    """Between the tips of thumb and index; all three in pixels."""


def read_moment(hand: Hand, time: float, *, mirrored: bool = False) -> Moment:
    """Measure a hand.

    Args:
        hand: with landmarks and world landmarks.
        time: seconds.
        mirrored: the picture is mirrored: x is turned round.
    """
    unit, scale, measures = read_form(hand)
    open_, closed, pinching = shape_of(measures)
    told: list[float] = measures.tolist()
    points: Points = hand.landmarks.take(_POINTS, 0).tolist()
    wrist, index, knuckle, pinky, thumb_tip, index_tip, middle_tip = points
    side = -1.0 if mirrored else 1.0
    width = math.hypot(index[0] - pinky[0], index[1] - pinky[1])
    length = math.hypot(knuckle[0] - wrist[0], knuckle[1] - wrist[1])
    return Moment(
        time,
        x=side * (wrist[0] + index[0] + pinky[0]) / 3,
        y=(wrist[1] + index[1] + pinky[1]) / 3,
        unit=unit,
        scale=scale,
        aspect=max(width / max(length, 1e-6), 1e-3),
        roll=math.degrees(math.atan2(side * (knuckle[0] - wrist[0]), wrist[1] - knuckle[1])),
        open=open_,
        closed=closed,
        pinching=pinching,
        pointing=told[0] - (told[2] + told[3]) / 2,
        straight=told[0],
        reach=sum(told[REACH]) / 4,
        tips=told[-1],
        index_tip=(side * index_tip[0], index_tip[1]),
        middle_tip=(side * middle_tip[0], middle_tip[1]),
        pinch_point=(side * (thumb_tip[0] + index_tip[0]) / 2, (thumb_tip[1] + index_tip[1]) / 2),
    )


def keep(recent: deque[Moment], moment: Moment, seconds: float) -> None:
    """Add a moment to the recent ones and drop those that are older than so many seconds."""
    recent.append(moment)
    while moment.time - recent[0].time > seconds + TICK:
        recent.popleft()


def mean(moments: Sequence[Moment], what: str) -> float:
    """Return the mean of what moments measure, such as "open"."""
    told: list[float] = [getattr(moment, what) for moment in moments]
    return sum(told) / len(told)


def lower_quarter(moments: Sequence[Moment], what: str) -> float:
    """Return the mean of the least quarter of what moments measure, such as "open"."""
    told: list[float] = sorted(getattr(moment, what) for moment in moments)
    count = max(len(told) // 4, 1)
    return sum(told[:count]) / count


def upper_quarter(moments: Sequence[Moment], what: str) -> float:
    """Return the mean of the greatest quarter of what moments measure."""
    told: list[float] = sorted(getattr(moment, what) for moment in moments)
    count = max(len(told) // 4, 1)
    return sum(told[-count:]) / count


def moved(before: Moment, after: Moment) -> float:
    """Return how far the palm is from where it was, palm sizes."""
    return math.hypot(after.x - before.x, after.y - before.y) / after.unit


def turned(before: Moment, after: Moment) -> float:
    """Return how far the hand has turned since, degrees clockwise, -180 to 180."""
    return (after.roll - before.roll + 180) % 360 - 180

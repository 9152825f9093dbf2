"""The few features of a hand in one frame that motions are read from, computed once.

Plain floats: on 21 points they are faster than arrays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgehands.hand import FINGERS, Landmark

if TYPE_CHECKING:
    from edgehands.hand import Hand

    Points = list[list[float]]

_PALM = (Landmark.WRIST, Landmark.INDEX_MCP, Landmark.PINKY_MCP)
_PALM_BONES = (
    (Landmark.WRIST, Landmark.INDEX_MCP),
    (Landmark.WRIST, Landmark.PINKY_MCP),
    (Landmark.INDEX_MCP, Landmark.PINKY_MCP),
)
_LONG_FINGERS = tuple(joints for name, joints in FINGERS.items() if name != "thumb")
_LONG_TIPS = tuple(joints[3] for joints in _LONG_FINGERS)
_THUMB_RESTS = (
    *(Landmark.INDEX_MCP, Landmark.INDEX_PIP, Landmark.MIDDLE_MCP, Landmark.MIDDLE_PIP),
    *(Landmark.RING_MCP, Landmark.RING_PIP),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A hand at one time. x is to the right and y down in the picture as a camera sees it."""

    time: float
    x: float
    y: float
    """Centre of the palm, pixels."""
    unit: float
    """Palm size as it would be seen face on, pixels: speeds and ways are told in it."""
    aspect: float
    """Width of the palm over its length as the camera sees them: it changes when the hand turns
    away."""
    roll: float
    """Where the palm points: degrees clockwise from up."""
    straight: tuple[float, float, float, float]
    """Index to pinky: cosine of the bend from the PIP joint on; 1 straight, below 0 curled."""
    reach: float
    """From the wrist to the tips of the four fingers, palm sizes: about 1.8 open, 1 in a fist."""
    pinch: float
    """From the thumb's tip to the index finger's, palm sizes as the camera sees them: the depth of
    fingertips that meet is the least certain of all."""
    tips: float
    """The same in space, with all its doubt."""
    thumb_off: float
    """From the thumb's tip to the nearest knuckle of index, middle or ring, palm sizes."""
    index_tip: tuple[float, float]
    middle_tip: tuple[float, float]
    pinch_point: tuple[float, float]
    """Between the tips of thumb and index; all three in pixels."""

    @property
    def openness(self) -> float:
        """How straight the four fingers are, on the whole: -1 to 1."""
        return sum(self.straight) / 4


def read_moment(hand: Hand, time: float, *, mirrored: bool = False) -> Moment:
    """Measure a hand.

    Args:
        hand: with landmarks and world landmarks.
        time: seconds.
        mirrored: the picture is mirrored: x is turned round.
    """
    points: Points = hand.landmarks.tolist()
    world: Points = hand.world_landmarks.tolist()
    side = -1.0 if mirrored else 1.0
    x = side * (points[0][0] + points[5][0] + points[17][0]) / 3
    y = (points[0][1] + points[5][1] + points[17][1]) / 3
    length = max(math.dist(world[Landmark.WRIST], world[Landmark.MIDDLE_MCP]), 1e-6)
    unit = max(_pixels_per_metre(points, world) * length, 1e-6)
    wrist, knuckle = points[Landmark.WRIST], points[Landmark.MIDDLE_MCP]
    roll = math.degrees(math.atan2(side * (knuckle[0] - wrist[0]), wrist[1] - knuckle[1]))
    across, along = points[Landmark.INDEX_MCP], points[Landmark.PINKY_MCP]
    width = math.hypot(across[0] - along[0], across[1] - along[1])
    aspect = width / max(math.hypot(knuckle[0] - wrist[0], knuckle[1] - wrist[1]), 1e-6)
    thumb, index = world[Landmark.THUMB_TIP], world[Landmark.INDEX_TIP]
    tip, end = points[Landmark.THUMB_TIP], points[Landmark.INDEX_TIP]
    seen_apart = math.hypot(tip[0] - end[0], tip[1] - end[1]) / unit
    told_apart = math.hypot(thumb[0] - index[0], thumb[1] - index[1]) / length
    middle = points[Landmark.MIDDLE_TIP]
    a, b, c, d = _LONG_FINGERS
    return Moment(
        time,
        x,
        y,
        unit,
        max(aspect, 1e-3),
        roll,
        (_straight(world, a), _straight(world, b), _straight(world, c), _straight(world, d)),
        reach=sum([math.dist(world[0], world[tip]) for tip in _LONG_TIPS]) / (4 * length),
        pinch=(seen_apart + told_apart) / 2,
        tips=math.dist(thumb, index) / length,
        thumb_off=min([math.dist(thumb, world[rest]) for rest in _THUMB_RESTS]) / length,
        index_tip=(side * end[0], end[1]),
        middle_tip=(side * middle[0], middle[1]),
        pinch_point=(side * (tip[0] + end[0]) / 2, (tip[1] + end[1]) / 2),
    )


def _pixels_per_metre(points: Points, world: Points) -> float:
    """The palm in the picture over the palm in metres, as both are seen from the camera."""
    seen = true = 1e-9
    for start, end in _PALM_BONES:
        p, q, u, v = points[start], points[end], world[start], world[end]
        seen += math.hypot(q[0] - p[0], q[1] - p[1])
        true += math.hypot(v[0] - u[0], v[1] - u[1])
    return seen / true


def _straight(world: Points, joints: tuple[int, int, int, int]) -> float:
    """Cosine between a finger's first bone and the way from there to its tip."""
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = world[joints[0]], world[joints[1]], world[joints[3]]
    ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, cx - bx, cy - by, cz - bz
    lengths = (ux * ux + uy * uy + uz * uz) * (vx * vx + vy * vy + vz * vz)
    return (ux * vx + uy * vy + uz * vz) / math.sqrt(max(lengths, 1e-18))

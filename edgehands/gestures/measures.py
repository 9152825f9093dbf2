"""What is measured on one hand: numbers of its shape and attitude, each with a name and a unit.

Shape is measured on world landmarks, so that distance and turns on the picture do not matter;
where fingers point, on the picture itself.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from edgehands.gestures.likeness import SHAPES_KNOWN, likenesses
from edgehands.hand import FINGERS, LANDMARK_COUNT, Landmark

if TYPE_CHECKING:
    from edgehands.hand import Hand

    Numbers = npt.NDArray[np.intp]

Array: TypeAlias = npt.NDArray[np.floating]

LONG_FINGERS = ("index", "middle", "ring", "pinky")
_GAPS = ("index_middle", "middle_ring", "ring_pinky")
DIRECTIONS = ("up", "right", "down", "left")
FACINGS = ("camera", "away", "up", "down", "left", "right")


def contrast(one: str, other: str) -> str:
    """Return the name of the measure by which one finger is straighter than another."""
    return f"{one} straight over {other}"


UNITS: dict[str, str] = {
    **{f"{name} bend": "°" for name in FINGERS},
    **{f"{name} stretch": "" for name in LONG_FINGERS},
    **{f"{name} gap": "" for name in _GAPS},
    **{f"thumb to {name}": "palms" for name in LONG_FINGERS},
    **{f"thumb to {name} or others": "palms" for name in LONG_FINGERS},
    "hand bend": "°",
    "thumb reach": "palms",
    "thumb outside": "palms",
    **{f"{name} off {way}": "°" for name in (*FINGERS, "hand") for way in DIRECTIONS},
    **{f"palm off {way}": "°" for way in FACINGS},
    "right hand": "",
    **{f"likeness to {name}": "" for name in SHAPES_KNOWN},
    **{contrast(one, other): "" for one in LONG_FINGERS for other in LONG_FINGERS if one != other},
}
"""The unit of each measure, in the order of `measure`: degrees, palm sizes, or none (ratios)."""

_CHAINS = [(Landmark.WRIST, *joints) for joints in FINGERS.values()]
_MCPS, _PIPS, _TIPS = ([chain[number] for chain in _CHAINS[1:]] for number in (1, 2, 4))

_WORLD_STEPS: dict[str, list[tuple[int, int]]] = {
    "bones": [step for chain in _CHAINS for step in pairwise(chain)],
    "wrist to tips": [(Landmark.WRIST, tip) for tip in _TIPS],
    "wrist to pips": [(Landmark.WRIST, pip) for pip in _PIPS],
    "thumb to tips": [(Landmark.THUMB_TIP, tip) for tip in _TIPS],
    "thumb to joints": [
        (Landmark.THUMB_TIP, joint) for chain in _CHAINS[1:] for joint in chain[1:4]
    ],
    "palm": [(Landmark.WRIST, Landmark.MIDDLE_MCP)],
    "across": [(Landmark.PINKY_MCP, Landmark.INDEX_MCP)],
    "between tips": [(second, first) for first, second in pairwise(_TIPS)],
    "between mcps": [(second, first) for first, second in pairwise(_MCPS)],
    "thumb outside": [(Landmark.INDEX_MCP, Landmark.THUMB_TIP)],
}
"""What is measured between two landmarks in space, from one to the other."""
_SEEN_STEPS: dict[str, list[tuple[int, int]]] = {
    "along": [*((chain[1], chain[4]) for chain in _CHAINS), (Landmark.WRIST, Landmark.MIDDLE_MCP)],
    "thumb to tips": [(Landmark.THUMB_TIP, tip) for tip in _TIPS],
}
"""And in the picture."""


def _places(steps: dict[str, list[tuple[int, int]]]) -> dict[str, slice]:
    """Return where in a table each kind of step is."""
    ends = np.cumsum([len(each) for each in steps.values()]).tolist()
    return {
        name: slice(end - len(each), end)
        for (name, each), end in zip(steps.items(), ends, strict=True)
    }


def _differences(steps: dict[str, list[tuple[int, int]]]) -> Array:
    """Return [steps, 21] that makes steps of landmarks, all in one product."""
    each = [step for kind in steps.values() for step in kind]
    matrix = np.zeros((len(each), LANDMARK_COUNT), np.float32)
    for row, (begin, end) in enumerate(each):
        matrix[row, begin], matrix[row, end] = -1, 1
    return matrix


_WORLD, _SEEN = _differences(_WORLD_STEPS), _differences(_SEEN_STEPS)
_AT, _SEEN_AT = _places(_WORLD_STEPS), _places(_SEEN_STEPS)
_COUNT = len(_WORLD)
_SEEN_PALM = _SEEN_AT["along"].stop - 1
_ACROSS = _AT["across"].start
# In the table of all products of two steps: the lengths squared, those of each two bones that a
# joint has between them, and those with the way across the palm.
_BEFORE_JOINTS = [4 * finger + bone for finger in range(5) for bone in range(3)]
_PRODUCTS = np.array(
    [
        *(number * (_COUNT + 1) for number in range(_ACROSS + 1)),
        *(number * (_COUNT + 1) + 1 for number in _BEFORE_JOINTS),
        *(_ACROSS * _COUNT + number for number in range(_ACROSS + 1, _COUNT)),
    ]
)
_LENGTHS, _JOINTS = slice(0, _ACROSS + 1), slice(_ACROSS + 1, _ACROSS + 16)
_BETWEEN_TIPS, _BETWEEN_MCPS = (slice(_ACROSS + first, _ACROSS + first + 3) for first in (16, 19))
_BEFORE, _AFTER = np.array(_BEFORE_JOINTS), np.array(_BEFORE_JOINTS) + 1

_BENDS = np.zeros((6, 15), np.float32)  # the bend of each finger, and the mean of the long ones
for _finger in range(5):
    _BENDS[_finger, 3 * _finger : 3 * _finger + 3] = 1
_BENDS[5] = _BENDS[1:5].mean(axis=0)


def _nearest_joints() -> Numbers:
    """Return [5, 12]: numbers of the thumb's steps to joints of other fingers, and to all joints.

    A thumb that is nearer to the middle of another finger than to a tip lies on that finger.
    """
    to_joints = np.arange(12).reshape(4, 3) + _AT["thumb to joints"].start
    middles = [np.delete(to_joints, finger, axis=0)[:, 1:].ravel() for finger in range(4)]
    return np.array([*(np.tile(each, 2) for each in middles), to_joints.ravel()])


_NEAREST = _nearest_joints()
_THUMB_CREDIT = 100.0  # degrees of bend that a palm size of reach makes good, in a flat hand
_THUMB_BESIDE = 0.44  # palm sizes of reach of a thumb that lies along a flat hand
_BEARINGS = np.array([0.0, 90.0, 180.0, -90.0])
_CONTRASTED = np.array([(a, b) for a in range(4) for b in range(4) if a != b]).T
_CORNERS = np.array([Landmark.WRIST, Landmark.INDEX_MCP, Landmark.PINKY_MCP])
_MIRROR = np.array([-1.0, 1.0, 1.0], np.float32)
_TINY = 1e-6


def measure(hand: Hand, *, mirrored: bool = False) -> Array:
    """Return every measure of `UNITS`, in that order.

    Args:
        hand: as the tracker returned it.
        mirrored: it was seen in a mirror: left and right are swapped back.
    """
    world, landmarks = hand.world_landmarks, hand.landmarks
    if mirrored:
        world, landmarks = world * _MIRROR, landmarks * _MIRROR
    steps = _WORLD @ world
    products = (steps @ steps.T).ravel().take(_PRODUCTS)
    lengths = np.sqrt(np.maximum(products[_LENGTHS], _TINY * _TINY))
    palm = float(lengths[_ACROSS - 1])
    joints = products[_JOINTS] / (lengths.take(_BEFORE) * lengths.take(_AFTER))
    facings = _facing_cosines(world, right=hand.handedness == "right")
    angles = _angles(np.concatenate([joints, facings]))
    bends = _BENDS @ angles[:15]
    stretches = lengths[_AT["wrist to tips"]] / lengths[_AT["wrist to pips"]]
    # How far tips are apart sideways, in the distance of their knuckles; and how far outside of the
    # index knuckle the thumb's is.
    across = float(lengths[_ACROSS])
    gaps = products[_BETWEEN_TIPS] / np.maximum(products[_BETWEEN_MCPS], 0.1 * palm * across)
    outside = float(products[-1]) / (across * palm)
    lengths /= palm
    to_tips, nearest = lengths[_AT["thumb to tips"]], np.minimum.reduce(lengths.take(_NEAREST), 1)
    along, seen = _seen(landmarks)
    # The picture knows best how near two tips are; the world, whether one is behind the other.
    touches = (to_tips + seen) / 2
    reach = float(nearest[4])
    flatness = float(bends[5]) - _THUMB_CREDIT * (reach - _THUMB_BESIDE)
    single = (flatness, reach, outside)
    shape = np.concatenate([bends[:5], stretches, gaps, touches, to_tips - nearest[:4], single])
    right = hand.handedness_score if hand.handedness == "right" else 1 - hand.handedness_score
    one, other = stretches.take(_CONTRASTED)
    return np.concatenate(
        [shape, _off_directions(along), angles[15:], (right,), likenesses(shape), one - other]
    )


def _seen(landmarks: Array) -> tuple[Array, Array]:
    """Look at the picture.

    Returns:
        Where the fingers and the palm point, [6, 2] pixels, and how far each fingertip is from the
        thumb's in palm sizes, [4].
    """
    steps = _SEEN @ landmarks
    squares = steps * steps
    palm = math.sqrt(sum(squares[_SEEN_PALM].tolist()))
    tips = squares[_SEEN_AT["thumb to tips"]]
    return steps[_SEEN_AT["along"]], np.sqrt(tips[:, 0] + tips[:, 1]) / max(palm, _TINY)


def _off_directions(along: Array) -> Array:
    """Degrees between where the fingers and the palm point and each direction, [24]."""
    bearings = np.degrees(np.arctan2(along[:, 0], -along[:, 1]))
    off = np.abs(bearings[:, None] - _BEARINGS)
    return np.asarray(np.minimum(off, 360.0 - off)).ravel()


def _facing_cosines(world: Array, *, right: bool) -> tuple[float, ...]:
    """Cosines between the palm's outward normal and each way it can face."""
    (x, y, z), (ax, ay, az), (bx, by, bz) = world.take(_CORNERS, axis=0).tolist()
    ax, ay, az, bx, by, bz = ax - x, ay - y, az - z, bx - x, by - y, bz - z
    normal = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    sign = (1.0 if right else -1.0) / max(math.hypot(*normal), _TINY * _TINY)
    x, y, z = (sign * part for part in normal)
    return -z, z, -y, y, -x, x


def _angles(cosines: Array) -> Array:
    """Degrees; np.clip would take longer than all of this."""
    return np.asarray(np.degrees(np.arccos(np.minimum(np.maximum(cosines, -1.0), 1.0))))

"""What is measured on one hand: numbers of its shape and attitude, each with a name and a unit.

Shape is measured on world landmarks, so that distance and turns on the picture do not matter;
where fingers point, on the picture itself.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from edgehands.gestures.likeness import SHAPES_KNOWN, likenesses
from edgehands.hand import FINGERS, Landmark

if TYPE_CHECKING:
    from edgehands.hand import Hand

Array: TypeAlias = npt.NDArray[np.floating]

LONG_FINGERS = ("index", "middle", "ring", "pinky")
_GAPS = ("index_middle", "middle_ring", "ring_pinky")
DIRECTIONS = ("up", "right", "down", "left")
FACINGS = ("camera", "away", "up", "down", "left", "right")

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
}
"""The unit of each measure, in the order of `measure`: degrees, palm sizes, or none (ratios)."""

_CHAINS = np.array([[Landmark.WRIST, *joints] for joints in FINGERS.values()])
_TIPS = _CHAINS[1:, 4]
_OTHER_JOINTS = _CHAINS[1:, 1:4].ravel()

# Every distance comes from one subtraction: bones, tips and middle joints to the wrist, the thumb's
# tip to the other tips and joints, and the palm size.
_FROM = np.concatenate(
    [
        _CHAINS[:, :-1].ravel(),
        np.zeros(8, int),
        np.full(4 + len(_OTHER_JOINTS), Landmark.THUMB_TIP),
        [Landmark.WRIST],
    ]
)
_TO = np.concatenate(
    [_CHAINS[:, 1:].ravel(), _TIPS, _CHAINS[1:, 2], _TIPS, _OTHER_JOINTS, [Landmark.MIDDLE_MCP]]
)
_BONES = slice(0, 20)
_WRIST_TO_TIPS, _WRIST_TO_PIPS = slice(20, 24), slice(24, 28)
_THUMB_TO_TIPS, _THUMB_TO_JOINTS = slice(28, 32), slice(32, 44)

_FIRST = np.append(_CHAINS[:, 1], Landmark.WRIST)
_LAST = np.append(_CHAINS[:, 4], Landmark.MIDDLE_MCP)
_MCPS = _CHAINS[1:, 1]
_INDEX_AND_PINKY = np.array([Landmark.INDEX_MCP, Landmark.PINKY_MCP])
_LATERAL = np.concatenate([_MCPS, _TIPS, [Landmark.THUMB_TIP]])
_OTHERS = np.where(np.eye(4, dtype=bool), np.inf, 0.0)
_THUMB_CREDIT = 100.0  # degrees of bend that a palm size of reach makes good, in a flat hand
_THUMB_BESIDE = 0.44  # palm sizes of reach of a thumb that lies along a flat hand
_BEARINGS = np.array([0.0, 90.0, 180.0, -90.0])
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
    steps = world[_TO] - world[_FROM]
    lengths = np.maximum(np.sqrt(np.einsum("ij,ij->i", steps, steps)), _TINY)
    palm = lengths[-1]
    joints = _joint_cosines(steps[_BONES], lengths[_BONES])
    facings = _facing_cosines(world, right=hand.handedness == "right")
    angles = _angles(np.concatenate([joints, facings]))
    bends, facing = angles[:15].reshape(5, 3).sum(axis=1), angles[15:]
    stretches = lengths[_WRIST_TO_TIPS] / lengths[_WRIST_TO_PIPS]
    gaps, outside = _gaps(world, palm)
    # The picture knows best how near two tips are; the world, whether one is behind the other.
    touches = (lengths[_THUMB_TO_TIPS] / palm + _tips_seen(landmarks)) / 2
    to_joints = lengths[_THUMB_TO_JOINTS].reshape(4, 3) / palm
    # A thumb that is nearer to the middle of another finger than to a tip lies on that finger.
    nearer = lengths[_THUMB_TO_TIPS] / palm - (to_joints[:, 1:].min(axis=1) + _OTHERS).min(axis=1)
    reach = to_joints.min()
    flatness = bends[1:].sum() / 4 - _THUMB_CREDIT * (reach - _THUMB_BESIDE)
    off = _off_directions(landmarks)
    right = hand.handedness_score if hand.handedness == "right" else 1 - hand.handedness_score
    single = (flatness, reach, outside)
    shape = np.concatenate([bends, stretches, gaps, touches, nearer, single])
    measures: Array = np.concatenate([shape, off, facing, (right,), likenesses(shape)])
    return measures


def _joint_cosines(bones: Array, lengths: Array) -> Array:
    """Cosines at each finger's three joints, [15]: 1 where two bones are in line."""
    units = (bones / lengths[:, None]).reshape(5, 4, 3)
    return np.asarray(np.einsum("ijk,ijk->ij", units[:, :-1], units[:, 1:])).ravel()


def _gaps(world: Array, palm: float) -> tuple[Array, float]:
    """How far tips are apart sideways.

    Returns:
        For each two neighbours, in the distance of their knuckles, [3]; and for the thumb how far
        outside of the index knuckle it lies, in palm sizes.
    """
    axis = world[Landmark.INDEX_MCP] - world[Landmark.PINKY_MCP]
    sideways = world[_LATERAL] @ axis / max(math.sqrt(float(axis @ axis)), _TINY)
    knuckles, tips, thumb = sideways[:4], sideways[4:8], sideways[8]
    gaps = (tips[:-1] - tips[1:]) / np.maximum(knuckles[:-1] - knuckles[1:], 0.1 * palm)
    return gaps, float(thumb - knuckles[0]) / palm


def _tips_seen(landmarks: Array) -> Array:
    """How far each fingertip is from the thumb's in the picture, in palm sizes, [4]."""
    palm = landmarks[Landmark.MIDDLE_MCP] - landmarks[Landmark.WRIST]
    steps = landmarks[_TIPS, :2] - landmarks[Landmark.THUMB_TIP, :2]
    return np.asarray(
        np.sqrt(np.einsum("ij,ij->i", steps, steps)) / max(math.sqrt(float(palm @ palm)), _TINY)
    )


def _off_directions(landmarks: Array) -> Array:
    """Degrees between where the fingers and the palm point and each direction, [24]."""
    along = landmarks[_LAST, :2] - landmarks[_FIRST, :2]
    bearings = np.degrees(np.arctan2(along[:, 0], -along[:, 1]))
    off = np.abs(bearings[:, None] - _BEARINGS)
    return np.asarray(np.minimum(off, 360.0 - off)).ravel()


def _facing_cosines(world: Array, *, right: bool) -> tuple[float, ...]:
    """Cosines between the palm's outward normal and each way it can face."""
    (ax, ay, az), (bx, by, bz) = (world[_INDEX_AND_PINKY] - world[Landmark.WRIST]).tolist()
    normal = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    sign = (1.0 if right else -1.0) / max(math.hypot(*normal), _TINY * _TINY)
    x, y, z = (sign * part for part in normal)
    return -z, z, -y, y, -x, x


def _angles(cosines: Array) -> Array:
    """Degrees; np.clip would take longer than all of this."""
    return np.asarray(np.degrees(np.arccos(np.minimum(np.maximum(cosines, -1.0), 1.0))))

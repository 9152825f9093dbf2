"""The skin as a signed-distance function: how far a point is from the hand, negative inside.

Each bone carries a tapered capsule. Capsules of one finger melt into each other, and a finger's
first bone melts into the palm; but two fingers only touch, as skin does. A smooth union with a
finite reach makes that cheap: a capsule farther away than the reach changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from edgehands.synthetic.anatomy import Anatomy
    from edgehands.synthetic.pose import Array, Skeleton

Points: TypeAlias = npt.NDArray[np.float32]
Picks: TypeAlias = npt.NDArray[np.intp]

PALM, FOREARM, GROUPS = 0, 6, 7
"""Group numbers and how many there are; 1 to 5 are the fingers, from the thumb."""

FOREARM_LENGTH = 600.0
"""Millimetres; longer than an arm, so that it leaves the picture wherever the hand is."""

_FAR = np.float32(1e3)
_BLEND = {PALM: 10.0, FOREARM: 10.0}
_FINGER_BLEND, _ROOT_BLEND, _TOUCH_BLEND = 3.5, 5.0, 1.2
"""Millimetres over which capsules melt: in a finger, a finger's root in the palm, two fingers."""


@dataclass(frozen=True, slots=True)
class Capsule:
    """A tapered capsule of one group."""

    a: Array
    b: Array
    radius_a: float
    radius_b: float
    group: int
    root: bool = False
    """A finger's first bone, which melts into the palm too."""


@dataclass(frozen=True, slots=True)
class Field:
    """The distance field of one posed hand."""

    capsules: tuple[Capsule, ...]

    def distance(self, points: Points, picks: list[Picks] | None = None) -> Points:
        """Return the distance [N] of points [N, 3] in millimetres of the hand frame.

        Args:
            points: Points of the hand frame.
            picks: For each capsule, which points can be near it; None: all of them.
        """
        return np.asarray(self._union(points, picks, rows=1)[0])

    def gradient(self, points: Points, picks: list[Picks] | None = None) -> Points:
        """Return the outward normal [N, 3] of the surface at points on it."""
        normal = self._union(points, picks, rows=4)[1:]
        normal /= np.maximum(np.sqrt((normal * normal).sum(axis=0)), 1e-9)
        return np.ascontiguousarray(normal.T)

    def _union(self, points: Points, picks: list[Picks] | None, rows: int) -> Points:
        """Return [rows, N]: the distance and, with four rows, its gradient."""
        groups = np.zeros((GROUPS, rows, len(points)), np.float32)
        groups[:, 0] = _FAR
        columns = np.ascontiguousarray(points.T)
        every = np.arange(len(points)) if picks is None else None
        for i, capsule in enumerate(self.capsules):
            pick = picks[i] if picks is not None else every
            if pick is None or not len(pick):
                continue
            value = _capsule(capsule, columns[:, pick], rows)
            own = groups[capsule.group]
            own[:, pick] = _melt(own[:, pick], value, _BLEND.get(capsule.group, _FINGER_BLEND))
            if capsule.root:
                palm = groups[PALM]
                palm[:, pick] = _melt(palm[:, pick], value, _ROOT_BLEND)
        total = _melt(groups[PALM], groups[FOREARM], _BLEND[FOREARM])
        for finger in groups[1:FOREARM]:
            near = np.flatnonzero(finger[0] < _FAR)
            if len(near):
                total[:, near] = _melt(total[:, near], finger[:, near], _TOUCH_BLEND)
        return total


def _capsule(capsule: Capsule, points: Points, rows: int) -> Points:
    """Return [rows, N] for points [3, N]: distance, then gradient (that of an even capsule)."""
    axis = capsule.b - capsule.a
    unit = (axis / (axis @ axis)).astype(np.float32)
    x, y, z = points - capsule.a.astype(np.float32)[:, None]
    along = (x * unit[0] + y * unit[1] + z * unit[2]).clip(0.0, 1.0)
    x -= along * np.float32(axis[0])
    y -= along * np.float32(axis[1])
    z -= along * np.float32(axis[2])
    length = np.sqrt(x * x + y * y + z * z)
    value = np.empty((rows, len(x)), np.float32)
    value[0] = length - np.float32(capsule.radius_a)
    value[0] -= along * np.float32(capsule.radius_b - capsule.radius_a)
    if rows > 1:
        value[1:] = (x, y, z) / np.maximum(length, 1e-6)
    return value


def _melt(a: Points, b: Points, reach: float) -> Points:
    """Smooth minimum of the first row over `reach`; further rows are mixed alike."""
    share = ((b[0] - a[0]) * np.float32(0.5 / reach) + np.float32(0.5)).clip(0.0, 1.0)
    mixed = np.asarray(b + (a - b) * share)
    mixed[0] -= np.float32(reach) * share * (1 - share)
    return mixed


def build_field(anatomy: Anatomy, skeleton: Skeleton) -> Field:
    """Dress a posed skeleton with flesh."""
    return Field((*_palm(skeleton), *_forearm(skeleton), *_fingers(anatomy, skeleton)))


def _fingers(anatomy: Anatomy, skeleton: Skeleton) -> list[Capsule]:
    joints = skeleton.joints
    return [
        Capsule(
            joints[1 + 4 * i + bone],
            joints[2 + 4 * i + bone],
            finger.radii[bone],
            finger.radii[bone + 1],
            group=1 + i,
            root=bone == 0,
        )
        for i, finger in enumerate(anatomy.fingers)
        for bone in range(3)
    ]


def _palm(skeleton: Skeleton) -> list[Capsule]:
    joints = skeleton.joints

    def flesh(a: Array, b: Array, radius_a: float, radius_b: float) -> Capsule:
        return Capsule(a, b, radius_a, radius_b, PALM)

    def between(a: int, b: int, share: float) -> Array:
        return np.asarray(joints[a] + share * (joints[b] - joints[a]))

    carpals = {
        5: (11.0, -14.0, -1.0),
        9: (3.0, -14.0, 1.0),
        13: (-6.0, -13.0, 0.0),
        17: (-14.0, -12.0, -2.0),
    }
    pad = np.array([[0.0, 30.0, -7.0], [0.0, 8.0, -7.0]])
    parts = []
    for mcp, base in carpals.items():
        head = joints[mcp]
        parts.append(flesh(np.array(base), head + np.array((0.0, 3.0, -1.0)), 13.0, 10.6))
        # The pads under the knuckles: the palm is thicker than its bones.
        parts.append(flesh(head + pad[0], head + pad[1], 9.0, 9.0))
    parts.append(flesh(np.array((-20.0, -14.0, -8.0)), np.array((-34.0, -54.0, -7.0)), 12.5, 11.0))
    # The ball of the thumb, and the fold of skin between thumb and index finger.
    parts.append(flesh(np.array((13.0, -18.0, -11.0)), between(1, 2, 0.72), 13.5, 12.5))
    parts.append(flesh(np.array((8.0, -30.0, -8.0)), between(1, 2, 0.85), 13.0, 11.0))
    parts.append(flesh(between(1, 2, 0.62), between(0, 5, 0.70), 8.5, 8.5))
    for a, b in ((5, 9), (9, 13), (13, 17)):
        parts.append(flesh(between(a, a + 1, 0.2), between(b, b + 1, 0.2), 7.0, 7.0))
    return parts


def _forearm(skeleton: Skeleton) -> list[Capsule]:
    turn = skeleton.forearm

    def bone(side: float) -> Capsule:
        a = turn @ np.array((13.0 * side, -6.0, 0.0))
        b = turn @ np.array((22.0 * side, FOREARM_LENGTH, 0.0))
        return Capsule(a, b, 16.5, 38.0, FOREARM)

    middle = Capsule(np.zeros(3), turn @ np.array((0.0, FOREARM_LENGTH, 0.0)), 16.0, 42.0, FOREARM)
    return [bone(1.0), middle, bone(-1.0)]

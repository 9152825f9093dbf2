"""The colours of skin, nails and creases, and of a sleeve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edgehands.synthetic.anatomy import Anatomy
    from edgehands.synthetic.pose import Skeleton
    from edgehands.synthetic.surface import Points

Colour = tuple[float, float, float]

TONES: tuple[Colour, ...] = (
    (0.86, 0.62, 0.52),
    (0.78, 0.53, 0.42),
    (0.66, 0.42, 0.31),
    (0.50, 0.30, 0.21),
    (0.34, 0.19, 0.125),
    (0.19, 0.105, 0.07),
)
"""Linear RGB reflectance of the back of a hand, from very light to very dark."""

_PALM_TONE = np.array([0.80, 0.52, 0.43], np.float32)
"""The inside of a hand has little pigment: every palm leans towards this."""
_NAIL = np.array([1.10, 1.04, 1.06], np.float32)
"""A nail's colour over that of the palm."""
_SLEEVE_BEGINS = 22.0
"""Millimetres from the wrist to the elbow's side."""
_LINES = (
    np.array([[38, -62], [22, -62], [8, -50], [2, -34], [4, -12]], np.float32),
    np.array([[38, -63], [18, -60], [-6, -48], [-32, -38]], np.float32),
    np.array([[-46, -60], [-28, -66], [-4, -74], [8, -86]], np.float32),
)
"""The three long lines of a palm: x and y of the hand frame, millimetres."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one person's hand is coloured like."""

    tone: Colour = TONES[1]
    """Linear RGB reflectance."""
    sleeve: Colour | None = None
    """Cloth from the wrist on; None: a bare arm."""


@dataclass(slots=True)
class _Coat:
    """What skin is like at each of N points; all 0 to 1 but the claim."""

    points: Points
    normals: Points
    inside: Points
    """The palm's side of a hand rather than its back."""
    crease: Points
    nail: Points
    flush: Points
    """Blood under the skin."""
    claim: Points
    """Millimetres to the bone that a point belongs to so far."""


def paint(
    look: Look, anatomy: Anatomy, skeleton: Skeleton, points: Points, normals: Points
) -> Points:
    """Return the reflectance [N, 3], linear RGB, of surface points of the hand frame."""
    coat = _palm_coat(points, normals)
    for finger, bones in enumerate(anatomy.fingers):
        for bone in range(3):
            radius = bones.radii[bone + 1]
            _coat_bone(coat, skeleton, (finger, bone), radius)
    tone = np.array(look.tone, np.float32)
    # The darker the skin, the more the palm differs from it.
    palm = tone + (_PALM_TONE - tone) * np.float32(0.25 + 0.35 * (1.0 - tone[0]))
    colour = tone + (palm - tone) * coat.inside[:, None]
    colour *= 1 + coat.flush[:, None] * np.array([0.04, -0.10, -0.08], np.float32)
    colour += (palm * _NAIL - colour) * (0.85 * coat.nail[:, None])
    colour *= 1 - coat.crease[:, None] * np.array([0.16, 0.25, 0.27], np.float32)
    colour *= 1 + 0.018 * _mottle(points)[:, None]
    if look.sleeve is not None:
        colour[points @ skeleton.forearm[:, 1].astype(np.float32) > _SLEEVE_BEGINS] = look.sleeve
    return np.asarray(colour, np.float32)


def _palm_coat(points: Points, normals: Points) -> _Coat:
    """Coat everything as if it were the palm or the arm."""
    inside = _step(-normals[:, 2], -0.1, 0.5) * (1 - _step(points[:, 1], -8.0, 8.0))
    zero = np.zeros(len(points), np.float32)
    return _Coat(
        points,
        normals,
        inside=inside,
        crease=_palm_lines(points) * inside,
        nail=zero,
        flush=zero.copy(),
        claim=zero + np.float32(1e3),
    )


def _coat_bone(coat: _Coat, skeleton: Skeleton, number: tuple[int, int], radius: float) -> None:
    """Coat the points that lie around one finger bone and not nearer to an earlier one."""
    finger, bone = number
    start, end = skeleton.joints[1 + 4 * finger + bone : 3 + 4 * finger + bone]
    length = float(np.linalg.norm(end - start))
    frame = skeleton.frames[finger, bone].astype(np.float32)
    across, back, out = ((coat.points - start.astype(np.float32)) @ frame).T
    along = -back
    # The flesh of the last bone goes on behind the TIP landmark.
    beyond = np.maximum(-along, along - length * (1.4 if bone == 2 else 1.0)).clip(0)
    away = np.hypot(across, out) + beyond
    first = 0.35 * length if bone == 0 else 0.0
    own = np.flatnonzero((away < coat.claim) & (away < radius + 4.0) & (along > first))
    across, along, side = across[own], along[own], coat.normals[own] @ frame[:, 2]
    coat.claim[own] = away[own]
    if number != (0, 0):  # the thumb's metacarpal lies in the palm
        coat.inside[own] = _step(-side, -0.05, 0.45)
    coat.crease[own] = _joint_creases(along, side) if bone else 0.0
    coat.flush[own] = _step(along, 0.3 * length, 0.9 * length) if bone == 2 else 0.0
    if bone == 2:
        wide, high = across / (0.76 * radius), (along - 0.82 * length) / (0.40 * length)
        shape, above = (wide**4 + high**4) ** 0.25, _step(side, 0.25, 0.45)
        coat.nail[own] = (1 - _step(shape, 0.9, 1.0)) * above
        coat.crease[own] += 0.8 * np.exp(-(((shape - 1.02) / 0.07) ** 2)) * above


def _joint_creases(along: Points, side: Points) -> Points:
    """Skin folds in one line under a joint and gathers in two above it."""
    under = np.exp(-((along - 1.0) ** 2) / 1.2) * _step(-side, 0.1, 0.6)
    above = np.exp(-((along + 2.5) ** 2) / 1.5) + np.exp(-((along - 1.0) ** 2) / 1.5)
    return np.asarray(under + 0.6 * above * _step(side, 0.4, 0.8), np.float32)


def _palm_lines(points: Points) -> Points:
    gap = np.full(len(points), 1e3, np.float32)
    for line in _LINES:
        for start, axis in zip(line, np.diff(line, axis=0), strict=False):
            offset = points[:, :2] - start
            share = (offset @ (axis / (axis @ axis))).clip(0, 1)
            offset -= share[:, None] * axis
            gap = np.minimum(gap, np.hypot(offset[:, 0], offset[:, 1]))
    return np.asarray(np.exp(-((gap / 1.1) ** 2)), np.float32)


def _mottle(points: Points) -> Points:
    """Uneven skin: crossed waves of some millimetres."""
    directions = np.array(
        [
            [0.31, 0.12, -0.05, 0.47, 0.23],
            [0.07, -0.37, 0.21, 0.13, -0.41],
            [0.23, 0.29, -0.33, -0.19, 0.11],
        ],
        np.float32,
    )
    waves = np.sin(points @ directions + np.arange(5, dtype=np.float32))
    return np.asarray(waves.sum(axis=1) * 0.5 + waves[:, 0] * waves[:, 2] * waves[:, 3])


def _step(value: Points, low: float, high: float) -> Points:
    """Return 0 below `low`, 1 above `high`, smoothly between."""
    share = ((value - np.float32(low)) / np.float32(high - low)).clip(0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)

"""Joint angles, the named gestures, and forward kinematics: from angles to 21 joints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from edgehands.hand import LANDMARK_COUNT

if TYPE_CHECKING:
    from edgehands.synthetic.anatomy import Anatomy, Finger

Array: TypeAlias = npt.NDArray[np.float64]
FingerAngles: TypeAlias = tuple[float, float, float, float]
ThumbAngles: TypeAlias = tuple[float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Pose:
    """Every joint angle of a hand, degrees; 0 is a straight bone.

    A finger has (MCP flexion, spread, PIP flexion, DIP flexion): flexion bends to the palm, spread
    turns to the thumb's side. The thumb has (spread, lift, roll, MCP flexion, IP flexion): at 0 it
    would lie along the index finger's metacarpal; spread turns it sideways, lift off the palm's
    plane, and roll turns it about itself until its pad faces the fingers.
    """

    thumb: ThumbAngles
    index: FingerAngles
    middle: FingerAngles
    ring: FingerAngles
    pinky: FingerAngles
    wrist: tuple[float, float] = (0.0, 0.0)
    """The forearm's turn against the hand: to the back of the hand, and to the thumb's side."""

    @property
    def fingers(self) -> tuple[FingerAngles, FingerAngles, FingerAngles, FingerAngles]:
        """Index to pinky."""
        return self.index, self.middle, self.ring, self.pinky

    def to_array(self) -> Array:
        """Return all 23 angles as one vector."""
        return np.concatenate([self.thumb, *self.fingers, self.wrist])

    @classmethod
    def from_array(cls, angles: Array) -> Pose:
        """Build a pose from `to_array`'s vector."""
        a = [float(angle) for angle in angles]
        return cls(
            (a[0], a[1], a[2], a[3], a[4]),
            (a[5], a[6], a[7], a[8]),
            (a[9], a[10], a[11], a[12]),
            (a[13], a[14], a[15], a[16]),
            (a[17], a[18], a[19], a[20]),
            (a[21], a[22]),
        )


def interpolate(start: Pose, end: Pose, share: float) -> Pose:
    """Return the pose on the way from `start` (share 0) to `end` (share 1), joint by joint."""
    return Pose.from_array((1.0 - share) * start.to_array() + share * end.to_array())


def varied(pose: Pose, rng: np.random.Generator, degrees: float = 4.0) -> Pose:
    """Return the pose as another person might hold it: every angle off by about `degrees`."""
    return Pose.from_array(pose.to_array() + rng.normal(0.0, degrees, 23))


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A posed hand in the hand frame, millimetres."""

    joints: Array
    """[21, 3] in landmark order."""
    frames: Array
    """[5, 3, 3, 3]: for each finger's three bones a rotation; its columns are the bone's own axes:
    x about which it bends, y back along the bone, z out of the nail's side."""
    forearm: Array
    """[3, 3]: a rotation whose columns are the forearm's own axes; y points to the elbow."""


def rotation_x(degrees: float) -> Array:
    """Rotation matrix about x: turns the fingers' direction (-y) to the palm (-z)."""
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def rotation_y(degrees: float) -> Array:
    """Rotation matrix about y: turns the back of a bone (z) to the thumb's side (x)."""
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def rotation_z(degrees: float) -> Array:
    """Rotation matrix about z: turns the fingers' direction (-y) to the thumb's side (x)."""
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def pose_skeleton(anatomy: Anatomy, pose: Pose) -> Skeleton:
    """Forward kinematics: turn every joint, then walk along the bones."""
    joints = np.empty((LANDMARK_COUNT, 3))
    joints[0] = anatomy.wrist
    frames = np.empty((5, 3, 3, 3))
    for i, finger in enumerate(anatomy.fingers):
        frames[i] = (
            _thumb_frames(pose.thumb) if i == 0 else _finger_frames(finger, pose.fingers[i - 1])
        )
        joints[1 + 4 * i] = finger.root
        for bone, length in enumerate(finger.lengths):
            joints[2 + 4 * i + bone] = joints[1 + 4 * i + bone] - length * frames[i, bone, :, 1]
    forearm = rotation_z(pose.wrist[1]) @ rotation_x(pose.wrist[0])
    return Skeleton(joints, frames, forearm)


def _finger_frames(finger: Finger, angles: FingerAngles) -> Array:
    mcp, spread, pip, dip = angles
    # The bend axis turns with the roll, so curled fingers converge on the base of the thumb.
    first = rotation_z(finger.fan + spread) @ rotation_y(finger.roll) @ rotation_x(mcp)
    second = first @ rotation_x(pip)
    return np.stack([first, second, second @ rotation_x(dip)])


def _thumb_frames(angles: ThumbAngles) -> Array:
    spread, lift, roll, mcp, ip = angles
    first = rotation_z(spread) @ rotation_x(lift) @ rotation_y(roll)
    second = first @ rotation_x(mcp)
    return np.stack([first, second, second @ rotation_x(ip)])


_STRAIGHT: FingerAngles = (4.0, 0.0, 4.0, 3.0)
_CURLED: FingerAngles = (82.0, 0.0, 102.0, 62.0)
_THUMB_OUT: ThumbAngles = (48.0, 12.0, 50.0, 8.0, 4.0)
_THUMB_UP: ThumbAngles = (54.0, 10.0, 71.0, -15.0, -18.0)
_THUMB_ON_INDEX: ThumbAngles = (44.0, 34.0, 56.0, 58.0, 67.0)
_THUMB_ON_MIDDLE: ThumbAngles = (35.0, 38.0, 62.0, 58.0, 63.0)
_THUMB_ON_RING: ThumbAngles = (38.0, 48.0, 68.0, 61.0, 67.0)
_THUMB_ON_PINKY: ThumbAngles = (30.0, 54.0, 77.0, 65.0, 54.0)
_THUMB_ON_PALM: ThumbAngles = (24.0, 40.0, 96.0, 62.0, 70.0)


def _spread(angles: FingerAngles, degrees: float) -> FingerAngles:
    return angles[0], angles[1] + degrees, angles[2], angles[3]


_INDEX = _spread(_STRAIGHT, 7.0)
_RING = _spread(_STRAIGHT, -7.0)
_PINKY = _spread(_STRAIGHT, -14.0)

GESTURES: dict[str, Pose] = {
    "open_palm": Pose(_THUMB_OUT, _INDEX, _STRAIGHT, _RING, _PINKY),
    "fist": Pose(_THUMB_ON_INDEX, _CURLED, _CURLED, _CURLED, _CURLED),
    "victory": Pose(
        _THUMB_ON_RING, _spread(_STRAIGHT, 10.0), _spread(_STRAIGHT, -10.0), _CURLED, _CURLED
    ),
    "pointing_up": Pose(_THUMB_ON_MIDDLE, _STRAIGHT, _CURLED, _CURLED, _CURLED),
    "thumb_up": Pose(_THUMB_UP, _CURLED, _CURLED, _CURLED, _CURLED),
    "thumb_down": Pose(_THUMB_UP, _CURLED, _CURLED, _CURLED, _CURLED),
    "ok": Pose(
        (35.0, 30.0, 48.0, 28.0, 43.0),
        (52.0, 4.0, 52.0, 30.0),
        (22.0, 2.0, 16.0, 10.0),
        (12.0, -5.0, 10.0, 6.0),
        (4.0, -12.0, 6.0, 4.0),
    ),
    "pinch": Pose(
        (29.0, 35.0, 56.0, 18.0, 38.0),
        (58.0, 2.0, 38.0, 18.0),
        (64.0, 0.0, 48.0, 25.0),
        (68.0, 0.0, 58.0, 30.0),
        (70.0, 0.0, 60.0, 30.0),
    ),
    "rock": Pose(_THUMB_ON_MIDDLE, _INDEX, _CURLED, _CURLED, _spread(_STRAIGHT, -8.0)),
    "i_love_you": Pose(_THUMB_OUT, _INDEX, _CURLED, _CURLED, _spread(_STRAIGHT, -8.0)),
    "call_me": Pose(_THUMB_OUT, _CURLED, _CURLED, _CURLED, _spread(_STRAIGHT, -14.0)),
    "three": Pose(_THUMB_ON_PINKY, _INDEX, _STRAIGHT, _RING, _spread(_CURLED, 6.0)),
    "four": Pose(_THUMB_ON_PALM, _INDEX, _STRAIGHT, _RING, _PINKY),
    "gun": Pose(_THUMB_UP, _STRAIGHT, _CURLED, _CURLED, _CURLED),
}
"""Each gesture's joint angles; `UPRIGHT` says which way up it is held."""

UPRIGHT: dict[str, float] = {"thumb_up": -90.0, "thumb_down": 90.0}
"""Degrees that a right hand is turned clockwise on the picture, palm to the camera, to show the
gesture; a left hand or the back of a hand the other way. Gestures not listed: fingers up."""

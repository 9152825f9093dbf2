"""Forward kinematics for many moments at once: joint angles over time → landmarks over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgehands.hand import LANDMARK_COUNT

if TYPE_CHECKING:
    from edgehands.synthetic.anatomy import Anatomy
    from edgehands.synthetic.pose import Array


def joints_of(anatomy: Anatomy, angles: Array) -> Array:
    """Return the joints [T, 21, 3] of the hand frame, millimetres, as `pose.pose_skeleton` does.

    Args:
        anatomy: whose hand.
        angles: [T, 23] degrees, in the order of `pose.Pose.to_array`.
    """
    joints = np.empty((len(angles), LANDMARK_COUNT, 3))
    joints[:, 0] = anatomy.wrist
    turns = [_thumb_turn(angles[:, :5])]
    for number, finger in enumerate(anatomy.fingers[1:]):
        mcp, spread = angles[:, 5 + 4 * number], angles[:, 6 + 4 * number]
        fan = _about_z(finger.fan + spread) @ _about_y(np.full(len(angles), finger.roll))
        turns.append(fan @ _about_x(mcp))
    bends = [angles[:, 3:5], *(angles[:, 7 + 4 * i : 9 + 4 * i] for i in range(4))]
    for number, (finger, turn, bend) in enumerate(zip(anatomy.fingers, turns, bends, strict=True)):
        first = 1 + 4 * number
        joints[:, first] = finger.root
        frame = turn
        for bone, length in enumerate(finger.lengths):
            if bone:
                frame = frame @ _about_x(bend[:, bone - 1])
            joints[:, first + bone + 1] = joints[:, first + bone] - length * frame[:, :, 1]
    return joints


def rotations(turns: Array) -> Array:
    """Return [T, 3, 3] from the hand frame to the camera's, as `camera.Placement.rotation`.

    Args:
        turns: [T, 3] yaw, pitch and roll, degrees.
    """
    return np.asarray(_about_z(turns[:, 2]) @ _about_x(-turns[:, 1]) @ _about_y(turns[:, 0]))


def _thumb_turn(angles: Array) -> Array:
    return np.asarray(_about_z(angles[:, 0]) @ _about_x(angles[:, 1]) @ _about_y(angles[:, 2]))


def _about_x(degrees: Array) -> Array:
    return _rotation(degrees, 1, 2)


def _about_y(degrees: Array) -> Array:
    return _rotation(degrees, 2, 0)


def _about_z(degrees: Array) -> Array:
    return _rotation(degrees, 0, 1)


def _rotation(degrees: Array, first: int, second: int) -> Array:
    """Return [T, 3, 3] that turn axis `first` towards axis `second`."""
    radians = np.radians(degrees)
    matrix = np.zeros((len(radians), 3, 3))
    matrix[:] = np.eye(3)
    matrix[:, first, first] = matrix[:, second, second] = np.cos(radians)
    matrix[:, second, first] = np.sin(radians)
    matrix[:, first, second] = -matrix[:, second, first]
    return matrix

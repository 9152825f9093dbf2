"""The 21 landmarks and the bones between them, by the names that MediaPipe gives them."""

from __future__ import annotations

import enum

from edgehands.hand import FINGERS


class HandLandmark(enum.IntEnum):
    """The 21 landmarks of a hand."""

    WRIST = 0
    THUMB_CMC = 1
    THUMB_MCP = 2
    THUMB_IP = 3
    THUMB_TIP = 4
    INDEX_FINGER_MCP = 5
    INDEX_FINGER_PIP = 6
    INDEX_FINGER_DIP = 7
    INDEX_FINGER_TIP = 8
    MIDDLE_FINGER_MCP = 9
    MIDDLE_FINGER_PIP = 10
    MIDDLE_FINGER_DIP = 11
    MIDDLE_FINGER_TIP = 12
    RING_FINGER_MCP = 13
    RING_FINGER_PIP = 14
    RING_FINGER_DIP = 15
    RING_FINGER_TIP = 16
    PINKY_MCP = 17
    PINKY_PIP = 18
    PINKY_DIP = 19
    PINKY_TIP = 20


Bones = tuple[tuple[int, int], ...]

PALM: Bones = ((0, 1), (0, 5), (9, 13), (13, 17), (5, 9), (0, 17))
"""The outline of the palm; the thumb's first bone is part of it."""


def finger_bones(finger: str) -> Bones:
    """Return the three bones of a finger, from the palm to the tip."""
    first, second, third, tip = FINGERS[finger]
    return (first, second), (second, third), (third, tip)

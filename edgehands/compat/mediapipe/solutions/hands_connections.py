"""The bones of a hand as pairs of landmarks."""

from __future__ import annotations

from edgehands.compat.mediapipe.landmark_names import PALM, finger_bones

HAND_PALM_CONNECTIONS = PALM
HAND_THUMB_CONNECTIONS = finger_bones("thumb")
HAND_INDEX_FINGER_CONNECTIONS = finger_bones("index")
HAND_MIDDLE_FINGER_CONNECTIONS = finger_bones("middle")
HAND_RING_FINGER_CONNECTIONS = finger_bones("ring")
HAND_PINKY_FINGER_CONNECTIONS = finger_bones("pinky")

HAND_CONNECTIONS = frozenset(
    HAND_PALM_CONNECTIONS
    + HAND_THUMB_CONNECTIONS
    + HAND_INDEX_FINGER_CONNECTIONS
    + HAND_MIDDLE_FINGER_CONNECTIONS
    + HAND_RING_FINGER_CONNECTIONS
    + HAND_PINKY_FINGER_CONNECTIONS
)

"""`mp.solutions.drawing_styles`: a colour for each finger."""

from __future__ import annotations

from edgehands.compat.mediapipe.drawing import DrawingSpec
from edgehands.compat.mediapipe.landmark_names import PALM, HandLandmark, finger_bones
from edgehands.hand import FINGERS

# B, G, R, as MediaPipe draws them.
_FINGER_COLORS = {
    "thumb": (180, 229, 255),
    "index": (128, 64, 128),
    "middle": (0, 204, 255),
    "ring": (48, 255, 48),
    "pinky": (192, 101, 21),
}
_PALM_POINTS = (48, 48, 255)
_PALM_BONES = (128, 128, 128)
_RADIUS = 5
_FILLED = -1


def get_default_hand_landmarks_style() -> dict[int, DrawingSpec]:
    """Return how each landmark is drawn."""
    return {landmark: _dot(_landmark_color(landmark)) for landmark in HandLandmark}


def get_default_hand_connections_style() -> dict[tuple[int, int], DrawingSpec]:
    """Return how each bone is drawn."""
    style = {bone: DrawingSpec(color=_PALM_BONES, thickness=3) for bone in PALM}
    for finger, color in _FINGER_COLORS.items():
        style |= {bone: DrawingSpec(color=color, thickness=2) for bone in finger_bones(finger)}
    return style


def _landmark_color(landmark: int) -> tuple[int, int, int]:
    for finger, landmarks in FINGERS.items():
        # The joint at which a finger begins is part of the palm.
        if landmark in landmarks[1:]:
            return _FINGER_COLORS[finger]
    return _PALM_POINTS


def _dot(color: tuple[int, int, int]) -> DrawingSpec:
    return DrawingSpec(color=color, thickness=_FILLED, circle_radius=_RADIUS)

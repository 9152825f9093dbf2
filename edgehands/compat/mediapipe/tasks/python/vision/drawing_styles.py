"""Styles for Tasks: the same as `mp.solutions.drawing_styles`."""

from edgehands.compat.mediapipe.solutions.drawing_styles import (
    get_default_hand_connections_style,
    get_default_hand_landmarks_style,
)

__all__ = ["get_default_hand_connections_style", "get_default_hand_landmarks_style"]

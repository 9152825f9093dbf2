"""`mediapipe.python`: where the solutions lay."""

from edgehands.compat.mediapipe import solutions

__all__ = ["solutions"]

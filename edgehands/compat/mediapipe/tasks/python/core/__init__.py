"""What all tasks have."""

from edgehands.compat.mediapipe.tasks.python.core import base_options

__all__ = ["base_options"]

"""The containers of results."""

from edgehands.compat.mediapipe.tasks.python.components import containers

__all__ = ["containers"]

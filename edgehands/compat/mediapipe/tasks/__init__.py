"""`mp.tasks`: the hand landmarker."""

from __future__ import annotations

from edgehands.compat.mediapipe.tasks import python
from edgehands.compat.mediapipe.tasks.python import BaseOptions, components, core, vision

__all__ = ["BaseOptions", "components", "core", "python", "vision"]

"""`mediapipe.tasks.python`: base options and vision."""

from __future__ import annotations

from edgehands.compat.mediapipe.tasks.python import components, core, vision
from edgehands.compat.mediapipe.tasks.python.core.base_options import BaseOptions

__all__ = ["BaseOptions", "components", "core", "vision"]

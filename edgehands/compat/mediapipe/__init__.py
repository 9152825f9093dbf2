"""MediaPipe's Python API for hands, run by EdgeHands: change one import line and go on.

    import edgehands.compat.mediapipe as mp

has `mp.solutions.hands`, `mp.solutions.drawing_utils`, `mp.tasks.vision.HandLandmarker` and
`mp.Image`. Where MediaPipe is not installed, `import mediapipe…` in the lines below it, and in
other libraries, finds this package too. What differs, and why, is in docs/mediapipe.md.
"""

from __future__ import annotations

from edgehands.compat.mediapipe import alias

alias.install()

from edgehands.compat.mediapipe import framework, python, solutions, tasks  # noqa: E402
from edgehands.compat.mediapipe.tasks.python.vision.core.image import (  # noqa: E402
    Image,
    ImageFormat,
)

__all__ = ["Image", "ImageFormat", "framework", "python", "solutions", "tasks"]

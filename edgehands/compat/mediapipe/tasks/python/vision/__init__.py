"""`mp.tasks.vision`: the hand landmarker and what belongs to it."""

from __future__ import annotations

from typing import NoReturn

from edgehands.compat.mediapipe.tasks.python.vision import (
    core,
    drawing_styles,
    drawing_utils,
    hand_landmarker,
)
from edgehands.compat.mediapipe.tasks.python.vision.core.image_processing_options import (
    ImageProcessingOptions,
)
from edgehands.compat.mediapipe.tasks.python.vision.core.vision_task_running_mode import (
    VisionTaskRunningMode as RunningMode,
)
from edgehands.compat.mediapipe.tasks.python.vision.hand_landmarker import (
    HandLandmarker,
    HandLandmarkerOptions,
    HandLandmarkerResult,
    HandLandmarksConnections,
)

__all__ = [
    "HandLandmarker",
    "HandLandmarkerOptions",
    "HandLandmarkerResult",
    "HandLandmarksConnections",
    "ImageProcessingOptions",
    "RunningMode",
    "core",
    "drawing_styles",
    "drawing_utils",
    "hand_landmarker",
]


def __getattr__(name: str) -> NoReturn:
    hint = ""
    if name.startswith("GestureRecognizer"):
        hint = ": EdgeHands' gestures are events, see docs/gestures.md"
    elif name[:1].isupper():
        hint = ": EdgeHands knows hands only; install mediapipe beside it"
    raise AttributeError(f"mp.tasks.vision has no {name}{hint}")

"""`mp.solutions`: hands, and what draws them."""

from __future__ import annotations

from typing import NoReturn

from edgehands.compat.mediapipe.solutions import (
    drawing_styles,
    drawing_utils,
    hands,
    hands_connections,
)

__all__ = ["drawing_styles", "drawing_utils", "hands", "hands_connections"]

_OTHERS = frozenset(
    {
        *("face_detection", "face_mesh", "face_mesh_connections", "holistic", "objectron"),
        *("pose", "pose_connections", "selfie_segmentation"),
    }
)


def __getattr__(name: str) -> NoReturn:
    hint = ": EdgeHands knows hands only; install mediapipe beside it" if name in _OTHERS else ""
    raise AttributeError(f"mp.solutions has no {name}{hint}")

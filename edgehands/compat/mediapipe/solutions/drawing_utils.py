"""`mp.solutions.drawing_utils`, as far as hands go."""

from edgehands.compat.mediapipe.drawing import (
    BLACK_COLOR,
    BLUE_COLOR,
    GREEN_COLOR,
    RED_COLOR,
    WHITE_COLOR,
    DrawingSpec,
    _normalized_to_pixel_coordinates,
    draw_landmarks,
    plot_landmarks,
)

__all__ = [
    "BLACK_COLOR",
    "BLUE_COLOR",
    "GREEN_COLOR",
    "RED_COLOR",
    "WHITE_COLOR",
    "DrawingSpec",
    "_normalized_to_pixel_coordinates",
    "draw_landmarks",
    "plot_landmarks",
]

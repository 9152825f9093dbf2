"""What all vision tasks have."""

from edgehands.compat.mediapipe.tasks.python.vision.core import (
    image,
    image_processing_options,
    vision_task_running_mode,
)

__all__ = ["image", "image_processing_options", "vision_task_running_mode"]

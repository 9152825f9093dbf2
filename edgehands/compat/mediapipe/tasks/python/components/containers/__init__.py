"""What results are made of."""

from edgehands.compat.mediapipe.tasks.python.components.containers import category, landmark
from edgehands.compat.mediapipe.tasks.python.components.containers.category import Category
from edgehands.compat.mediapipe.tasks.python.components.containers.landmark import (
    Landmark,
    NormalizedLandmark,
)

__all__ = ["Category", "Landmark", "NormalizedLandmark", "category", "landmark"]

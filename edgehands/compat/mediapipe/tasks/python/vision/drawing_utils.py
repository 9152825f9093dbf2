"""Drawing for Tasks: the same as `mp.solutions.drawing_utils`."""

from edgehands.compat.mediapipe.solutions.drawing_utils import *  # noqa: F403

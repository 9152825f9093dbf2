"""What kind of pictures a task gets."""

from __future__ import annotations

import enum


class VisionTaskRunningMode(enum.Enum):
    """Single pictures, the frames of a video, or a live stream with a callback."""

    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    LIVE_STREAM = "LIVE_STREAM"

"""`mediapipe.framework`: only the messages that programs about hands use."""

from edgehands.compat.mediapipe.framework import formats

__all__ = ["formats"]

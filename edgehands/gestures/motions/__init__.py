"""Dynamic gestures: what hands do over time."""

from edgehands.gestures.motions.motion import (
    COMPARED,
    CONTINUOUS,
    MOTIONS,
    ONE_SHOT,
    Attempt,
    Motion,
)
from edgehands.gestures.motions.reader import MotionReader

__all__ = [
    "COMPARED",
    "CONTINUOUS",
    "MOTIONS",
    "ONE_SHOT",
    "Attempt",
    "Motion",
    "MotionReader",
]

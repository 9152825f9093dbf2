"""Dynamic gestures: what hands do over time."""

from edgehands.gestures.motions.motion import CONTINUOUS, MOTIONS, ONE_SHOT, Motion
from edgehands.gestures.motions.reader import MotionReader

__all__ = ["CONTINUOUS", "MOTIONS", "ONE_SHOT", "Motion", "MotionReader"]

"""Gestures learned from examples: static ones by their nearest neighbours, moving ones by warping.

Pure but for `store`: hands and times in, scores out.
"""

from edgehands.gestures.learned.examples import Learned, LearnedMotion, LearnedPose
from edgehands.gestures.learned.motions import LearnedMotions
from edgehands.gestures.learned.poses import LearnedPoses

__all__ = ["Learned", "LearnedMotion", "LearnedMotions", "LearnedPose", "LearnedPoses"]

"""Which static gesture a hand shows: every pose of the vocabulary scored, the best one named."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgehands.gestures.fingers import read_fingers
from edgehands.hand import FINGERS
from edgehands.settings import GestureRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.gestures.fingers import Finger
    from edgehands.gestures.vocabulary import Pointing, Pose, Vocabulary
    from edgehands.hand import FloatArray, Hand

_BEARINGS = {"up": 0.0, "right": 90.0, "down": 180.0, "left": -90.0}
_CONE = 45.0  # degrees to either side that still count as a direction
_CONE_SOFTNESS = 6.0
_DEFAULT_RULES = GestureRules()


@dataclass(frozen=True, slots=True)
class PoseScore:
    """How well a hand shows a gesture."""

    gesture: str
    score: float
    """0 to 1: the weakest of the pose's conditions; 0.5 is the border."""


class PoseReader:
    """Names the static gesture of a hand.

    Args:
        vocabulary: every pose by its name.
        rules: per gesture, which poses count; one without an entry has the defaults.
    """

    def __init__(
        self, vocabulary: Vocabulary, rules: Mapping[str, GestureRules] | None = None
    ) -> None:
        self._vocabulary = vocabulary
        self._rules = {} if rules is None else rules

    def scores(self, hand: Hand) -> list[PoseScore]:
        """Score every pose of the vocabulary, in its order."""
        fingers = read_fingers(hand.world_landmarks)
        return [
            PoseScore(name, _score(pose, fingers, hand.landmarks))
            for name, pose in self._vocabulary.items()
        ]

    def best(self, hand: Hand) -> PoseScore | None:
        """Return the best of the poses that count by the rules; the others hide none."""
        counting = (pose for pose in self.scores(hand) if self._counts(pose))
        return max(counting, key=lambda pose: pose.score, default=None)

    def _counts(self, pose: PoseScore) -> bool:
        rules = self._rules.get(pose.gesture, _DEFAULT_RULES)
        return rules.enabled and pose.score >= rules.min_score


def _score(pose: Pose, fingers: dict[str, Finger], landmarks: FloatArray) -> float:
    conditions = [
        fingers[name].straight if pattern == "straight" else fingers[name].curled
        for name, pattern in pose.fingers().items()
        if pattern is not None
    ]
    if pose.points is not None:
        conditions.append(_pointing(pose.points, landmarks))
    return min(conditions, default=0.0)


def _pointing(points: Pointing, landmarks: FloatArray) -> float:
    """Degree, 0 to 1, to which a finger points that way in the image."""
    base, *_, tip = FINGERS[points.finger]
    x, y = (landmarks[tip, :2] - landmarks[base, :2]).tolist()
    off = math.degrees(math.atan2(x, -y)) - _BEARINGS[points.direction]
    off = abs((off + 180) % 360 - 180)
    return 1 / (1 + math.exp((off - _CONE) / _CONE_SOFTNESS))

"""Which learned static gesture a hand shows: the nearest of all examples decides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgehands.gestures.learned.examples import arrays
from edgehands.gestures.learned.shapes import SIZE, hand_shape
from edgehands.gestures.poses import PoseExplanation, PoseScore
from edgehands.gestures.scoring import Condition
from edgehands.settings import GestureRules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from edgehands.gestures.learned.examples import LearnedPose
    from edgehands.hand import FloatArray, Hand

    Numbers = npt.NDArray[np.intp]

LEAD = 1.1
"""An example counts as this much nearer than it is, since examples are few and others many."""
TURNED_WITHIN = 50.0
"""Degrees from an example's attitude, where attitude matters."""

_DEFAULT_RULES = GestureRules()


class LearnedPoses:
    """Scores hands against learned static gestures.

    A hand shows the gesture whose example is nearest to its shape, unless that is too far, or one
    of the shapes that are something else is nearer. The examples of each gesture are others to the
    rest.

    Args:
        gestures: as they were learned.
        rules: per gesture; one without an entry has the defaults.
    """

    def __init__(
        self, gestures: Sequence[LearnedPose], rules: Mapping[str, GestureRules] | None = None
    ) -> None:
        self._names = [gesture.name for gesture in gestures]
        self.set_rules(rules or {})
        self._gestures = [gesture for gesture in gestures if self._rules[gesture.name].enabled]
        self._shapes = np.concatenate(
            [
                np.zeros((0, SIZE), np.float32),
                *(arrays(gesture.examples, SIZE) for gesture in self._gestures),
                *(arrays(gesture.others, SIZE) for gesture in self._gestures),
            ]
        )
        self._against = _against(self._gestures)
        self._attitudes = [arrays(gesture.attitudes, 3, 3) for gesture in self._gestures]

    def scores(self, hand: Hand) -> list[PoseScore]:
        """Score every gesture, in the order they were given."""
        return [
            PoseScore(gesture.name, min(need.degree for need in needs))
            for gesture, needs in zip(self._gestures, self._needs(hand), strict=True)
        ]

    def set_rules(self, rules: Mapping[str, GestureRules]) -> None:
        """Let other rules hold from now on; what is enabled stays as it was."""
        self._rules = {name: rules.get(name, _DEFAULT_RULES) for name in self._names}

    def best(self, hand: Hand) -> PoseScore | None:
        """Return the gesture that a hand shows, if it counts by the rules."""
        best = max(self.scores(hand), key=lambda pose: pose.score, default=None)
        if best is None or best.score < self._rules[best.gesture].min_score:
            return None
        return best

    def explain(self, hand: Hand) -> list[PoseExplanation]:
        """Return every gesture with its conditions and how far this hand meets each."""
        return [
            PoseExplanation(
                gesture.name,
                min(need.degree for need in needs),
                tuple(need.condition() for need in needs),
            )
            for gesture, needs in zip(self._gestures, self._needs(hand), strict=True)
        ]

    def _needs(self, hand: Hand) -> Iterator[list[_Need]]:
        """Yield what must hold for each gesture."""
        if not self._gestures:
            return
        shape = hand_shape(hand)
        steps = self._shapes - shape.points
        distances = np.sqrt(np.einsum("ij,ij->i", steps, steps))
        for number, gesture in enumerate(self._gestures):
            own, others = self._against[number]
            nearest = float(distances[own].min())
            needs = [_Need(_NEAR, nearest, gesture.within)]
            if len(others):
                needs.append(_Need(_NEAREST, nearest, LEAD * float(distances[others].min())))
            if gesture.attitudes:
                turned = _least_turn(shape.attitude, self._attitudes[number])
                needs.append(_Need(_TURNED, turned, TURNED_WITHIN))
            yield needs


class _Kind(NamedTuple):
    """What a need is about."""

    subject: str
    state: str
    measure: str
    unit: str
    softness: float
    """Over which an answer turns from yes to no."""


_NEAR = _Kind("shape", "like an example", "distance", "palms", 0.02)
_NEAREST = _Kind("shape", "nearest to an example", "distance", "palms", 0.02)
_TURNED = _Kind("hand", "turned as an example", "turn", "°", 6.0)


class _Need(NamedTuple):
    """Something measured that must not be above a limit."""

    kind: _Kind
    measured: float
    limit: float

    @property
    def degree(self) -> float:
        margin = (self.limit - self.measured) / self.kind.softness
        return 1 / (1 + math.exp(-max(-30.0, min(margin, 30.0))))

    def condition(self) -> Condition:
        kind = self.kind
        return Condition(
            kind.subject,
            (kind.state,),
            kind.measure,
            self.measured,
            kind.unit,
            0.0,
            self.limit,
            self.degree,
        )


def _against(gestures: Sequence[LearnedPose]) -> list[tuple[Numbers, Numbers]]:
    """Return for each gesture which shapes are its own, and which are others to it.

    They are numbers into all examples followed by all others. Two gestures that differ by how they
    are turned may share a shape.
    """
    owners = [number for number, each in enumerate(gestures) for _ in each.examples]
    others = [number for number, each in enumerate(gestures) for _ in each.others]
    owner = np.array(owners + others, int)
    is_example = np.arange(len(owner)) < len(owners)
    has_attitude = np.array([bool(each.attitudes) for each in gestures], bool)[owner]
    numbers = []
    for number, gesture in enumerate(gestures):
        is_mine = owner == number
        rivals = is_example & ~is_mine & ~(has_attitude & bool(gesture.attitudes))
        others_here = rivals | (is_mine & ~is_example)
        numbers.append((np.flatnonzero(is_example & is_mine), np.flatnonzero(others_here)))
    return numbers


def _least_turn(attitude: FloatArray, examples: FloatArray) -> float:
    """Return the degrees from an attitude [3, 3] to the nearest of the examples [N, 3, 3]."""
    traces = np.einsum("ij,nij->n", attitude, examples)
    return math.degrees(math.acos(max(-1.0, min(float(traces.max() - 1) / 2, 1.0))))

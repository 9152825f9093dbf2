"""Which static gesture a hand shows: every pose of the vocabulary scored, the best one named."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands.gestures.measures import measure
from edgehands.gestures.scoring import PoseTable
from edgehands.settings import GestureRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.gestures.scoring import Condition
    from edgehands.gestures.vocabulary import Vocabulary
    from edgehands.hand import Hand

_DEFAULT_RULES = GestureRules()
_NOTHING = 1e-9  # a score below counts under no rule


@dataclass(frozen=True, slots=True)
class PoseScore:
    """How well a hand shows a gesture."""

    gesture: str
    score: float
    """0 to 1: the weakest of the pose's conditions; 0.5 is the border."""


@dataclass(frozen=True, slots=True)
class PoseExplanation:
    """Why a hand shows a gesture as well, or as badly, as it does."""

    gesture: str
    score: float
    conditions: tuple[Condition, ...]


class PoseReader:
    """Names the static gesture of a hand.

    Of two poses that contradict each other, the better must lead by its margin, or neither is
    shown. Of two that a hand can show at once, the one that says more wins; the later, if they say
    as much.

    Args:
        vocabulary: every pose by its name.
        rules: per gesture, which poses count; one without an entry has the defaults.
        mirrored: the pictures are mirrored, as in a selfie; left and right are swapped back.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        rules: Mapping[str, GestureRules] | None = None,
        *,
        mirrored: bool = False,
    ) -> None:
        self._mirrored = mirrored
        self._names = list(vocabulary)
        self._margins = [pose.margin for pose in vocabulary.values()]
        self._table = PoseTable(list(vocabulary.values()))
        self._contradict = self._table.contradictions()
        self._ranks = [(size, number) for number, size in enumerate(self._table.sizes())]
        self.set_rules(rules or {})

    def set_rules(self, rules: Mapping[str, GestureRules]) -> None:
        """Let other rules hold from now on."""
        of = [rules.get(name, _DEFAULT_RULES) for name in self._names]
        self._least = np.array(
            [max(each.min_score, _NOTHING) if each.enabled else math.inf for each in of]
        )

    def scores(self, hand: Hand) -> list[PoseScore]:
        """Score every pose of the vocabulary, in its order."""
        scores = self._table.scores(measure(hand, mirrored=self._mirrored)).tolist()
        return [PoseScore(name, score) for name, score in zip(self._names, scores, strict=True)]

    def best(self, hand: Hand) -> PoseScore | None:
        """Return the pose that a hand shows; None if it shows none, or as well another.

        Only poses that count by the rules are looked at; the others hide none.
        """
        scores = self._table.scores(measure(hand, mirrored=self._mirrored))
        counting = (scores >= self._least).nonzero()[0].tolist()
        if not counting:
            return None
        shown = [pose for pose in counting if not self._is_outdone(pose, counting)]
        if not shown:
            return None
        best, *others = sorted(shown, key=lambda pose: -scores[pose])
        if others and scores[best] - scores[others[0]] < self._margins[best]:
            return None
        return PoseScore(self._names[best], float(scores[best]))

    def explain(self, hand: Hand, gesture: str | None = None) -> list[PoseExplanation]:
        """Return every pose, or one, with its conditions and how far this hand meets each."""
        measures = measure(hand, mirrored=self._mirrored)
        wanted = [number for number, name in enumerate(self._names) if gesture in (None, name)]
        scores, explained = self._table.scores(measures), self._table.explain(measures, wanted)
        return [
            PoseExplanation(self._names[number], float(scores[number]), explained[number])
            for number in wanted
        ]

    def _is_outdone(self, pose: int, counting: list[int]) -> bool:
        """Whether the hand also shows a pose that says more."""
        return any(
            self._ranks[other] > self._ranks[pose] and not self._contradict[pose, other]
            for other in counting
        )

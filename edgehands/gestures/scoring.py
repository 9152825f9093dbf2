"""Every pose of a vocabulary scored at once: ranges over the measures of a hand, as tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgehands.gestures.measures import LONG_FINGERS, UNITS, Array
from edgehands.gestures.states import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from edgehands.gestures.states import Need
    from edgehands.gestures.vocabulary import Pose

_NUMBERS = {name: number for number, name in enumerate(UNITS)}
_STRETCHES = np.array([_NUMBERS[f"{name} stretch"] for name in LONG_FINGERS])
_CONTRAST, _CONTRAST_SOFTNESS = 0.15, 0.03  # on the tuning seed, as the borders of `states`
_EXACT = frozenset(("palm", "side"))
_ALWAYS = np.array([math.inf])
_STEEPEST = 30.0  # softnesses outside; beyond, a degree is 0 anyway


class _Reading(NamedTuple):
    """By how much a pose's conditions may be missed, softnesses."""

    fingers: float = 0.0
    like: float = 0.0

    def slack(self, subject: str) -> float:
        """Return it for one subject: where a hand points and faces is never loose."""
        if subject in _EXACT or subject.endswith("_points"):
            return 0.0
        return self.like if subject == "like" else self.fingers


_BY_FINGERS = _Reading()
_WHOLE_HAND = (_Reading(fingers=5.0), _Reading(like=0.4))
"""A hand that is like the shape may have odd fingers; one whose fingers are right, be less like."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a pose on one hand, with the measure that decides about it."""

    subject: str
    """What it is about: a finger, two of them, where one points, the palm or the side."""
    states: tuple[str, ...]
    """What it must be, any of them."""
    measure: str
    measured: float
    unit: str
    """°, palms (sizes), or "" for a ratio."""
    low: float
    high: float
    """The range that the measure must lie in; infinite where it has no end."""
    degree: float
    """0 to 1; 0.5 at an end of the range."""


class PoseTable:
    """The poses of a vocabulary, ready to be scored.

    A condition is met by any of its alternatives, and an alternative by all of its needs. Each need
    that occurs is looked at once; number 0 in every table is what always holds, to fill up with.

    In a pose with straight and folded fingers the straight ones must also be clearly straighter
    than the others: what a flat depth or an odd view does to all of them alike matters less then.

    A pose with a likeness is read in two ways, and the better counts: the whole hand decides and
    fingers may be far off, or fingers decide and the whole hand may be a little off.

    Args:
        poses: in the order of the scores.
    """

    def __init__(self, poses: Sequence[Pose]) -> None:
        self._needs: dict[Need, int] = {}
        self._alternatives: dict[tuple[int, ...], int] = {(): 0}
        self._conditions: dict[tuple[int, ...], int] = {(0,): 0}
        self._poses = [dict(pose.conditions()) for pose in poses]
        self._readings = [
            (number, reading)
            for number, pose in enumerate(self._poses)
            for reading in (_WHOLE_HAND if "like" in pose else (_BY_FINGERS,))
        ]
        of = [number for number, _ in self._readings]
        self._first = np.searchsorted(of, np.arange(len(self._poses)))
        rows = [
            [
                self._number(subject, states, reading.slack(subject))
                for subject, states in self._poses[number].items()
            ]
            for number, reading in self._readings
        ]
        needs = list(self._needs)
        self._measures = np.array([_NUMBERS[need.measure] for need in needs], int)
        self._low = np.array([need.low for need in needs])
        self._high = np.array([need.high for need in needs])
        self._softness = np.array([need.softness for need in needs])
        self._of_alternatives = _table(self._alternatives)
        self._of_conditions = _table(self._conditions, repeat=True)
        self._of_poses = _table(rows)
        self._straight = self._held(frozenset(("straight",)))[of]
        self._folded = self._held(frozenset(("folded", "curled")))[of]
        loose = np.array([reading.fingers for _, reading in self._readings])
        self._contrast = _CONTRAST - loose * _CONTRAST_SOFTNESS
        self._empty = np.array([not pose for pose in self._poses], bool)

    def scores(self, measures: Array) -> Array:
        """Return each pose's score, [poses]: the degree of its weakest condition.

        Args:
            measures: as `measures.measure` returns them.
        """
        degrees = self._degrees(measures)
        alternatives = degrees[self._of_alternatives].min(axis=1)
        conditions = alternatives[self._of_conditions].max(axis=1)
        contrasts = degrees[len(self._softness) + 1 :]
        readings = np.minimum(conditions[self._of_poses].min(axis=1), contrasts)
        if not len(readings):
            return np.asarray(readings)
        scores: Array = np.maximum.reduceat(readings, self._first)
        scores[self._empty] = 0.0
        return scores

    def explain(self, measures: Array) -> list[tuple[Condition, ...]]:
        """Return each pose's conditions, in the reading that is met best."""
        degrees = self._degrees(measures)
        contrasts = self._contrasts(measures).tolist()
        found: list[list[tuple[Condition, ...]]] = [[] for _ in self._poses]
        for (number, reading), contrast, needed in zip(
            self._readings, contrasts, self._contrast.tolist(), strict=True
        ):
            conditions = (
                self._explain(subject, states, reading.slack(subject), measures, degrees)
                for subject, states in self._poses[number].items()
            )
            found[number].append((*conditions, *_explain_contrast(contrast, needed)))
        return [max(readings, key=_weakest) for readings in found]

    def contradictions(self) -> npt.NDArray[np.bool_]:
        """Return which poses no hand can show together, [poses, poses]."""
        count = len(self._poses)
        table = np.zeros((count, count), bool)
        for i, one in enumerate(self._poses):
            for j, other in enumerate(self._poses[:i]):
                shared = one.keys() & other.keys()
                apart = any(_exclude(subject, one, other) for subject in shared)
                table[i, j] = table[j, i] = apart
        return table

    def sizes(self) -> list[int]:
        """Return how many conditions each pose has."""
        return [len(pose) for pose in self._poses]

    def _number(self, subject: str, states: tuple[str, ...], slack: float) -> int:
        """Enter a condition and return its number."""
        alternatives = []
        for alternative in _alternatives(subject, states, slack):
            needs = tuple(
                self._needs.setdefault(need, 1 + len(self._needs)) for need in alternative
            )
            alternatives.append(self._alternatives.setdefault(needs, len(self._alternatives)))
        return self._conditions.setdefault(tuple(alternatives), len(self._conditions))

    def _degrees(self, measures: Array) -> Array:
        """Return degrees: a 1 for what always holds, of each need, of each pose's contrast."""
        measured = measures[self._measures]
        inside = np.minimum(measured - self._low, self._high - measured) / self._softness
        contrast = (self._contrasts(measures) - self._contrast) / _CONTRAST_SOFTNESS
        return _degree(np.concatenate([_ALWAYS, inside, contrast]))

    def _held(self, states: frozenset[str]) -> npt.NDArray[np.bool_]:
        """Return which long fingers each pose wants in one of these states, [poses, 4]."""
        return np.array(
            [
                [bool(pose.get(name)) and states.issuperset(pose[name]) for name in LONG_FINGERS]
                for pose in self._poses
            ],
            bool,
        ).reshape(-1, 4)

    def _contrasts(self, measures: Array) -> Array:
        """Return by how much each pose's straight fingers are straighter than its folded ones."""
        stretches = measures[_STRETCHES]
        straight = np.where(self._straight, stretches, math.inf).min(axis=1)
        folded = np.where(self._folded, stretches, -math.inf).max(axis=1)
        return np.asarray(straight - folded)

    def _explain(
        self,
        subject: str,
        states: tuple[str, ...],
        slack: float,
        measures: Array,
        degrees: Array,
    ) -> Condition:
        weakest = [
            min(alternative, key=lambda need: float(degrees[self._needs[need]]))
            for alternative in _alternatives(subject, states, slack)
        ]
        need = max(weakest, key=lambda need: float(degrees[self._needs[need]]))
        return Condition(
            subject,
            states,
            need.measure,
            float(measures[_NUMBERS[need.measure]]),
            UNITS[need.measure],
            need.low,
            need.high,
            float(degrees[self._needs[need]]),
        )


def state_degree(subject: str, state: str, measures: Array) -> float:
    """Return how far a hand is in one state, 0 to 1.

    Args:
        subject: as in `states.STATES`, as is the state.
        state: its name.
        measures: as `measures.measure` returns them.
    """
    return max(
        min(_need_degree(need, measures) for need in alternative)
        for alternative in STATES[subject, state]
    )


def _need_degree(need: Need, measures: Array) -> float:
    measured = float(measures[_NUMBERS[need.measure]])
    inside = min(measured - need.low, need.high - measured) / need.softness
    return float(_degree(np.array(inside)))


def _degree(inside: Array) -> Array:
    """Map how far inside a border something lies, in softnesses, to 0..1."""
    return np.asarray(1 / (1 + np.exp(np.minimum(-inside, _STEEPEST))))


def _explain_contrast(contrast: float, needed: float) -> tuple[Condition, ...]:
    if math.isinf(contrast):
        return ()
    degree = float(_degree(np.array((contrast - needed) / _CONTRAST_SOFTNESS)))
    name = "straight over folded"
    return (Condition(name, ("clear",), name, contrast, "", needed, math.inf, degree),)


def _weakest(conditions: tuple[Condition, ...]) -> float:
    return min((condition.degree for condition in conditions), default=0.0)


def _alternatives(
    subject: str, states: tuple[str, ...], slack: float = 0.0
) -> list[tuple[Need, ...]]:
    return [
        tuple(need.loosened(slack) for need in alternative)
        for state in states
        for alternative in STATES[subject, state]
    ]


def _exclude(
    subject: str, one: dict[str, tuple[str, ...]], other: dict[str, tuple[str, ...]]
) -> bool:
    """Whether no hand can meet both poses' conditions on a subject."""
    return all(
        any(need.excludes(against) for need in first for against in second)
        for first in _alternatives(subject, one[subject])
        for second in _alternatives(subject, other[subject])
    )


def _table(rows: Iterable[Sequence[int]], *, repeat: bool = False) -> npt.NDArray[np.intp]:
    """Return rows of unlike lengths as one array, filled up with 0, or with their own first."""
    rows = list(rows)
    width = max((len(row) for row in rows), default=0) or 1
    filled = [[*row, *[row[0] if repeat else 0] * (width - len(row))] for row in rows]
    return np.array(filled, np.intp).reshape(len(rows), width)

"""Every pose of a vocabulary scored at once: ranges over the measures of a hand, as tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgehands.gestures.measures import LONG_FINGERS, UNITS, Array, contrast
from edgehands.gestures.states import STATES, Need

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    import numpy.typing as npt

    from edgehands.gestures.vocabulary import Pose

_NUMBERS = {name: number for number, name in enumerate(UNITS)}
_CONTRAST, _CONTRAST_SOFTNESS = 0.15, 0.03  # on the tuning seed, as the borders of `states`
_EXACT = frozenset(("palm", "side"))
_STRAIGHT, _FOLDED = frozenset(("straight",)), frozenset(("folded", "curled"))
_STEEPEST = 30.0  # softnesses outside; beyond, a degree is 0 anyway


class _Reading(NamedTuple):
    """By how much a pose's conditions may be missed, softnesses; below 0, must be surpassed."""

    fingers: float = 0.0
    like: float = 0.0
    contrast: float | None = None
    """Of straight fingers over folded ones; None: as `fingers`."""

    def slack(self, subject: str) -> float:
        """Return it for one subject: where a hand points and faces is never loose."""
        if subject in _EXACT or subject.endswith("_points"):
            return 0.0
        return self.like if subject == "like" else self.fingers


_BY_FINGERS = _Reading()
_WHOLE_HAND = (
    _Reading(fingers=8.0, like=-2.0, contrast=3.0),
    _Reading(fingers=5.0),
    _Reading(fingers=-1.0, like=1.2),
    _Reading(fingers=-2.0, like=1.6),
)
"""The more a hand is like the shape, the odder its fingers may be, and the other way round.

On the tuning seed: of a hand seen from its back, whose fingers the model must guess, 8 instead of 5
find more of its hooks, and no idle hand anything. Looked at on the real
clips: a palm that is held out there is no more like those that are drawn."""
_STRICTER = {
    "pointing": _WHOLE_HAND[:2],
    "hook": (_Reading(fingers=10.0, like=-1.5, contrast=3.0), _Reading(fingers=5.0, like=0.3)),
    "ok": (_WHOLE_HAND[0], _Reading(fingers=5.0, like=-0.3)),
    "pinch": (_WHOLE_HAND[0], _Reading(fingers=5.0, like=-0.2)),
    "four": (_WHOLE_HAND[0], _Reading(fingers=5.0, like=-0.5), *_WHOLE_HAND[2:]),
}
"""Shapes that idle hands come near to, by how they hold an index finger or a thumb: sure fingers
make up for nothing there, and where tips only seem to touch, a hand must be a little more like it.
On two tuning seeds that took the poses that nobody meant from twelve in 16 hours to none, and a
pinch is found in 98 of 100 scenes. In a real clip a palm whose ring finger is bent to the thumb is
nearly like a four, which must be more so too; drawn fours are found as often. A hook may be less
like one: 98.6 % of the scenes of four seeds instead of 97.9 are found, none in those 16 hours."""


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

    A condition is met by any of its alternatives, and an alternative by all of its needs. Each end
    of a range that occurs is looked at once.

    In a pose with straight and folded fingers the straight ones must also be clearly straighter
    than the others: what a flat depth or an odd view does to all of them alike matters less then.

    A pose with a likeness is read in several ways, and the best counts: the whole hand decides and
    fingers may be far off, or farther, or fingers decide and the whole hand may be off.

    Args:
        poses: in the order of the scores.
    """

    def __init__(self, poses: Sequence[Pose]) -> None:
        self._poses = [dict(pose.conditions()) for pose in poses]
        self._ends: dict[_End, int] = {_NEVER: 0}
        alternatives: dict[tuple[int, ...], int] = {(0,): 0}
        conditions: dict[tuple[int, ...], int] = {(0,): 0}
        readings: list[tuple[int, ...]] = []
        first = []
        for pose in self._poses:
            first.append(len(readings))
            for reading in _readings(pose):
                numbers = []
                for condition in _conditions(pose, reading):
                    of = (self._numbers(needs) for needs in condition.alternatives)
                    each = tuple(alternatives.setdefault(ends, len(alternatives)) for ends in of)
                    numbers.append(conditions.setdefault(each, len(conditions)))
                readings.append(tuple(numbers))
        self._first = np.array(first, int)
        self._of_alternatives = _Groups(alternatives)
        self._of_conditions = _Groups(conditions)
        self._of_readings = _Groups(readings)
        ends = list(self._ends)
        self._measures = np.array([end.measure for end in ends], int)
        self._steepness = np.array([end.steepness for end in ends])
        self._offset = np.array([end.offset for end in ends])

    def scores(self, measures: Array) -> Array:
        """Return each pose's score, [poses]: the degree of its weakest condition.

        Args:
            measures: as `measures.measure` returns them.
        """
        if not self._poses:
            return np.empty(0)
        inside = measures.take(self._measures) * self._steepness + self._offset
        alternatives = self._of_alternatives.reduced(np.minimum, inside)
        conditions = self._of_conditions.reduced(np.maximum, alternatives)
        readings = self._of_readings.reduced(np.minimum, conditions)
        return _degree(np.maximum.reduceat(readings, self._first))

    def explain(
        self, measures: Array, wanted: Collection[int] | None = None
    ) -> list[tuple[Condition, ...]]:
        """Return each pose's conditions, in the reading that is met best.

        Args:
            measures: as `measures.measure` returns them.
            wanted: numbers of poses; the others get no conditions, which saves most of the time.
        """
        return [
            _best_reading(pose, measures) if wanted is None or number in wanted else ()
            for number, pose in enumerate(self._poses)
        ]

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

    def _numbers(self, needs: tuple[Need, ...]) -> tuple[int, ...]:
        """Enter the ends of some ranges and return their numbers."""
        ends = [end for need in needs for end in _ends_of(need)]
        return tuple(self._ends.setdefault(end, len(self._ends)) for end in ends)


class _End(NamedTuple):
    """One end of a range: how far inside of it a measure lies, softnesses, is linear."""

    measure: int
    steepness: float
    offset: float


_NEVER = _End(0, 0.0, -math.inf)


def _ends_of(need: Need) -> Iterator[_End]:
    number, steepness = _NUMBERS[need.measure], 1 / need.softness
    if need.low > -math.inf:
        yield _End(number, steepness, -need.low * steepness)
    if need.high < math.inf:
        yield _End(number, -steepness, need.high * steepness)


class _Groups:
    """Groups of numbers, one after the other, to be reduced to one value each."""

    def __init__(self, groups: Iterable[Sequence[int]]) -> None:
        # A pose without a condition is never met: 0 is `_NEVER` all the way.
        groups = [group or (0,) for group in groups]
        self._members = np.array([member for group in groups for member in group], int)
        self._begins = np.cumsum([0, *(len(group) for group in groups[:-1])])

    def reduced(self, how: np.ufunc, values: Array) -> Array:
        return np.asarray(how.reduceat(values.take(self._members), self._begins))


class _Asked(NamedTuple):
    """One condition of a pose, in one reading."""

    subject: str
    states: tuple[str, ...]
    alternatives: list[tuple[Need, ...]]


def _readings(pose: dict[str, tuple[str, ...]]) -> tuple[_Reading, ...]:
    if "like" not in pose:
        return (_BY_FINGERS,)
    (shape,) = pose["like"]
    return _STRICTER.get(shape, _WHOLE_HAND)


def _conditions(pose: dict[str, tuple[str, ...]], reading: _Reading) -> Iterator[_Asked]:
    """Yield what one reading of a pose asks for."""
    for subject, states in pose.items():
        yield _Asked(subject, states, _alternatives(subject, states, reading.slack(subject)))
    straight, folded = _held(pose, _STRAIGHT), _held(pose, _FOLDED)
    if straight and folded:
        needs = tuple(
            Need(contrast(one, other), _CONTRAST, math.inf, _CONTRAST_SOFTNESS)
            for one in straight
            for other in folded
        )
        slack = reading.fingers if reading.contrast is None else reading.contrast
        loosened = tuple(need.loosened(slack) for need in needs)
        yield _Asked("straight over folded", ("clear",), [loosened])


def _held(pose: dict[str, tuple[str, ...]], states: frozenset[str]) -> list[str]:
    """Return which long fingers a pose wants in one of these states."""
    return [name for name in LONG_FINGERS if name in pose and states.issuperset(pose[name])]


def _explained(asked: _Asked, measures: Array) -> Condition:
    """Return a condition with the need that decides: the weakest of the best alternative."""
    weakest = [
        min(((_need_degree(need, measures), need) for need in alternative), key=_first)
        for alternative in asked.alternatives
    ]
    degree, need = max(weakest, key=_first)
    return Condition(
        asked.subject,
        asked.states,
        need.measure,
        float(measures[_NUMBERS[need.measure]]),
        UNITS[need.measure],
        need.low,
        need.high,
        degree,
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
    return 1 / (1 + math.exp(min(-inside, _STEEPEST)))


def _degree(inside: Array) -> Array:
    """Map how far inside a border something lies, in softnesses, to 0..1."""
    return np.asarray(1 / (1 + np.exp(np.minimum(-inside, _STEEPEST))))


def _first(pair: tuple[float, Need]) -> float:
    return pair[0]


def _best_reading(pose: dict[str, tuple[str, ...]], measures: Array) -> tuple[Condition, ...]:
    """Return the conditions of a pose in the reading that is met best."""
    readings = (
        tuple(_explained(each, measures) for each in _conditions(pose, reading))
        for reading in _readings(pose)
    )
    return max(readings, key=_weakest)


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

"""Stretches of time in which one thing can be said of a hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from edgehands.hand import Handedness  # noqa: TC001 (msgspec reads it at run time)

if TYPE_CHECKING:
    from edgehands.gestures.scoring import Condition

Verdict: TypeAlias = Literal["shown", "fading", "waiting", "blocked", "torn", "short", "nothing"]
"""What becomes of a hand's best pose:

shown: its gesture is under way.
fading: a gesture is under way whose pose is gone, and ends soon.
waiting: the pose counts, and its gesture starts once it, or the hand, was there for long enough.
blocked: the pose counts and a rule keeps its gesture from starting.
torn: it counts, and so does another that contradicts it.
short: it does not count, for a condition or more are not met.
nothing: there is no pose that is nearly met.
"""


class Need(msgspec.Struct, kw_only=True):
    """One condition or rule over a stretch of time."""

    what: str
    """What must be how: "middle curled", or a rule such as "enter_delay"."""
    measure: str
    """What was measured for it."""
    low: float
    high: float
    """The range of what was measured."""
    needed: tuple[float | None, float | None]
    """The range that it must lie in; None where it has no end."""
    unit: str
    degree: float
    """0 to 1, at its worst; 0.5 at an end of the range."""

    def widen(self, other: Need) -> None:
        """Take in the same need of a later frame: of two measures, the one that is met worse."""
        if other.measure == self.measure:
            self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        elif other.degree < self.degree:
            self.measure, self.unit, self.needed = other.measure, other.unit, other.needed
            self.low, self.high = other.low, other.high
        self.degree = min(self.degree, other.degree)

    def __str__(self) -> str:
        digits = 0 if self.unit == "°" else 2
        unit = "°" if self.unit == "°" else f" {self.unit}".rstrip()
        low, high = f"{self.low:.{digits}f}", f"{self.high:.{digits}f}"
        measured = low if low == high else f"{low} to {high}"
        return f"{self.measure} {measured}{unit}, needs {_range(self.needed, digits)}{unit}"


class Span(msgspec.Struct, kw_only=True):
    """A stretch of time in which the same is true of one hand."""

    begin: float
    end: float
    """Seconds, of the first and the last frame."""
    frames: int
    hand: int
    side: Handedness
    verdict: Verdict
    gesture: str
    """The one that is spoken of: the best, or the one that was asked for."""
    scores: tuple[float, float]
    """Least and most."""
    reason: str = ""
    """In words, where no need says it."""
    needs: list[Need] = []
    """Every condition of the gesture, or the rule that keeps it."""

    def unmet(self) -> list[Need]:
        """Return what was not met in some frame, the worst first."""
        return sorted((need for need in self.needs if need.degree < 0.5), key=_degree)

    def follows(self, other: Span, *, closely: bool) -> bool:
        """Whether this says the same as an earlier one; closely, also of the conditions."""
        same = self._saying() == other._saying()
        if closely and self.verdict == "short":
            return same and set(_names(self.unmet())) == set(_names(other.unmet()))
        return same

    def absorb(self, later: Span) -> None:
        """Take in a later one that says the same."""
        self.end = later.end
        self.frames += later.frames
        self.side = later.side
        low, high = self.scores
        self.scores = min(low, later.scores[0]), max(high, later.scores[1])
        known = {need.what: need for need in self.needs}
        for need in later.needs:
            if need.what in known:
                known[need.what].widen(need)
            else:
                self.needs.append(need)

    def _saying(self) -> tuple[str, ...]:
        if self.verdict == "nothing":
            return ("nothing",)
        return self.verdict, self.gesture, self.reason


def need_of(condition: Condition) -> Need:
    """Return a condition of a pose in one frame."""
    what = f"{condition.subject.replace('_', ' ')} {' or '.join(condition.states)}"
    low = None if condition.low == -float("inf") else condition.low
    high = None if condition.high == float("inf") else condition.high
    return Need(
        what=what,
        measure=condition.measure,
        low=condition.measured,
        high=condition.measured,
        needed=(low, high),
        unit=condition.unit,
        degree=condition.degree,
    )


def _names(needs: list[Need]) -> list[str]:
    return [need.what for need in needs]


def _degree(need: Need) -> float:
    return need.degree


def _range(needed: tuple[float | None, float | None], digits: int) -> str:
    low, high = needed
    if low is not None and high is not None and low > 0:
        return f"{low:.{digits}f} to {high:.{digits}f}"
    if high is not None:
        return f"at most {high:.{digits}f}"
    return f"at least {low or 0:.{digits}f}"

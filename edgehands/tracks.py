"""Which hand is which over time: a hand's side, and its id through short losses and crossings.

Pure: measurements and times in. Lengths are in palm sides, so near and far hands are judged alike.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from edgehands.landmarks import PALM_CORNERS, is_duplicate, palm_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.hand import Handedness
    from edgehands.landmarks import Measurement
    from edgehands.stillness import Stillness

_SIDE_MEMORY = 30
"""Frames over which the side is averaged, so that a wrong start is forgotten."""
_SIDE_MARGIN = 0.15
"""How far beyond 0.5 the average must be before the side is another."""
_SPEED_MEMORY = 0.1
"""Seconds over which the speed is averaged."""
_COASTING = 0.4
"""Seconds for which a lost hand is believed to go on as it went."""
_REACH = 1.5
"""Palm sides within which a hand that appears may be the one that was lost …"""
_REACH_SPEED = 4.0
"""… and how many more for each second in between."""
_GROWTH = 1.7
"""Times by which its size may differ."""
_OTHER_SIDE = 0.7
"""What it weighs if the side differs, in shares of the reach."""


class Track:
    """A hand that is being followed.

    Args:
        id_: stays with the hand.
        measurement: where it is at first.
        time: of that frame, seconds.
    """

    def __init__(self, id_: int, measurement: Measurement, time: float) -> None:
        self.id = id_
        self.measurement = measurement
        self.time = time
        self.still: Stillness | None = None
        """How its region looked when it was measured, where that is asked for."""
        self._frames = 1
        self._right = measurement.right
        self._is_right = measurement.right >= 0.5
        self._center = _center(measurement)
        self._speed = (0.0, 0.0)  # pixels per second

    def follow(self, measurement: Measurement, time: float) -> None:
        """Take the next measurement of the hand."""
        self._frames += 1
        self._right += (measurement.right - self._right) / min(self._frames, _SIDE_MEMORY)
        if abs(self._right - 0.5) > _SIDE_MARGIN or self._frames <= 3:
            self._is_right = self._right >= 0.5
        center, passed = _center(measurement), time - self.time
        if passed > 0:
            weight = passed / (passed + _SPEED_MEMORY)
            self._speed = (
                self._speed[0] + weight * ((center[0] - self._center[0]) / passed - self._speed[0]),
                self._speed[1] + weight * ((center[1] - self._center[1]) / passed - self._speed[1]),
            )
        self.measurement, self.time, self._center = measurement, time, center

    def rest(self, time: float) -> None:
        """Take it that the hand is where it was."""
        self.time, self._speed = time, (0.0, 0.0)

    def resume(self, measurement: Measurement, time: float) -> None:
        """Take up the hand again after a loss, in which it may have moved anyhow."""
        self.follow(measurement, time)
        self._speed = (0.0, 0.0)

    def become(self, other: Track) -> None:
        """Take over another's id and side: it was that hand all the time."""
        self.id, self._frames = other.id, other._frames
        self._right, self._is_right = other._right, other._is_right

    def handedness(self, *, mirrored: bool) -> tuple[Handedness, float]:
        """Return the side, averaged over the track, and how sure it is, 0.5 to 1."""
        score = max(0.5, self._right if self._is_right else 1 - self._right)
        return ("right" if self._is_right != mirrored else "left"), score

    def strangeness(self, measurement: Measurement, time: float) -> float:
        """Say how unlike this hand a measurement is: below 1 it may be this one.

        The distance from where the hand should be, as a share of how far it may have got, and more
        for the other side. Infinite for another size.
        """
        known, new = palm_side(self.measurement.landmarks), palm_side(measurement.landmarks)
        if not known < new * _GROWTH or not new < known * _GROWTH:
            return math.inf
        passed = time - self.time
        coasting = min(passed, _COASTING)
        x, y = _center(measurement)
        off = math.hypot(
            x - self._center[0] - self._speed[0] * coasting,
            y - self._center[1] - self._speed[1] * coasting,
        )
        reach = (_REACH + _REACH_SPEED * passed) * max(known, new)
        if off > reach:
            return math.inf
        return off / reach + _OTHER_SIDE * abs(self._right - measurement.right)


class Claim(NamedTuple):
    """A hand that was lost and is back."""

    track: Track
    disturbed: tuple[int, ...]
    """Ids that from now on lie elsewhere than in the last frame."""


@dataclass(frozen=True, slots=True)
class _Lost:
    track: Track
    other: Track | None
    """The hand on which its region came to lie, if that is how it was lost …"""
    before: Track | None
    """… as that one was until then."""


class LostTracks:
    """Hands that were lost a moment ago: one that appears where it may be is the same hand.

    Two hands that cross look like one, and which of them it is shows only when they part: then both
    are compared with how they came.

    Args:
        memory: seconds for which a hand is remembered.
    """

    def __init__(self, memory: float) -> None:
        self._memory = memory
        self._lost: list[_Lost] = []

    def add(self, track: Track, other: Track | None = None) -> None:
        """Remember a hand that was lost, and the one that hides it, not yet followed further."""
        self._lost.append(_Lost(track, other, copy(other)))

    def expire(self, time: float) -> None:
        """Forget those lost too long ago."""
        if self._lost:
            self._lost = [each for each in self._lost if time - each.track.time <= self._memory]

    def claim(
        self, measurement: Measurement, time: float, tracked: Sequence[Track]
    ) -> Claim | None:
        """Return the hand that this measurement continues, if there is one.

        Args:
            measurement: of a hand that is not tracked.
            time: seconds.
            tracked: the hands that are; one of them may turn out to be the one that was lost.
        """
        best, cost = None, math.inf
        for lost in self._lost:
            other = lost.other if lost.other in tracked else None
            for crossed in (False, True) if other else (False,):
                strangeness = _strangeness(lost, other, measurement, time, crossed=crossed)
                if strangeness < cost:
                    best, cost = (lost, other if crossed else None), strangeness
        if best is None:
            return None
        lost, exchanged = best
        self._lost.remove(lost)
        track = lost.track
        if exchanged is not None and lost.before is not None:
            track = lost.before
            exchanged.become(lost.track)
        track.resume(measurement, time)
        return Claim(track, (track.id, exchanged.id) if exchanged else (track.id,))


def _strangeness(
    lost: _Lost, other: Track | None, measurement: Measurement, time: float, *, crossed: bool
) -> float:
    """Say how strange it were if the lost hand were this one or, crossed, the one in front."""
    if other is None or lost.before is None:
        return lost.track.strangeness(measurement, time)
    here, there = measurement, other.measurement
    if crossed:
        here, there = there, here
    # The mean: one that is strange alone must not win over two that are strange together.
    return (lost.track.strangeness(here, time) + lost.before.strangeness(there, time)) / 2


def told_apart(
    pairs: list[tuple[Track, Measurement]], time: float
) -> tuple[dict[Track, Measurement], dict[Track, Track]]:
    """Return the tracks with their measurements; where two sit on one hand, only the likelier.

    When hands cross, the regions of both come to lie on the one in front: the track that had been
    going there keeps it.

    Returns:
        Each track that goes on, and for each that does not the one which keeps its hand.
    """
    if not any(is_duplicate(a.landmarks, b.landmarks) for (_, a), (_, b) in combinations(pairs, 2)):
        return dict(pairs), {}
    kept: dict[Track, Measurement] = {}
    hidden: dict[Track, Track] = {}
    for track, measurement in sorted(pairs, key=lambda each: each[0].strangeness(each[1], time)):
        for other, seen in kept.items():
            if is_duplicate(measurement.landmarks, seen.landmarks):
                hidden[track] = other
                break
        else:
            kept[track] = measurement
    return kept, hidden


def _center(measurement: Measurement) -> tuple[float, float]:
    (ax, ay), (bx, by), (cx, cy) = measurement.landmarks[PALM_CORNERS, :2].tolist()
    return (ax + bx + cx) / 3, (ay + by + cy) / 3

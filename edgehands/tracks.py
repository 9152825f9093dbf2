"""Which hand is which over time: a hand's side, and its id through short losses and crossings.

Pure: measurements and times in. Lengths are in palm sides, so near and far hands are judged alike.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

from edgehands.landmarks import PALM_CORNERS, is_duplicate, palm_side

if TYPE_CHECKING:
    from edgehands.hand import Handedness
    from edgehands.landmarks import Measurement
    from edgehands.stillness import Stillness

_SIDE_MEMORY = 30
"""Frames over which the side is averaged, so that a wrong start is forgotten."""
_SIDE_MARGIN = 0.15
"""How far beyond 0.5 the average must be before the side is another."""
_SPEED_MEMORY = 0.1
"""Seconds over which the speed is averaged."""
_COASTING = 0.2
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


class LostTracks:
    """Hands that were lost a moment ago: one that appears where it may be is the same hand.

    Args:
        memory: seconds for which a hand is remembered.
    """

    def __init__(self, memory: float) -> None:
        self._memory = memory
        self._tracks: list[Track] = []

    def add(self, track: Track) -> None:
        """Remember a hand that was lost."""
        self._tracks.append(track)

    def expire(self, time: float) -> None:
        """Forget those lost too long ago."""
        if self._tracks:
            self._tracks = [each for each in self._tracks if time - each.time <= self._memory]

    def claim(self, measurement: Measurement, time: float) -> Track | None:
        """Return the hand that this measurement continues, if there is one."""
        best = min(self._tracks, key=lambda each: each.strangeness(measurement, time), default=None)
        if best is None or best.strangeness(measurement, time) == math.inf:
            return None
        self._tracks.remove(best)
        best.resume(measurement, time)
        return best


def told_apart(
    pairs: list[tuple[Track, Measurement]], time: float
) -> list[tuple[Track, Measurement]]:
    """Return the tracks with their measurements; where two sit on one hand, only the likelier.

    When hands cross, the regions of both come to lie on the one in front: the track that had been
    going there keeps it.
    """
    if not any(is_duplicate(a.landmarks, b.landmarks) for (_, a), (_, b) in combinations(pairs, 2)):
        return pairs
    kept: list[tuple[Track, Measurement]] = []
    for pair in sorted(pairs, key=lambda each: each[0].strangeness(each[1], time)):
        if not any(is_duplicate(pair[1].landmarks, other.landmarks) for _, other in kept):
            kept.append(pair)
    return [pair for pair in pairs if pair in kept]


def _center(measurement: Measurement) -> tuple[float, float]:
    (ax, ay), (bx, by), (cx, cy) = measurement.landmarks[PALM_CORNERS, :2].tolist()
    return (ax + bx + cx) / 3, (ay + by + cy) / 3

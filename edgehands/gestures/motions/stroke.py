"""Strokes: a way from rest to rest, as soon as it is over. Swipes and pushes are read from them."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

_REST_BEFORE = 0.08
"""Seconds a hand must be seen at rest before a stroke: one that comes into the picture is not."""
_SLOWED_TO = 0.35
"""Share of the top speed below which a stroke is over."""
_LONGEST = 1.5
"""Seconds; a slower way is none."""

Point = tuple[float, float, float]
"""Time, x and y."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A way that is over, in units and, of its speed, units a second."""

    dx: float
    dy: float
    top_speed: float
    path: float
    """Length of the way with all its turns."""

    @property
    def length(self) -> float:
        """From its beginning to its end, straight."""
        return math.hypot(self.dx, self.dy)


class StrokeReader:
    """Finds strokes in a stream of points.

    Args:
        rest: speed below which the point is at rest, units a second.
        span: seconds over which speed is measured.
    """

    def __init__(self, rest: float, span: float = 0.085) -> None:
        self._rest = rest
        self._span = span - 1e-6
        self._recent: deque[Point] = deque()
        self._rested_since: float | None = None
        self._way: list[Point] = []
        self._top = 0.0

    @property
    def under_way(self) -> bool:
        """Whether a stroke is going on."""
        return bool(self._way)

    def update(self, time: float, x: float, y: float, unit: float = 1.0) -> Stroke | None:
        """Take the point at a time and return a stroke that has just ended.

        Args:
            time: seconds, rising.
            x: of the point.
            y: of the point.
            unit: the length that counts as 1.
        """
        before = self._point_before((time, x, y))
        if before is None:
            return None
        speed = math.hypot(x - before[1], y - before[2]) / (time - before[0]) / unit
        if self._way:
            return self._go_on((time, x, y), speed, unit)
        if speed < self._rest:
            if self._rested_since is None:
                self._rested_since = before[0]
        elif self._rested_since is not None:
            if before[0] - self._rested_since >= _REST_BEFORE - 1e-6:
                self._way, self._top = [before, (time, x, y)], speed
            self._rested_since = None
        return None

    def _go_on(self, point: Point, speed: float, unit: float) -> Stroke | None:
        self._way.append(point)
        self._top = max(self._top, speed)
        first = self._way[0]
        if point[0] - first[0] > _LONGEST:
            self._way = []
            return None
        if speed > max(self._rest, _SLOWED_TO * self._top):
            return None
        path = sum(math.dist(a[1:], b[1:]) for a, b in zip(self._way, self._way[1:], strict=False))
        self._way = []
        # It has just been at rest, before this way: the next one may begin at once.
        self._rested_since = point[0] - 2 * _REST_BEFORE
        dx, dy = (point[1] - first[1]) / unit, (point[2] - first[2]) / unit
        return Stroke(dx, dy, self._top, path / unit)

    def _point_before(self, point: Point) -> Point | None:
        """Return the newest point that is at least `span` seconds old."""
        recent = self._recent
        recent.append(point)
        while len(recent) > 2 and point[0] - recent[1][0] >= self._span:
            recent.popleft()
        oldest = recent[0]
        return oldest if point[0] - oldest[0] >= self._span else None

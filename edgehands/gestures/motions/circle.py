"""Circles that a pointing finger draws in the air."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from edgehands.gestures.motions.motion import Sign, above, below

if TYPE_CHECKING:
    from edgehands.gestures.motions.moment import Moment

_STEP = 0.15
"""Palm sizes between two points of the way that are looked at."""
_PAUSE = 0.4
"""Seconds without a step after which it is another way."""
_LONGEST = 2.5
"""Seconds for one turn round, at most."""
_FULL = 330.0
"""Degrees of turning that make a circle."""
_MOST_ROLL = 60.0
"""Degrees that the hand may turn meanwhile: one that comes to point elsewhere draws an arc too."""


class CircleReader:
    """The tip of a pointing index finger goes round once, on a way that is round."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float, float, float]] = deque()
        self._turns: deque[float] = deque()
        self._heading: float | None = None

    def update(self, moment: Moment) -> list[Sign]:
        """Take the next moment of one hand."""
        pointing = min(
            above(moment.straight, 0.55, 0.05),
            above(moment.pointing, 0.45, 0.06),
        )
        if pointing < 0.2:
            self._forget()
            return []
        x, y = moment.index_tip
        if not self._points:
            self._points.append((moment.time, x, y, moment.roll))
            return []
        last = self._points[-1]
        if moment.time - last[0] > _PAUSE:
            self._forget()
            return []
        dx, dy = x - last[1], y - last[2]
        if math.hypot(dx, dy) < _STEP * moment.unit:
            return []
        self._step((moment.time, x, y, moment.roll), math.degrees(math.atan2(dy, dx)))
        return self._read(pointing, moment.unit)

    def _step(self, point: tuple[float, float, float, float], heading: float) -> None:
        if self._heading is not None:
            self._turns.append((heading - self._heading + 180) % 360 - 180)
        self._heading = heading
        self._points.append(point)
        while point[0] - self._points[0][0] > _LONGEST:
            self._points.popleft()
            if self._turns:
                self._turns.popleft()

    def _read(self, pointing: float, unit: float) -> list[Sign]:
        """Look for the shortest end of the way that is a full turn, and whether it is round."""
        total, count = 0.0, 0
        for turn in reversed(self._turns):
            total += turn
            count += 1
            if abs(total) >= _FULL:
                break
        else:
            return []
        ring = list(self._points)[-count - 2 :]
        cx = sum(x for _, x, _, _ in ring) / len(ring)
        cy = sum(y for _, _, y, _ in ring) / len(ring)
        radii = [math.hypot(x - cx, y - cy) / unit for _, x, y, _ in ring]
        size = sum(radii) / len(radii)
        rolls = [(roll - ring[0][3] + 180) % 360 - 180 for _, _, _, roll in ring]
        score = min(
            pointing,
            below(max(rolls) - min(rolls), _MOST_ROLL, 5.0),
            above(size, 0.3, 0.04),
            above(min(radii) / max(radii), 0.35, 0.05),
            above(abs(total) / sum(abs(turn) for turn in list(self._turns)[-count:]), 0.75, 0.05),
        )
        if score >= 0.5:
            self._forget()
        return [
            Sign("circle_clockwise" if total > 0 else "circle_counterclockwise", "start", score)
        ]

    def _forget(self) -> None:
        self._points.clear()
        self._turns.clear()
        self._heading = None

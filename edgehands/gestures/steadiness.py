"""How fast a hand moves: a sign is held still, a hand on its way to somewhere shows none.

Pure: time is an argument. One `Steadiness` follows one hand.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from edgehands.hand import FINGERS, Landmark
from edgehands.settings import TICK

if TYPE_CHECKING:
    from edgehands.hand import Hand

    Points = list[list[float]]

WINDOW = 0.2
"""Seconds over which speed is taken: shorter, and the model's own unrest looks like speed."""

_CORNERS = (Landmark.WRIST, Landmark.INDEX_MCP, Landmark.PINKY_MCP)
_WATCHED = np.array([*_CORNERS, *(joints[-1] for joints in FINGERS.values())])
_PALM = np.array([*_CORNERS, Landmark.MIDDLE_MCP])
_SIDES = ((0, 1), (0, 2), (1, 2))


class Steadiness:
    """Measures the speed of one hand in the picture, where the model is at its surest."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Points]] = deque()

    def update(self, hand: Hand, time: float) -> float:
        """Take the hand at `time` (seconds, rising) and return its speed.

        Returns:
            Palm sizes a second, of the palm's corner or fingertip that is now farthest from where
            it was `WINDOW` ago, or when the hand was first seen; 0 for a hand not seen before.
        """
        points: Points = hand.landmarks[:, :2].take(_WATCHED, axis=0).tolist()
        while self._seen and time - self._seen[0][0] > WINDOW + TICK:
            self._seen.popleft()
        before = self._seen[0] if self._seen else None
        self._seen.append((time, points))
        if before is None:
            return 0.0
        moved = max([math.dist(now, then) for now, then in zip(points, before[1], strict=True)])
        return moved / max(_palm_size(hand, points), 1e-6) / (time - before[0])


def _palm_size(hand: Hand, points: Points) -> float:
    """From wrist to the middle knuckle as it would be seen face on, pixels."""
    world: Points = hand.world_landmarks.take(_PALM, axis=0).tolist()
    seen = sum([math.dist(points[a], points[b]) for a, b in _SIDES])
    true = sum([math.dist(world[a][:2], world[b][:2]) for a, b in _SIDES])
    return seen / max(true, 1e-9) * math.dist(world[0], world[3])

"""How like a motion is to the usual one, by all that was measured of it: no single number decides.

Hands differ, and the model sees some of them wrong. One that is barely open but does everything
else as usual pushes; one that lacks a little of everything does not.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from edgehands.gestures.motions.motion import Sign, below

_SOFTNESS = 0.15


class Lack(NamedTuple):
    """What a motion lacks in one of its measures."""

    what: str
    """Was measured; lengths in palm sizes, times in seconds."""
    value: float
    usual: float
    """Of those who make the motion, the median of drawn ones on tuning seeds."""
    poor: float
    """About the worst 2 % of them; farther off where idle hands hardly differ in it, nearer where
    they do."""

    @property
    def size(self) -> float:
        """0 where the value is usual or better, 1 where it is poor, and on."""
        return max((self.value - self.usual) / (self.poor - self.usual), 0.0)


def compared(gesture: str, most: float, *lacks: Lack) -> Sign:
    """Return the sign of a motion; its score is how like it is to the usual one.

    Args:
        gesture: that it may be.
        most: the unlikeness at which its score is 0.5.
        lacks: in each of its measures; together they are its unlikeness, as sides of a distance.
    """
    unlikeness = math.hypot(*[lack.size for lack in lacks])
    return Sign(gesture, "start", below(unlikeness, most, _SOFTNESS), lacks=lacks)

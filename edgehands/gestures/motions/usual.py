"""How like a motion is to the usual one, by all that was measured of it: no single number decides.

Hands differ, and the model sees some of them wrong. One that is barely open but does everything
else as usual pushes; one that lacks a little of everything does not.
"""

from __future__ import annotations

import math

from edgehands.gestures.motions.motion import below

_SOFTNESS = 0.15


def lack(value: float, usual: float, poor: float) -> float:
    """Return how much a value lacks: 0 where it is usual or better, 1 where it is poor, and on.

    Args:
        value: what is measured.
        usual: of those who make the motion, the median of drawn ones on tuning seeds.
        poor: about the worst 2 % of them, or farther off where idle hands hardly differ in it.
    """
    return max((value - usual) / (poor - usual), 0.0)


def likeness(*lacks: float, most: float) -> float:
    """Return how like a motion is to the usual one, 0 to 1.

    Args:
        lacks: what each of its measures lacks; together they are a distance, as of a point.
        most: the distance at which it is half and half, 0.5.
    """
    return below(math.hypot(*lacks), most, _SOFTNESS)

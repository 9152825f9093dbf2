"""What the readers of motions say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.gestures.motions.usual import Lack

MotionPhase = Literal["start", "value", "end"]

SWIPES = {"right": "swipe_right", "left": "swipe_left", "up": "swipe_up", "down": "swipe_down"}
ONE_SHOT: tuple[str, ...] = (
    *SWIPES.values(),
    *("wave", "circle_clockwise", "circle_counterclockwise", "push", "pull"),
    *("grab", "release", "double_tap", "clap"),
)
"""Motions that only start: they are over when they are recognised."""
CONTINUOUS: tuple[str, ...] = ("pinch_drag", "pinch_zoom", "twist")
"""Motions that start, stream values and end."""
MOTIONS: tuple[str, ...] = ONE_SHOT + CONTINUOUS
"""Every dynamic gesture by name."""

COMPARED: tuple[str, ...] = (
    *SWIPES.values(),
    *("push", "pull", "grab", "release", "double_tap", "pinch_drag", "twist"),
)
"""Motions that are told by how like they are to the usual one: what they lack can be said."""

OPPOSITE = {
    "swipe_left": "swipe_right",
    "swipe_right": "swipe_left",
    "swipe_up": "swipe_down",
    "swipe_down": "swipe_up",
    "push": "pull",
    "pull": "push",
}
BACK_AGAIN = 1.0
"""Seconds after a swipe or push in which the way back is not the opposite one."""


@dataclass(frozen=True, slots=True)
class Motion:
    """A dynamic gesture began, has a new value, or ended."""

    gesture: str
    """One of `MOTIONS`."""
    phase: MotionPhase
    hands: tuple[int, ...]
    """Ids of the one or two hands that made it."""
    score: float
    """0 to 1: the weakest of the motion's conditions when it started; 0.5 is the border."""
    value: Mapping[str, float] | None = None
    """Of continuous ones, since they began: `pinch_drag` has dx and dy in palm sizes (right and
    down in the picture), `pinch_zoom` has scale, `twist` has angle in degrees, clockwise."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What one reader saw, before it is known whose it is."""

    gesture: str
    phase: MotionPhase
    score: float
    value: Mapping[str, float] | None = None
    lacks: tuple[Lack, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What might have been a motion and was not like enough to the usual one."""

    gesture: str
    """One of `COMPARED`."""
    hand: int
    score: float
    lacks: tuple[Lack, ...]
    """In each of its measures."""


def above(value: float, border: float, softness: float) -> float:
    """Map how far a value is above a border to 0..1: 0.5 at the border, 0.73 `softness` above."""
    return 1 / (1 + math.exp(max(-50.0, min((border - value) / softness, 50.0))))


def below(value: float, border: float, softness: float) -> float:
    """Map how far a value is below a border to 0..1."""
    return 1 - above(value, border, softness)

"""One scene through the gesture code: which gestures started, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgehands.gestures.vocabulary import default_rules, shipped_vocabulary
from edgehands.interpreter import Interpreter
from edgehands.settings import GestureRules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgehands.hand import Hand
    from edgehands.synthetic.gesturing.performance import Scene

    Moments = Iterable[tuple[float, list[Hand]]]

_EARLY = 0.15
"""Seconds before a pose is fully there at which its start is right already."""
_LATE = 0.6
"""Seconds after a gesture at which its start is still right: a delay is not a miss."""


@dataclass(frozen=True, slots=True)
class Start:
    """A gesture started."""

    gesture: str
    time: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one scene."""

    gesture: str
    """What was shown."""
    tilt: float
    delay: float | None
    """Seconds from when it was shown until its start; None: it was missed."""
    wrong: tuple[Start, ...]
    """Starts of what was not shown, and starts again of what was."""


EXPERIMENTAL: tuple[str, ...] = tuple(default_rules(shipped_vocabulary()))
"""Gestures that are off unless asked for: as they are where another one is evaluated."""


def starts(moments: Moments, *asked_for: str) -> list[Start]:
    """Put hands over time through poses, motions and event rules, all with their defaults.

    Args:
        moments: hands over time.
        asked_for: experimental gestures to switch on.
    """
    rules = {name: GestureRules() for name in asked_for if name in EXPERIMENTAL}
    interpreter = Interpreter("camera", "eval", rules)
    found = []
    for time, hands in moments:
        found += [
            Start(event.gesture, time)
            for event in interpreter.update(hands, time, time)
            if event.phase == "start" and event.gesture is not None
        ]
    return found


def judge(scene: Scene, found: list[Start]) -> Trial:
    """Compare what started in a scene with what it shows."""
    begin, over = scene.shown
    right = [
        start
        for start in found
        if start.gesture == scene.gesture and begin - _EARLY <= start.time <= over + _LATE
    ]
    wrong = [start for start in found if start not in right[:1] and start.gesture not in scene.also]
    delay = max(right[0].time - begin, 0.0) if right else None
    return Trial(scene.gesture, scene.tilt, delay, tuple(wrong))

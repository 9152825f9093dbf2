"""What may be changed while a run is under way: written by outputs, read by the loop each frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from edgehands.settings import GestureRules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edgehands.settings import Area, TrackerSettings

NEUTRAL_SENSITIVITY = 0.5
"""At which gestures need exactly the scores of the config."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """Settings of a config that may change between two frames. Never changed: replaced by another.

    Of the tracker's settings only the smoothing and `min_presence` count.
    """

    mirrored: bool
    smoothing: bool
    tracker: TrackerSettings
    gestures: Mapping[str, GestureRules] = field(default_factory=dict)
    """Rules by gesture, as in the config."""
    masks: Mapping[str, tuple[Area, ...]] = field(default_factory=dict)
    """Private parts of the picture, by camera."""


@dataclass(slots=True)
class Control:
    """Plain values, so that a thread may set one while another reads it."""

    enabled: bool = True
    """False: frames are taken and thrown away, and every gesture under way ends."""
    sensitivity: float = NEUTRAL_SENSITIVITY
    """0 to 1: above the middle, gestures begin at lower scores than the config says."""
    tuning: Tuning | None = None
    """What holds instead of the config's; None leaves that."""


def adjusted(
    rules: Mapping[str, GestureRules], gestures: Iterable[str], sensitivity: float
) -> dict[str, GestureRules]:
    """Return the rules of all these gestures at a sensitivity.

    At 1 a gesture needs half the score that the config says, at 0 it needs one halfway to certain.
    """
    below = max(0.0, NEUTRAL_SENSITIVITY - sensitivity)
    above = max(0.0, sensitivity - NEUTRAL_SENSITIVITY)

    def adjust(rule: GestureRules) -> GestureRules:
        score = rule.min_score * (1 - above) + (1 - rule.min_score) * below
        return msgspec.structs.replace(rule, min_score=score)

    return {name: adjust(rules.get(name, GestureRules())) for name in gestures}

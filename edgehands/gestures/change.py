"""What a gesture does at one moment: it starts, lasts, says a value or ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.hand import Hand

GesturePhase: TypeAlias = Literal["start", "hold", "value", "end"]


@dataclass(frozen=True, slots=True)
class Change:
    """One gesture at one moment."""

    phase: GesturePhase
    gesture: str
    score: float
    hands: tuple[Hand, ...]
    """The one that shows it, or both."""
    duration: float | None = None
    """With hold and end: seconds from its start to when it was last seen."""
    value: Mapping[str, float] | None = None
    """What a continuous gesture measures now, by name."""

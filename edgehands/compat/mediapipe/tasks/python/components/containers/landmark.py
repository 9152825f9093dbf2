"""Points of a hand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Landmark:
    """A point in metres from the hand's centre, in the picture's axes."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    visibility: float | None = None
    presence: float | None = None
    name: str | None = None


@dataclass
class NormalizedLandmark:
    """A point as shares of the picture's width (x and z) and height (y)."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    visibility: float | None = None
    presence: float | None = None
    name: str | None = None

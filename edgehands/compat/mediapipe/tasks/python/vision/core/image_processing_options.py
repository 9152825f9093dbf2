"""How a picture is turned before it is looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ImageProcessingOptions:
    """Options of one call."""

    region_of_interest: object | None = None
    """Must be None: the hand landmarker looks at whole pictures."""
    rotation_degrees: int = 0
    """Clockwise, a multiple of 90: how to turn the picture so that it stands upright."""

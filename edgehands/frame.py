"""One picture from a camera, with its two times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgehands.hand import ImageArray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture and when it was taken."""

    image: ImageArray
    """uint8 [H, W, 3] RGB, in row order; the consumer may keep it but must not write to it."""
    time: float
    """Seconds of media or sensor time, rising: drives tracker, gestures and rate caps."""
    captured: float
    """Seconds of time.monotonic() at capture: drives age, expiry and watchdog."""

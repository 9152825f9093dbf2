"""One time that a camera was opened: what it counts and by which clock it goes begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgehands.cameras.messages import Picture


class Opening:
    """From when a camera is opened until it fails."""

    def __init__(self, now: float) -> None:
        self.last = now
        """When it gave its last frame, or was opened."""
        self.frames = 0
        self._dropped = 0
        self._rejected = 0
        self._shift = 0.0

    def counted(self, dropped: int | None, rejected: int) -> tuple[int, int]:
        """Return how many frames more were dropped and rejected, of its counts so far."""
        dropped = self._dropped if dropped is None else dropped
        more = dropped - self._dropped, rejected - self._rejected
        self._dropped, self._rejected = dropped, rejected
        return more

    def time_of(self, picture: Picture, last: tuple[float, float] | None) -> float:
        """Return a frame's time, later than that of the last frame of any opening.

        Args:
            picture: the frame.
            last: time and time of capture of the one before.
        """
        if self.frames == 0 and last is not None and picture.time <= last[0]:
            self._shift = last[0] + picture.captured - last[1] - picture.time
        self.frames += 1
        return picture.time + self._shift

"""How a camera is doing, by when its frames came and how they look. Pure: time is an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgehands.cameras.look import Look
    from edgehands.health import CameraState

OPENING = 5.0
"""Seconds without a frame at the very start, when nothing is open yet."""
STALLED_AFTER = 2.0
"""Seconds without a frame."""
STALLED_FRAMES = 3.0
"""… or as many frame periods, for a camera so slow that this is longer."""
FROZEN_AFTER = 5.0
"""Seconds of the same picture."""
FROZEN_FRAMES = 3
"""… and at least so many repeats of it."""
DARK_AFTER = 3.0
"""Seconds of darkness; a hand that is held before the lens for a moment is none."""
DARK_MEAN, DARK_DEVIATION = 8.0, 3.0
"""Darker and more even than this, of 255, is dark."""


class Condition:
    """One camera's state. Whatever happens is told to it, with the time, which only rises."""

    def __init__(self, now: float) -> None:
        self.state: CameraState = "ok"
        self.reason: str | None = None
        self._lost: str | None = None
        self._unusable = False
        self._due = now
        self._waiting = True
        self._patience = OPENING
        self._digest: int | None = None
        self._same_since = now
        self._repeats = 0
        self._dark_since: float | None = None

    def opened(self, now: float, fps: float) -> None:
        """The device is open: frames are due, so many a second."""
        self._patience = max(STALLED_AFTER, STALLED_FRAMES / fps)
        self._lost = None
        self._wait(now)

    def reopening(self, now: float) -> None:
        """The device was closed on purpose, to open it again."""
        self._wait(now)

    def rested(self, seconds: float) -> None:
        """For so long nobody looked for frames, and none was missed."""
        self._due += seconds

    def frame(self, now: float, look: Look) -> None:
        """A frame came that looks like this."""
        self._lost = None
        self._unusable = self._waiting = False
        self._due = now
        if look.digest != self._digest:
            self._digest, self._same_since, self._repeats = look.digest, now, 0
        else:
            self._repeats += 1
        if look.mean >= DARK_MEAN or look.deviation >= DARK_DEVIATION:
            self._dark_since = None
        elif self._dark_since is None:
            self._dark_since = now
        self.tick(now)

    def unusable(self, now: float) -> None:
        """A frame came that makes no sense."""
        self._unusable = True
        self.tick(now)

    def lost(self, now: float, reason: str) -> None:
        """The device is gone or refuses."""
        self._lost = reason
        self._digest, self._repeats = None, 0  # one that comes back has not stood still meanwhile
        self._wait(now)

    def tick(self, now: float) -> None:
        """Time has passed."""
        if self._lost is not None:
            self.state, self.reason = "lost", self._lost
        elif now - self._due >= self._patience:
            self.state, self.reason = "stalled", self._stalled()
        elif self._waiting:
            pass  # what it was before it was opened again still holds
        elif self._dark_since is not None and now - self._dark_since >= DARK_AFTER:
            self.state, self.reason = "dark", "no light reaches it: is its lens covered?"
        elif self._repeats >= FROZEN_FRAMES and now - self._same_since >= FROZEN_AFTER:
            self.state = "frozen"
            self.reason = "the same picture again and again: unplug it and plug it in again"
        else:
            self.state, self.reason = "ok", None

    def _wait(self, now: float) -> None:
        self._waiting = True
        self._unusable = False
        self._due = now
        self.tick(now)

    def _stalled(self) -> str:
        if self._unusable:
            return "its frames cannot be decoded: another cable, or a smaller width and height"
        return f"no frame for {self._patience:g} s; it is opened again if that lasts"

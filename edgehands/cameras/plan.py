"""When to open a camera again, and when to give one up that hangs. Pure: time is an argument."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = 0.25
"""Seconds at least, and at most at first, from one attempt to open it to the next …"""
SOON, LATER = 2.0, 5.0
"""… and at most in the first minute without any frame, and afterwards."""
ABSENT = 30.0
"""… and while its device node is missing, whose coming is watched for."""
MINUTE = 60.0
STEADY = 5.0
"""Seconds of frames after which waits are short again."""
STARTING = 60.0
"""Seconds that a process has for its imports: a small board reads them from a slow card."""
OPENING = 15.0
"""Seconds that opening may take without a sign of life."""
FIRST_FRAME = 10.0
"""Seconds from then to the first frame."""
STALLED = 3.0
"""Seconds without another one until it is opened again …"""
STALLED_FRAMES = 4.0
"""… or so many frame periods, if that is longer."""
FROZEN = 10.0
"""Seconds that it may stay frozen until it is opened again; twice as long each time, up to …"""
FROZEN_MOST = 600.0


class Plan:
    """What to do next with one camera.

    Args:
        now: seconds, of a clock that only rises.
        chance: uniform from 0 to 1: devices that lost one stream must not return as one.
    """

    def __init__(self, now: float, chance: Callable[[], float] = random.random) -> None:
        self.phase: Literal["waiting", "opening", "open"] = "waiting"
        self._chance = chance
        self._next = now
        self._begun = now
        self._sign = now
        self._frames_since: float | None = None
        self._trouble_since: float | None = None
        self._failures = 0  # attempts since the last frame
        self._relapses = 0  # openings in a row whose frames did not last
        self._patience = STALLED
        self._frozen_since: float | None = None
        self._thaws = 0
        self._absent = False

    def may_open(self, now: float, *, absent: bool) -> bool:
        """Whether it is time to open it; `absent` is known only of some devices."""
        if self.phase != "waiting":
            return False
        if absent and self._failures:
            self._absent = True
            return now >= self._begun + ABSENT
        if self._absent:
            self._absent = False
            self._failures = self._relapses = 0
            self._trouble_since = None
            self._next = now
        return now >= self._next

    def opening(self, now: float, *, ready: bool) -> None:
        """It is being opened, by a process that is ready to or yet has to start."""
        self.phase = "opening"
        self._patience = OPENING if ready else STARTING
        self._begun = self._sign = now
        self._frames_since = None

    def rested(self, seconds: float) -> None:
        """For so long nobody looked for signs of life."""
        self._sign += seconds

    def ready(self, now: float) -> None:
        """The process has started."""
        self._sign = now
        if self.phase == "opening":
            self._patience = OPENING

    def sign(self, now: float) -> None:
        """Whoever opens it is alive."""
        self._sign = now

    def opened(self, now: float, fps: float) -> None:
        """It is open: frames are due, so many a second."""
        self._patience = max(STALLED, STALLED_FRAMES / fps)
        self.phase = "open"
        self._sign = now

    def frame(self, now: float, *, frozen: bool) -> None:
        """A frame came."""
        self._sign = now
        self._trouble_since = None
        self._failures = 0
        if self._frames_since is None:
            self._frames_since = now
        if now - self._frames_since >= STEADY:
            self._relapses = 0
        if not frozen:
            self._frozen_since = None
            self._thaws = 0
        elif self._frozen_since is None:
            self._frozen_since = now

    def hangs(self, now: float) -> bool:
        """Whether it is to be given up and opened anew."""
        if self.phase == "opening":
            return now - self._sign >= self._patience
        if self.phase != "open":
            return False
        first = max(FIRST_FRAME, self._patience)
        if now - self._sign >= (first if self._frames_since is None else self._patience):
            return True
        limit = min(FROZEN_MOST, FROZEN * 2**self._thaws)
        if self._frozen_since is not None and now - self._frozen_since >= limit:
            self._frozen_since = None
            self._thaws = min(self._thaws + 1, 10)
            return True
        return False

    def failed(self, now: float) -> None:
        """It could not be opened, broke, or was given up."""
        self.phase = "waiting"
        if self._trouble_since is None:
            self._trouble_since = now
        most = SOON if now - self._trouble_since < MINUTE else LATER
        # One that gave frames for a moment is opened less often; to try in vain costs little.
        gave_frames = self._frames_since is not None
        before = self._relapses if gave_frames else self._failures
        delay = self._chance() * min(most, FIRST * 2 ** min(before, 10))
        self._relapses += gave_frames
        self._failures += 1
        # Full jitter, counted from the attempt: one that took seconds to fail has waited already.
        self._next = max(self._begun + delay, now + FIRST)

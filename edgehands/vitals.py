"""How one camera's frames fare: their rate, age and work over the last seconds."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

_WINDOW = 5.0  # seconds that everything is taken over
_FRAMES = 1024


class Pace(NamedTuple):
    """What the last seconds were like; None where there were too few frames to say."""

    fps: float | None = None
    """Frames looked at a second."""
    age_ms: float | None = None
    """Median time from capture to result."""
    age_p99_ms: float | None = None
    work: float | None = None
    """Mean seconds of work on a frame."""


class _Seen(NamedTuple):
    captured: float
    done: float
    work: float


class Vitals:
    """Frames and hands of one camera: told by its thread, asked by any other."""

    def __init__(self) -> None:
        self._frames: deque[_Seen] = deque(maxlen=_FRAMES)
        self.hands = 0
        """In the latest frame."""

    def frame(self, captured: float, done: float, hands: int, work: float = 0.0) -> None:
        """Take one frame.

        Args:
            captured: time.monotonic() at capture.
            done: the same when its result was there.
            hands: in it.
            work: seconds spent on it.
        """
        self._frames.append(_Seen(captured, done, work))
        self.hands = hands

    @property
    def last(self) -> float | None:
        """When the latest result was there."""
        return self._frames[-1].done if self._frames else None

    def pace(self, now: float) -> Pace:
        """Return what the last seconds were like."""
        recent = [seen for seen in list(self._frames) if now - seen.done < _WINDOW]
        if not recent:
            return Pace()
        ages = sorted(1000 * (seen.done - seen.captured) for seen in recent)
        begin, end = recent[0].done, recent[-1].done
        return Pace(
            fps=round((len(recent) - 1) / (end - begin), 1) if end > begin else None,
            age_ms=round(ages[len(ages) // 2], 1),
            age_p99_ms=round(ages[int(0.99 * (len(ages) - 1))], 1),
            work=sum(seen.work for seen in recent) / len(recent),
        )

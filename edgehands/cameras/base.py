"""What every camera is: an iterator of frames that is closed at the end."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from edgehands.closing import Closing

if TYPE_CHECKING:
    from typing_extensions import Self

    from edgehands.frame import Frame
    from edgehands.health import CameraState


class Camera(Closing):
    """A source of frames, read by one thread and closed by `with`.

    It is its own iterator: a second loop goes on where the first stopped. `close` may come from
    another thread, and ends the loop.
    """

    source: str
    """The string that named it."""
    live: bool = False
    """Frames come at the world's pace: the newest is given and the overtaken are dropped."""
    length: int | None = None
    """How many frames there should be: exact for images, the container's claim for a video (fit for
    a progress bar, not for a loop), None where nobody knows."""
    fps: float
    """Frames per second, nominal."""
    dropped: int = 0
    """Frames taken from the device and never given, because a newer one was there."""
    rejected: int = 0
    """Frames that could not be decoded or make no sense."""
    state: CameraState = "ok"
    """How it is doing; one that mends itself says here what it waits for."""
    reason: str | None = None
    """Why it is not ok: one line with the next command to type."""
    reopened: int = 0
    """How often it came back after it was gone."""

    @abstractmethod
    def __next__(self) -> Frame:
        """Return the next frame, waiting for it where the camera is live.

        Raises:
            StopIteration: no more frames, or the camera is closed.
            InputError: a file that stopped being readable.
            DeviceError: the device went away or stopped giving frames.
        """

    def take(self, timeout: float) -> Frame | None:  # noqa: ARG002 (a file is never waited for)
        """Return the next frame, or None if none came in so many seconds.

        A camera that mends itself gives None while it is away; this one waits as `next` does.

        Raises:
            StopIteration: no more frames, or the camera is closed.
            EdgeHandsError: as `next`.
        """
        return next(self)

    @abstractmethod
    def close(self) -> None:
        """Free the device or file. Safe to call twice."""

    def __iter__(self) -> Self:
        return self

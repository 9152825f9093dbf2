"""Where results go: events as JSON lines, landmarks, annotated video, a contact sheet.

Importing this package loads none of the libraries that an output needs; opening one does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgehands.events import Event
    from edgehands.frame import Frame
    from edgehands.gestures.gates import Block
    from edgehands.hand import Hand
    from edgehands.health import CameraState, OutputHealth
    from edgehands.pulse import Pulse
    from edgehands.recording import Change, Header
    from edgehands.report import FrameReport


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One frame with everything that was found in it."""

    frame: Frame
    hands: Sequence[Hand]
    gestures: Mapping[int, str] = field(default_factory=dict)
    """The gesture under way, by hand id."""
    events: Sequence[Event] = ()
    """What began or ended in this frame."""
    ts: float = 0.0
    """Seconds since 1970 at capture; for a file, seconds from its beginning."""
    camera: str = ""
    """Its name."""
    blocks: Mapping[int, Block | None] = field(default_factory=dict)
    """What keeps the pose of each hand from being its gesture, by hand id."""
    report: FrameReport | None = None
    """What the tracker did; None where it was not asked."""
    dropped: int = 0
    """Frames of this camera overtaken by newer ones so far."""
    paused: bool = False
    """Nobody looked for hands in it."""
    change: Change | None = None
    """What was changed before it was looked at."""


class Output:
    """A receiver of results; a kind of output overrides what it wants to hear.

    `event` is called from a thread of its own, so a slow output never delays the tracker. With
    several cameras, what is called in a tracker's thread comes from several.
    """

    def begin(self, header: Header) -> None:
        """Take how a camera's hands are read, before its first frame, in the tracker's thread."""

    def event(self, event: Event) -> None:
        """Take one event."""

    def event_captured(self, event: Event, captured: float | None) -> None:  # noqa: ARG002
        """Take one event and when its frame was captured, for an output that lets events expire.

        Args:
            event: with its age now.
            captured: time.monotonic() at capture; None for a file, whose events have no age.
        """
        self.event(event)

    def result(self, result: Result) -> None:
        """Take one frame, in the tracker's thread; do not keep it long."""

    def interrupt(self, events: Sequence[Event]) -> None:
        """Take what ended because the camera gives no frames, in the tracker's thread.

        Called for the outputs of this camera alone; more results may follow.
        """

    def end(self, events: Sequence[Event]) -> None:
        """Take what ended because the run did, in the tracker's thread; no result follows."""

    def camera(self, name: str, state: CameraState, reason: str | None) -> None:
        """Take how a camera is doing when that changes, in the tracker's thread.

        Args:
            name: of the camera.
            state: "ok" for one that gives frames.
            reason: why it does not, with the next command to type.
        """

    def config(self, problem: str | None) -> None:
        """Take why the config file was not taken when it was last read; None: it was."""

    def health(self) -> OutputHealth | None:
        """Return how this output is doing, if there is something to tell; from any thread."""
        return None

    def pulses(self) -> Sequence[Pulse]:
        """Return the signs of life of its own threads."""
        return ()

    def close(self) -> None:
        """Finish what is written. Safe to call twice."""

    def account(self) -> str | None:
        """Return a line for the summary on what became of what was given, if there is one."""
        return None

"""What all cameras of a process share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgehands.control import Control
from edgehands.masking import masked
from edgehands.steering import Steering

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgehands.frame import Frame
    from edgehands.interpreter import Interpreter
    from edgehands.outputs import Output
    from edgehands.outputs.queue import EventQueue
    from edgehands.recording import Change, Header
    from edgehands.settings import Area
    from edgehands.tracker import HandTracker

    Watch = Callable[[int, int | None], None]


@dataclass(slots=True)
class Hub:
    """Where loops send what they find, and what they ask."""

    queue: EventQueue
    changed: Callable[[], None]
    """Wakes whoever supervises."""
    outputs: Sequence[Output] = ()
    """Of all cameras; a reload puts another tuple here."""
    control: Control = field(default_factory=Control)
    waits: bool = False
    """For a camera that is missing or lost, rather than to end."""
    watch: Watch | None = None


class Director:
    """Carries out what the outputs were told, between two frames of one camera."""

    def __init__(
        self,
        control: Control,
        tracker: HandTracker,
        interpreter: Interpreter,
        header: Header,
        masks: tuple[Area, ...],
    ) -> None:
        self._control = control
        self._tracker = tracker
        self._steering = Steering(control, interpreter, header.events.sensitivity)
        self._camera = header.camera
        self._masks = masks

    def pauses(self) -> bool:
        """Whether frames are to be thrown away; changes the settings if need be."""
        tuning = self._steering.follow()
        if tuning is not None:
            self._tracker.adjust(
                tuning.tracker, mirrored=tuning.mirrored, smoothing=tuning.smoothing
            )
            self._masks = tuning.masks.get(self._camera, self._masks)
        return not self._control.enabled

    @property
    def change(self) -> Change | None:
        """What the last call of `pauses` has changed."""
        return self._steering.change

    def admit(self, frame: Frame) -> Frame:
        """Return what may be seen of a frame."""
        return masked(frame, self._masks)

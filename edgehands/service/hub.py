"""What all cameras of a process share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgehands.control import Control, adjusted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgehands.interpreter import Interpreter
    from edgehands.outputs import Output
    from edgehands.outputs.queue import EventQueue

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

    def __init__(self, control: Control, interpreter: Interpreter) -> None:
        self._control = control
        self._interpreter = interpreter
        self._rules = interpreter.rules
        self._sensitivity = Control().sensitivity

    def pauses(self) -> bool:
        """Whether frames are to be thrown away; changes the rules if need be."""
        if self._sensitivity != self._control.sensitivity:
            self._sensitivity = self._control.sensitivity
            names = self._interpreter.names
            self._interpreter.set_rules(adjusted(self._rules, names, self._sensitivity))
        return not self._control.enabled

"""Keeps an interpreter as a run's control says: its rules, its sensitivity, which way is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.control import NEUTRAL_SENSITIVITY, adjusted
from edgehands.recording import Change
from edgehands.settings import GestureRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.control import Control, Tuning
    from edgehands.interpreter import Interpreter


class Steering:
    """Follows a control with one interpreter, in the interpreter's thread.

    Args:
        control: written by others.
        interpreter: as the config made it.
        sensitivity: that of the config.
    """

    def __init__(
        self,
        control: Control,
        interpreter: Interpreter,
        sensitivity: float = NEUTRAL_SENSITIVITY,
    ) -> None:
        self._control = control
        self._interpreter = interpreter
        self._rules = dict(interpreter.rules)
        self._sensitivity = sensitivity
        self._tuning: Tuning | None = None
        self._effective: Mapping[str, GestureRules] = {}
        self.change: Change | None = None
        """What was taken over in the last call of `follow`."""
        self._adjust()

    def follow(self) -> Tuning | None:
        """Take over what has been changed; return the tuning if it is another than last time."""
        self.change = None
        tuning, sensitivity = self._control.tuning, self._control.sensitivity
        retuned = tuning is not self._tuning
        if not retuned and sensitivity == self._sensitivity:
            return None
        self._tuning, self._sensitivity = tuning, sensitivity
        mirrored = None
        if tuning is not None and retuned:
            self._rules |= tuning.gestures
            mirrored = tuning.mirrored
        self._adjust()
        self.change = Change(dict(self._effective), mirrored)
        take_over(self._interpreter, self.change)
        return tuning if retuned else None

    def rules(self, gesture: str) -> GestureRules:
        """Return the rules that hold now for a gesture."""
        return self._effective.get(gesture, GestureRules())

    def _adjust(self) -> None:
        self._effective = adjusted(self._rules, self._interpreter.names, self._sensitivity)


def take_over(interpreter: Interpreter, change: Change) -> None:
    """Let a change hold from the next frame on, in a run as in its replay."""
    if change.mirrored is not None:
        interpreter.set_mirrored(change.mirrored)
    interpreter.set_rules(change.rules)

"""A recording once more: its landmarks through the gestures of today, or of another config."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgehands.interpreter import Interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edgehands.events import Event
    from edgehands.hand import Hand
    from edgehands.recording import Header, Reader
    from edgehands.settings import GestureRules


class Replayed(NamedTuple):
    """One frame of a replay, or the end of the run, which has no hands."""

    time: float
    ts: float
    hands: Sequence[Hand]
    events: Sequence[Event]
    """What begins or ends in it now."""
    recorded: Sequence[Event]
    """What began or ended in it then."""


def replay(
    recording: Reader, rules: Mapping[str, GestureRules] | None = None
) -> Iterator[Replayed]:
    """Return a recording's frames with their events made anew, ids and times included.

    With the same rules and the same EdgeHands they are the recorded ones, to the last bit. A
    recording without an end, left by a killed process, ends nothing.

    Args:
        recording: read from its beginning.
        rules: per gesture; None takes those of the recording.

    Raises:
        InputError: the recording is damaged; everything before the damage was returned.
    """
    interpreter = interpreter_for(recording.header, rules)
    time = ts = 0.0
    for time, ts, hands, recorded in recording:
        yield Replayed(time, ts, hands, interpreter.update(hands, time, ts), recorded)
    if recording.ending is not None:
        yield Replayed(time, ts, (), interpreter.finish(ts), recording.ending)


def interpreter_for(header: Header, rules: Mapping[str, GestureRules] | None = None) -> Interpreter:
    """Return the interpreter that the recorded run had, or with other rules would have had."""
    rules = header.gestures if rules is None else rules
    return Interpreter(header.camera, header.run, rules, static=header.static)

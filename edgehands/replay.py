"""A recording once more: its landmarks through the gestures of today, or of another config."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from edgehands.control import NEUTRAL_SENSITIVITY, adjusted
from edgehands.gestures.learned.store import load_learned
from edgehands.interpreter import Interpreter
from edgehands.steering import take_over

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgehands.config import Config
    from edgehands.events import Event
    from edgehands.hand import Hand
    from edgehands.recording import Cut, Header, Reader


class Replayed(NamedTuple):
    """One frame of a replay, or the end of the run, which has no hands."""

    time: float
    ts: float
    hands: Sequence[Hand]
    events: Sequence[Event]
    """What begins or ends in it now."""
    recorded: Sequence[Event]
    """What began or ended in it then."""
    cut: Cut = ""


def replay(recording: Reader, header: Header | None = None) -> Iterator[Replayed]:
    """Return a recording's frames with their events made anew, ids and times included.

    With its own header and the same EdgeHands they are the recorded ones, to the last bit. A
    recording without an end, left by a killed process, ends nothing.

    Args:
        recording: read from its beginning.
        header: instead of the recording's, with other rules for example, which then hold to the
            end, whatever was changed meanwhile.

    Raises:
        InputError: the recording is damaged; everything before the damage was returned.
    """
    header = header or recording.header
    takes_changes = header is recording.header
    interpreter = interpreter_of(header)
    picture = header.width, header.height
    time = ts = 0.0
    for time, ts, hands, recorded, cut, change in recording:
        if change is not None and takes_changes:
            take_over(interpreter, change)
        events = interpreter.finish(ts) if cut else interpreter.update(hands, time, ts, picture)
        yield Replayed(time, ts, hands, events, recorded, cut)
    if recording.ending is not None:
        yield Replayed(time, ts, (), interpreter.finish(ts), recording.ending)


def interpreter_of(header: Header) -> Interpreter:
    """Return the interpreter of a run, live or recorded."""
    interpreter = Interpreter(
        header.camera,
        header.run,
        header.gestures,
        header.events,
        header.own,
        header.learned,
        mirrored=header.mirrored,
        static=header.static,
    )
    if header.events.sensitivity != NEUTRAL_SENSITIVITY:
        names, sensitivity = interpreter.names, header.events.sensitivity
        interpreter.set_rules(adjusted(interpreter.rules, names, sensitivity))
    return interpreter


def with_config(header: Header, config: Config) -> Header:
    """Return a header as if the run had had this config's gestures."""
    return msgspec.structs.replace(
        header,
        gestures=config.gestures,
        events=config.events,
        own=config.pose,
        learned=load_learned(config.learned),
    )

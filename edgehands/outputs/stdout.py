"""Events as JSON lines on standard output: the default, and the form that other programs read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from edgehands.errors import InputError
from edgehands.outputs import Output
from edgehands.outputs.files import cannot_write

if TYPE_CHECKING:
    from edgehands.events import Event


class StdoutOutput(Output):
    """Writes each event at once, so that a pipe sees it when it happens."""

    def event(self, event: Event) -> None:
        """Write one line."""
        line = msgspec.json.encode(event).decode() + "\n"
        try:
            # Looked up at each call: a progress bar on the same terminal puts itself in between.
            sys.stdout.write(line)
            sys.stdout.flush()
        except (BrokenPipeError, InputError):
            raise
        except OSError as error:
            raise cannot_write("to standard output", error) from error

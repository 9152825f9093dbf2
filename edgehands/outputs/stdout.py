"""Events as JSON lines on standard output: the default, and the form that other programs read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from edgehands.outputs import Output

if TYPE_CHECKING:
    from edgehands.events import Event


class StdoutOutput(Output):
    """Writes each event at once, so that a pipe sees it when it happens."""

    def event(self, event: Event) -> None:
        """Write one line."""
        # Looked up at each call: a progress bar on the same terminal puts itself in between.
        sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
        sys.stdout.flush()

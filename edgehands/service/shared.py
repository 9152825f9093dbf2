"""The outputs of all cameras: exchanged by a reload, tried again while they cannot be opened."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from edgehands.errors import DeviceError, EdgeHandsError
from edgehands.service.opening import introduce, open_shared
from edgehands.service.plans import shared_outputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgehands.config import Config
    from edgehands.outputs import Output
    from edgehands.service.hub import Hub
    from edgehands.service.plans import Plan, SharedConfig

_LAST_EVENTS = 1.0  # seconds that an output has to take them which a reload took away
_SOON, _LATER = 1.0, 30.0  # seconds at most until what cannot be opened is tried again


class Lack:
    """An output that cannot be opened yet, mostly because another program has its port.

    Args:
        table: what it is to be.
        problem: why it cannot be opened.
        now: time.monotonic().
    """

    def __init__(self, table: SharedConfig, problem: str, now: float) -> None:
        self.table = table
        self.problem = problem
        self._limit = _SOON
        self._due = now
        self.wait(now)

    def is_due(self, now: float) -> bool:
        """Whether to try again."""
        return now >= self._due

    def wait(self, now: float) -> None:
        """Try later, each time less often."""
        self._due = now + self._limit * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)
        self._limit = min(_LATER, 2 * self._limit)


class SharedOutputs:
    """Those that there are, and those that are wanted.

    Args:
        listeners: outputs besides the config's; they are not closed.
        file: of the config, for the live page to save settings to.
    """

    def __init__(self, listeners: Sequence[Output], file: Path | None) -> None:
        self._listeners = tuple(listeners)
        self._file = file
        self._opened: list[tuple[SharedConfig, Output]] = []
        self._lacks: list[Lack] = []

    @property
    def outputs(self) -> list[Output]:
        """The listeners and the config's."""
        return [*self._listeners, *self.opened]

    @property
    def opened(self) -> list[Output]:
        """The config's."""
        return [output for _, output in self._opened]

    def exchange(self, config: Config, plans: Sequence[Plan], hub: Hub) -> list[EdgeHandsError]:
        """Keep the outputs whose table is the same, close the others, open the new ones.

        Returns:
            Why those that cannot be opened cannot; the others are.
        """
        wanted = shared_outputs(config)
        kept = [(table, output) for table, output in self._opened if table in wanted]
        gone = [output for table, output in self._opened if table not in wanted]
        self._opened, self._lacks = kept, []
        self._hand_out(hub)
        for output in gone:
            output.close()  # before another takes its place at the same broker
        for table, output in kept:
            introduce(table, output, plans, hub.control)
        known = [table for table, _ in kept]
        failures: list[EdgeHandsError] = []
        for table in wanted:
            if table not in known:
                known.append(table)
                try:
                    self._open(table, plans, hub)
                except EdgeHandsError as error:
                    failures.append(error)
                    if type(error) is DeviceError:
                        self._lacks.append(Lack(table, str(error), time.monotonic()))
        self._hand_out(hub)
        return failures

    def open_lacking(self, plans: Sequence[Plan], hub: Hub, now: float) -> dict[str, Output]:
        """Open what could not be opened before, if it can by now.

        Returns:
            The outputs that came, by what was said of them.
        """
        found: dict[str, Output] = {}
        for lack in [lack for lack in self._lacks if lack.is_due(now)]:
            try:
                found[lack.problem] = self._open(lack.table, plans, hub)
            except EdgeHandsError:
                lack.wait(now)
            else:
                self._lacks.remove(lack)
                self._hand_out(hub)
        return found

    def _open(self, table: SharedConfig, plans: Sequence[Plan], hub: Hub) -> Output:
        output = open_shared(table, plans, hub.control, self._file)
        self._opened.append((table, output))
        return output

    def _hand_out(self, hub: Hub) -> None:
        """Let the loops know the outputs that there are now."""
        hub.queue.set_outputs(self.outputs, _LAST_EVENTS)
        hub.outputs = tuple(self.outputs)

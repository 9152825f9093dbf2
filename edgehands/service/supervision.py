"""What is looked at again and again while cameras run: readiness, watchdog, heat, load, memory."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING

from edgehands import heat
from edgehands._version import __version__
from edgehands.health import Health
from edgehands.pulse import Pulses
from edgehands.service.ladder import Ladder, Strain
from edgehands.service.memory import MemoryGuard, resident_mb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgehands.config import ServiceConfig
    from edgehands.notify import Notifier
    from edgehands.pulse import Pulse
    from edgehands.service.camera_loop import CameraLoop
    from edgehands.service.crew import Crew
    from edgehands.service.ladder import Limit

_log = logging.getLogger(__name__)

TICK = 0.5
"""Seconds between two looks, if nothing happens."""

_FEED = (
    1.0  # seconds between two signs of life, at least; a quarter of what is wanted if that is less
)
_STRAIN = 1.0
_MEMORY = 5.0
_STATUS = 10.0
_SILENCE = 2.5  # seconds after which who is silent is named
_PATIENCE = 10.0  # seconds asked for at a time while something slow opens


class Supervisor:
    """Tells the service manager how it is, and loops how much they may do.

    Args:
        notifier: who is told.
        crew: who is looked after.
        settings: the table [service].
        file: the config file, to be shown.
        sys: where sysfs is; None for its place.
    """

    def __init__(
        self,
        notifier: Notifier,
        crew: Crew,
        settings: ServiceConfig,
        file: Path | None,
        sys: Path | None = None,
    ) -> None:
        self.config_problem: str | None = None
        self.more_pulses: Sequence[Pulse] = ()
        """Of threads besides the crew's."""
        self.ready = False
        self._owes_ready = False
        self._notifier = notifier
        self._crew = crew
        self._begun = time.monotonic()
        self._file = file
        self._sys = sys
        self._pulses = Pulses()
        self._ladders: dict[CameraLoop, Ladder] = {}
        self._degrees: float | None = None
        self._next: dict[str, float] = {}
        self._status = ""
        self._all_well = self._begun
        self.set_settings(settings)

    def set_settings(self, settings: ServiceConfig) -> None:
        """Let another table [service] hold."""
        self._settings = settings
        self._memory = MemoryGuard(settings.memory_limit)

    def tick(self, now: float) -> None:
        """Look at everything whose time has come.

        Raises:
            DeviceError: there is not enough memory left.
        """
        if self._owes_ready:
            self.told(now)
        if not self.ready and self._is_ready():
            self.ready = True
            self.told(now)
        self._feed(now)
        if self._file is not None:
            self._save(now)
        if self._is_due("status", now, _STATUS):
            self._tell(now)

    def _save(self, now: float) -> None:
        """Spare what nobody watches: somebody who does wants every frame."""
        if self._is_due("strain", now, _STRAIN):
            self._ease(now)
        if self._is_due("memory", now, _MEMORY):
            self._memory.check()

    def told(self, now: float) -> None:
        """Say that a start or a reload is over, and how it is now."""
        if not self.ready:  # what was read anew while it starts does not make it ready
            return
        self._owes_ready = not self._say(self._line(now), READY=1)

    def changed(self) -> None:
        """Say how it is at the next tick: something has changed."""
        self._next.pop("status", None)

    def health(self, now: float) -> Health:
        """Return everything there is to know; from any thread."""
        loops = self._crew.loops
        return Health(
            version=__version__,
            pid=os.getpid(),
            uptime_s=round(now - self._begun, 1),
            ready=self.ready or self._is_ready(),
            runs_on=next((loop.summary.runs_on for loop in loops if loop.summary.runs_on), ""),
            config=str(self._file) if self._file else None,
            config_problem=self.config_problem,
            rss_mb=resident_mb(),
            temperature=self._degrees,
            cameras=tuple(loop.health(now) for loop in loops),
            outputs=tuple(
                health for output in self._crew.outputs if (health := output.health()) is not None
            ),
        )

    def _is_ready(self) -> bool:
        loops = self._crew.loops
        return bool(loops) and all(loop.ready for loop in loops)

    def _is_due(self, what: str, now: float, interval: float) -> bool:
        if now < self._next.get(what, now):
            return False
        self._next[what] = now + interval
        return True

    def _feed(self, now: float) -> None:
        """Tell the watchdog that everybody got on; silence is how it learns that somebody hangs."""
        wanted = self._notifier.watchdog
        if not self._is_due("feed", now, _FEED if wanted is None else min(_FEED, wanted / 4)):
            return
        silent = self._pulses.silent(self._all_pulses(), now)
        if not silent:
            if not self.ready:
                self._notifier.extend(_PATIENCE)
            self._notifier.send(WATCHDOG=1)
            self._all_well = now
        elif now - self._all_well >= _SILENCE:
            said = (f"{pulse.name}: {pulse.doing or 'no sign of life'}" for pulse in silent)
            self._say(f"waiting for {'; '.join(said)}")

    def _all_pulses(self) -> list[Pulse]:
        return [*self._crew.pulses(), *self.more_pulses]

    def _ease(self, now: float) -> None:
        """Let each camera's loop do as much as heat and load allow."""
        self._degrees = heat.temperature(self._sys)
        throttling = heat.throttling(self._sys)
        self._ladders = {loop: self._ladders.get(loop) or Ladder() for loop in self._crew.loops}
        for loop, ladder in self._ladders.items():
            if not loop.plan.live:
                continue
            work = loop.vitals.pace(now).work
            strain = Strain(loop.fps, work, self._degrees, throttling)
            limit = ladder.update(now, strain, self._settings)
            if limit != loop.limit:
                self._note_limit(loop, limit)

    def _note_limit(self, loop: CameraLoop, limit: Limit | None) -> None:
        if (limit and limit.fps) != (loop.limit and loop.limit.fps):
            said = (
                f"{limit.fps:g} frames a second: {limit.reason}" if limit else "every frame again"
            )
            _log.warning("camera %s: %s", loop.plan.name, said, extra={"code": "EH1411"})
            self.changed()
        loop.limit = limit

    def _tell(self, now: float) -> None:
        status = self._line(now)
        if status == self._status or now - self._all_well >= _SILENCE:
            return
        if not self._say(status):
            self.changed()  # once more at the next tick

    def _say(self, status: str, **states: int) -> bool:
        """Tell the manager, and whether it has taken it."""
        taken = self._notifier.send(**states, STATUS=status)
        if taken:
            self._status = status
        return taken

    def _line(self, now: float) -> str:
        return self.health(now).line

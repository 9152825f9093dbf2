"""A run from its beginning to its end: opens, supervises, reloads, and closes in good order."""

from __future__ import annotations

import logging
import os
import time
from contextlib import ExitStack, suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from edgehands.errors import EdgeHandsError
from edgehands.network import warn_without_network
from edgehands.notify import Notifier, is_managed
from edgehands.pulse import Pulse
from edgehands.service.crew import Crew
from edgehands.service.lasting import for_manager
from edgehands.service.opening import hide_passwords, monitor_of
from edgehands.service.plans import plans_of
from edgehands.service.reloading import prepare
from edgehands.service.signals import Obedience
from edgehands.service.supervision import TICK, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edgehands.config import Config
    from edgehands.health import Health
    from edgehands.monitor.monitor import Monitor
    from edgehands.outputs import Output
    from edgehands.service.hub import Watch
    from edgehands.service.plans import Plan
    from edgehands.service.reloading import Prepared
    from edgehands.summary import Summary

_log = logging.getLogger(__name__)

_PATIENCE = 8.0  # seconds that cameras have to end, and the frames that are being looked at
_HURRY = 1.2  # the same where a service manager waits
_LAST_EVENTS = 0.3  # seconds in which the last events are to be delivered then


class Service:
    """Runs every camera of a config until all of them end, or it is told to.

    Args:
        config: everything there is to know.
        watch: as for `edgehands.service.run`.
        listeners: outputs besides the config's.
        file: where the config was read: this is a service then, which nobody watches.
        reload: returns the config anew, for SIGHUP.
        saves_to: the file for settings that are changed on the live page, if it is not `file`.
    """

    def __init__(
        self,
        config: Config,
        watch: Watch | None = None,
        listeners: Sequence[Output] = (),
        *,
        file: Path | None = None,
        reload: Callable[[], Config] | None = None,
        saves_to: Path | None = None,
    ) -> None:
        self.config = config
        """The one that holds."""
        self._file = file
        self._read = reload
        self._managed = file is not None and is_managed(os.environ)
        self._notifier = Notifier() if file is None else Notifier.from_environment()
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        """What is to be done in the thread that supervises."""
        self._crew = Crew(self._look, watch, listeners, file or saves_to)
        self._supervisor = Supervisor(self._notifier, self._crew, config.service, file)
        self._signals = Obedience(self.reload)
        self._monitor: Monitor | None = None
        self._reloading = False
        self._once_more = False
        self._problems: list[str] = []
        """Of the config."""
        self._interrupted = False

    def health(self) -> Health:
        """Return how everything is doing; from any thread, at once."""
        return self._supervisor.health(time.monotonic())

    def reload(self) -> None:
        """Read the config anew, and go on with it or with the old one; from any thread."""
        self._inbox.put(self._begin_reload)

    def stop(self) -> None:
        """End the run as Ctrl-C does; from any thread."""
        self._inbox.put(partial(_raise, KeyboardInterrupt()))

    def run(self) -> Summary:
        """Run to the end.

        Raises:
            EdgeHandsError: what could not be opened, or broke.
            KeyboardInterrupt: it was stopped before there was anything to sum up.
        """
        begin = time.monotonic()
        try:
            plans = plans_of(self.config)
            with suppress(BrokenPipeError):  # the reader of stdout has had enough, as `head` does
                self._run(plans)
        except EdgeHandsError as error:
            if self._managed:
                raise for_manager(error, ready=self._supervisor.ready) from error
            raise
        summary = self._crew.summary()
        if self._interrupted and not summary.runs_on:
            raise KeyboardInterrupt
        summary.interrupted = self._interrupted
        summary.seconds = time.monotonic() - begin
        return summary

    def _run(self, plans: Sequence[Plan]) -> None:
        with ExitStack() as closing:
            closing.callback(self._close_outputs)
            closing.callback(self._stop)
            if self._file is not None:
                closing.enter_context(self._signals)
            try:
                hide_passwords(self.config)
                self._warn()
                waits = self._waits(self.config)
                self._crew.open(self.config, plans, waits=waits, managed=self._managed)
                self._open_monitor()
                self._supervise()
            except KeyboardInterrupt:
                self._interrupted = True

    def _supervise(self) -> None:
        """Do what is asked, and look after everything, until all cameras have come to their end."""
        while not all(loop.ended for loop in self._crew.loops) or self._reloading:
            with suppress(Empty):
                self._inbox.get(timeout=TICK)()
            self._note_refusals()
            self._note_arrivals()
            self._crew.raise_error()
            self._supervisor.tick(time.monotonic())

    def _stop(self) -> None:
        if self._monitor is not None:
            self._monitor.close()
        self._notifier.send(STOPPING=1, STATUS="stopping")
        self._crew.stop(_HURRY if self._hurries else _PATIENCE)

    def _close_outputs(self) -> None:
        self._crew.close(_LAST_EVENTS if self._hurries else None)

    @property
    def _hurries(self) -> bool:
        """Whether a service manager waits for the end: a terminal has time."""
        return self._managed or self._signals.hurries

    def _waits(self, config: Config) -> bool:
        """Whether to wait for a camera that is missing: somebody who watches wants to know."""
        wanted = config.service.wait_for_cameras
        return self._managed if wanted is None else wanted

    def _warn(self) -> None:
        if self._managed:
            warn_without_network(self.config)

    def _open_monitor(self) -> None:
        if self._file is not None:
            self._monitor = monitor_of(self.config, self.health, self._file.stem)
            self._monitor.start()

    def _look(self) -> None:
        """Look at once at something that has changed; from any thread."""
        self._inbox.put(self._supervisor.changed)

    def _begin_reload(self) -> None:
        if self._read is None:
            return
        if self._reloading:  # it may have read the file before it was changed again
            self._once_more = True
            return
        self._reloading = True
        if self._supervisor.ready:
            self._notifier.reloading()
        # In a thread of its own: loading models takes its time, and cameras go on meanwhile.
        target = partial(self._prepare, self._read, dict(self._crew.plans()))
        Thread(target=target, name="edgehands-reload", daemon=True).start()

    def _prepare(self, read: Callable[[], Config], plans: dict[str, Plan]) -> None:
        pulse = Pulse("edgehands-reload")
        self._supervisor.more_pulses = (pulse,)
        try:
            prepared = prepare(partial(self._checked, read), self.config, plans, pulse)
        except EdgeHandsError as error:
            self._inbox.put(partial(self._keep, str(error)))
        except BaseException as error:  # noqa: BLE001 (raised again in the thread that waits)
            self._inbox.put(partial(_raise, error))
        else:
            self._inbox.put(partial(self._take_up, prepared))

    def _checked(self, read: Callable[[], Config]) -> Config:
        """Return the config anew, if it can be shown how a run of it is doing."""
        config = read()
        monitor_of(config, self.health, "")
        return config

    def _keep(self, problem: str) -> None:
        """Go on with the old config and say why."""
        said = "the config was not taken, the one before holds: %s"
        _log.error(said, problem, extra={"code": "EH1401"})
        self._end_reload([problem])

    def _take_up(self, prepared: Prepared) -> None:
        before, self.config = self.config, prepared.config
        self._supervisor.set_settings(self.config.service)
        self._warn()
        problems = self._crew.take_up(prepared, waits=self._waits(self.config))
        if self._monitor is not None and self.config.metrics != before.metrics:
            self._monitor.close()
            self._open_monitor()
        if problems:
            _log_lack("; ".join(problems))
        else:
            _log.warning("the config was read anew", extra={"code": "EH1402"})
        self._end_reload(problems)

    def _note_refusals(self) -> None:
        """Say what only turned out after a reload."""
        for refusal in self._crew.refusals():
            _log_lack(refusal)
            self._tell_problems([*self._problems, refusal])
            self._supervisor.changed()

    def _note_arrivals(self) -> None:
        """Take back what was said of outputs that could be opened after all."""
        if arrived := self._crew.open_lacking(time.monotonic()):
            self._tell_problems([each for each in self._problems if each not in arrived])
            self._supervisor.changed()
        if self._monitor is not None:
            self._monitor.try_again(time.monotonic())

    def _end_reload(self, problems: list[str]) -> None:
        self._reloading = False
        self._supervisor.more_pulses = ()
        self._tell_problems(problems)
        self._supervisor.told(time.monotonic())
        if self._once_more:
            self._once_more = False
            self._begin_reload()

    def _tell_problems(self, problems: list[str]) -> None:
        self._problems = problems
        self._supervisor.config_problem = problem = "; ".join(problems) or None
        for output in self._crew.outputs:
            output.config(problem)


def _log_lack(problem: str) -> None:
    _log.error("the config holds but for this: %s", problem, extra={"code": "EH1403"})


def _raise(error: BaseException) -> None:
    raise error

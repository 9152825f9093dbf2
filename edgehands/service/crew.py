"""The cameras and outputs of a run: opened together, some exchanged by a reload, all closed."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from edgehands.control import Control
from edgehands.errors import DeviceError, EdgeHandsError
from edgehands.outputs.queue import EventQueue
from edgehands.service.camera_loop import CameraLoop, Renewal
from edgehands.service.hub import Hub
from edgehands.service.shared import SharedOutputs
from edgehands.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from edgehands.config import Config
    from edgehands.outputs import Output
    from edgehands.pulse import Pulse
    from edgehands.service.hub import Watch
    from edgehands.service.plans import Plan
    from edgehands.service.reloading import Prepared

_log = logging.getLogger(__name__)

_GRACE = 0.4  # seconds in which a loop ends by itself, unless its camera or model hangs
_DISMISSED = 1.5  # seconds that a camera has to end which a reload took away


class Crew:
    """Everything that works at the same time.

    Args:
        changed: called from any thread when something is worth a look.
        watch: as for `edgehands.service.run`.
        listeners: outputs besides the config's; they are not closed.
        file: of the config, for the live page to save settings to.
    """

    def __init__(
        self,
        changed: Callable[[], None],
        watch: Watch | None,
        listeners: Sequence[Output],
        file: Path | None = None,
    ) -> None:
        self._changed = changed
        self._watch = watch
        self._shared = SharedOutputs(listeners, file)
        self._loops: dict[str, CameraLoop] = {}
        self._dismissed: list[CameraLoop] = []
        self._newcomers: list[CameraLoop] = []
        """Those that came with the last reload."""
        self._hub: Hub | None = None

    @property
    def loops(self) -> list[CameraLoop]:
        """Those that work, or have come to their end."""
        return list(self._loops.values())

    @property
    def outputs(self) -> list[Output]:
        """Those of all cameras."""
        return self._shared.outputs

    @property
    def hub(self) -> Hub:
        """What the loops share."""
        assert self._hub is not None  # noqa: S101 (it was opened)
        return self._hub

    def open(
        self, config: Config, plans: Sequence[Plan], *, waits: bool, managed: bool = False
    ) -> None:
        """Open the outputs, then let each camera begin.

        A service does without a live page that cannot listen: nobody sits before it.
        """
        queue = EventQueue((), live=any(plan.live for plan in plans))
        watch = self._watch and self._total_of(self._watch)
        control = Control(sensitivity=config.events.sensitivity)
        self._hub = Hub(queue, self._changed, control=control, waits=waits, watch=watch)
        self._sensitivity = config.events.sensitivity
        for failure in self._shared.exchange(config, plans, self.hub):
            if not managed or type(failure) is not DeviceError:
                raise failure
            _log.warning("%s", failure, extra={"code": "EH1513"})
        for plan in plans:
            self._start(CameraLoop(plan, self.hub))

    def take_up(self, prepared: Prepared, *, waits: bool) -> list[str]:
        """Go on with another config: what it does not change goes on as it was.

        Returns:
            What could not be opened, and is done without.
        """
        names = {plan.name for plan in prepared.plans}
        gone = [loop for loop in self.loops if loop.plan.name not in names]
        for loop in gone:
            del self._loops[loop.plan.name]
        self._dismissed += gone
        self._end(gone, _DISMISSED)  # before another opens the same device
        self.hub.waits = waits
        sensitivity = prepared.config.events.sensitivity
        if sensitivity != self._sensitivity:
            self._sensitivity = self.hub.control.sensitivity = sensitivity
        self._newcomers = []
        failures = self._shared.exchange(prepared.config, prepared.plans, self.hub)
        for plan in prepared.plans:
            tracker = prepared.trackers.get(plan.name)
            known = self._loops.get(plan.name)
            if known is None or known.ended:
                self._newcomers.append(CameraLoop(plan, self.hub, tracker))
                self._start(self._newcomers[-1])
            elif known.plan != plan:
                known.renew(Renewal(plan, tracker))
        self._loops = {plan.name: self._loops[plan.name] for plan in prepared.plans}
        return [str(failure) for failure in failures]

    def open_lacking(self, now: float) -> list[str]:
        """Open outputs that could not be opened before, if they can by now.

        Returns:
            What was said of those that are there.
        """
        found = self._shared.open_lacking(list(self.plans().values()), self.hub, now)
        for output in found.values():
            for loop in self.loops:
                if loop.state != "ok":
                    output.camera(loop.plan.name, loop.state, loop.health(now).reason)
        return list(found)

    def refusals(self) -> list[str]:
        """Return what cameras could not take up of the last reload, once; the others go on."""
        refusals = [said for loop in self.loops if (said := loop.refusal()) is not None]
        for loop in self._newcomers:
            failed = isinstance(loop.error, EdgeHandsError) and not loop.summary.frames
            if failed and self._loops.get(loop.plan.name) is loop and len(self._loops) > 1:
                refusals.append(f"without camera {loop.plan.name}: {loop.error}")
                loop.error = None
                self._dismissed.append(self._loops.pop(loop.plan.name))
        return refusals

    def pulses(self) -> list[Pulse]:
        """Return the signs of life of all threads."""
        return [
            *(loop.pulse for loop in self.loops if not loop.ended),
            *self.hub.queue.pulses(),
            *(pulse for output in self.outputs for pulse in output.pulses()),
        ]

    def plans(self) -> dict[str, Plan]:
        """Return what each camera's loop does, by name."""
        return {loop.plan.name: loop.plan for loop in self.loops if not loop.ended}

    def stop(self, patience: float) -> None:
        """End all loops.

        Raises:
            BaseException: what one of them failed with.
        """
        self._end(self.loops, patience)
        self.raise_error()

    def close(self, limit: float | None) -> None:
        """Deliver the last events within so many seconds, then close all outputs."""
        with ExitStack() as closing:
            for output in self._shared.opened:
                closing.callback(output.close)
            if self._hub is not None:
                closing.callback(self._hub.queue.close, limit)

    def raise_error(self) -> None:
        """Raise what a loop failed with, once."""
        for loop in (*self.loops, *self._dismissed):
            if loop.error is not None:
                error, loop.error = loop.error, None
                raise error

    def summary(self) -> Summary:
        """Return what all cameras did together."""
        whole = Summary()
        loops = [*self._dismissed, *self.loops]
        for loop in loops:
            whole.add(loop.summary)
        whole.events = self.hub.queue.counts
        whole.outputs = [line for output in self.outputs if (line := output.account())]
        whole.outputs += [line for loop in loops for line in loop.account()]
        return whole

    def _start(self, loop: CameraLoop) -> None:
        if ended := self._loops.get(loop.plan.name):
            self._dismissed.append(ended)
        self._loops[loop.plan.name] = loop
        loop.start()

    def _end(self, loops: Iterable[CameraLoop], patience: float) -> None:
        loops = list(loops)
        begin = time.monotonic()
        for loop in loops:
            loop.stop()
        for seconds in (min(_GRACE, patience), patience):
            for loop in loops:
                left = begin + seconds - time.monotonic()
                if not loop.join(max(0.0, left)) and seconds < patience:
                    loop.cut()
        for loop in loops:
            if not loop.join(0.0):
                said = "camera %s hangs while %s: its thread is left behind"
                _log.error(said, loop.plan.name, loop.pulse.doing, extra={"code": "EH1412"})

    def _total_of(self, watch: Watch) -> Watch:
        def total(frames: int, length: int | None) -> None:
            if len(self._loops) > 1:
                frames, length = sum(loop.summary.frames for loop in self.loops), None
            watch(frames, length)

        return total

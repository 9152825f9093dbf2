"""What is done to the service from outside, and how long it takes until all is well again."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.benchmarks.soak.rig import Rig
    from edgehands.health import Health

PATIENCE = 60.0
"""Seconds after which something counts as not mended."""
FRAMES = 10
"""Frames that have to be seen again: the first may have been on their way all the time."""
_STEP = 0.1
_BROKEN = '[tracker]\nmodel = "lihgt"\n'


class Fault(NamedTuple):
    """One kind of trouble."""

    name: str
    make: Callable[[Rig], None]
    """Returns when the cause is gone, or was a moment's."""


class Mended(NamedTuple):
    """One fault that was made."""

    name: str
    at: float
    """Seconds since the service was ready."""
    seconds: float | None
    """From the end of the cause until frames, events and deliveries go on; None: never did."""


def watch(fault: Fault, rig: Rig, at: float) -> Mended:
    """Make a fault and wait until it is mended."""
    fault.make(rig)
    begun = time.monotonic()
    mark = _answer(rig, begun + PATIENCE)
    while mark is not None and time.monotonic() < begun + PATIENCE:
        now = rig.health()
        if now is not None and now.ok and _went_on(mark, now):
            return Mended(fault.name, at, time.monotonic() - begun)
        time.sleep(_STEP)
    return Mended(fault.name, at, None)


def _answer(rig: Rig, until: float) -> Health | None:
    while rig.lives and time.monotonic() < until:
        if (health := rig.health()) is not None:
            return health
        time.sleep(_STEP)
    return None


def _went_on(before: Health, now: Health) -> bool:
    """Whether each camera gave some frames and each output took events since then."""
    cameras = {camera.name: camera.frames + FRAMES for camera in before.cameras}
    outputs = {(output.kind, output.place): output.delivered for output in before.outputs}
    return all(camera.frames != cameras.get(camera.name) for camera in now.cameras) and all(
        output.delivered != outputs.get((output.kind, output.place))
        for output in now.outputs
        if output.kind == "mqtt"
    )


def _broker_killed(rig: Rig) -> None:
    rig.broker.kill()
    time.sleep(8)
    rig.broker.restart()


def _broker_frozen(rig: Rig) -> None:
    rig.broker.freeze()
    time.sleep(8)
    rig.broker.thaw()


def _capture_killed(rig: Rig) -> None:
    _signal_capture(rig, signal.SIGKILL)


def _capture_frozen(rig: Rig) -> None:
    _signal_capture(rig, signal.SIGSTOP)


def _both_killed(rig: Rig) -> None:
    _signal_capture(rig, signal.SIGKILL)
    rig.broker.kill()
    time.sleep(3)
    rig.broker.restart()


def _config_broken(rig: Rig) -> None:
    rig.config.write_text(_BROKEN, encoding="utf-8")
    rig.reload()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        health = rig.health()
        if health is not None and health.config_problem:
            break
        time.sleep(_STEP)
    rig.config.write_text(rig.good, encoding="utf-8")
    rig.reload()


def _config_read_again(rig: Rig) -> None:
    rig.reload()


def _signal_capture(rig: Rig, number: signal.Signals) -> None:
    if (pid := rig.capture()) is not None:
        os.kill(pid, number)


FAULTS = (
    Fault("broker killed for 8 s", _broker_killed),
    Fault("camera's process stopped (SIGSTOP)", _capture_frozen),
    Fault("config with a mistake, then without", _config_broken),
    Fault("camera's process killed", _capture_killed),
    Fault("broker stopped (SIGSTOP) for 8 s", _broker_frozen),
    Fault("config read again", _config_read_again),
    Fault("broker and camera's process killed", _both_killed),
)
"""In turns."""

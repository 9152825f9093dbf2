"""What somebody should do something about, worst first: the one reading of a run's health."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.health import Health, OutputHealth


class Problem(NamedTuple):
    """One thing that is not as it should be."""

    of: str
    """What has it: "camera hall", "output mqtt", "process" …"""
    what: str
    """What is wrong with that, ready to stand after its name."""
    why: str = ""
    mend: str = ""
    """What to type or do; "" where `why` says it, or nothing is to be done."""

    def __str__(self) -> str:
        return f"{self.of} {self.what}" + (f": {self.why}" if self.why else "")


PROCESS = "process"
"""What has the problems that no camera and no output has."""

_MEND = {
    "stalled": "is it plugged in firmly, and the network there? EdgeHands goes on trying",
    "frozen": "unplug it and plug it in again; EdgeHands goes on trying",
    "dark": "is the lens covered, or the light off?",
    "lost": "plug it in again; see what is there: ls -l /dev/v4l/by-id",
}


def find_problems(health: Health) -> list[Problem]:
    """Return all that is wrong; none if, and only if, `health.ok`."""
    return [*_cameras(health), *_outputs(health), *_process(health)]


def why_blind(health: Health) -> str | None:
    """Return why no hand could be seen now, for /readyz; None if at least one camera gives frames.

    A dark camera counts as one that does: at night, that is what there is to see.
    """
    if not health.ready:
        return "starting: no camera has given a frame yet"
    seeing = {camera.state for camera in health.cameras} & {"ok", "dark"}
    if seeing or not health.cameras:
        return None
    return "; ".join(str(problem) for problem in _cameras(health))


def output_title(output: OutputHealth) -> str:
    """Return what an output is called, which tells it from others of its kind."""
    return f"output {output.place or output.kind}"


def duration(seconds: float) -> str:
    """Return seconds in words: "12 s", "5 min", "3 h 20 min", "14 d 6 h"."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


def _cameras(health: Health) -> Iterator[Problem]:
    for camera in health.cameras:
        if camera.state != "ok":
            what = f"has been {camera.state} for {duration(camera.state_seconds)}"
            mend = "" if camera.reason else _MEND.get(camera.state, "")
            yield Problem(f"camera {camera.name}", what, camera.reason or "", mend)


def _outputs(health: Health) -> Iterator[Problem]:
    for output in health.outputs:
        if not output.ok:
            yield Problem(output_title(output), "does not work", output.reason or "")


def _process(health: Health) -> Iterator[Problem]:
    if not health.ready:
        what = f"has been starting for {duration(health.uptime_s)}"
        yield Problem(PROCESS, what, "no camera has given a frame yet")
    if health.config_problem is not None:
        first = health.config_problem.partition("\n")[0]
        mend = f"edgehands config check {shlex.quote(health.config or '')}"
        what = "goes on with its old config"
        yield Problem(PROCESS, what, f"the new one has a mistake: {first}", mend)

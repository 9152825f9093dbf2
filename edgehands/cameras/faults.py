"""What the camera `test:` does wrong, and when. Pure: time is an argument."""

from __future__ import annotations

import math
from dataclasses import dataclass
from urllib.parse import parse_qsl

from edgehands.errors import UsageError, did_you_mean

FAULTS = {
    "stall": "gives no frames",
    "freeze": "gives the same picture again and again",
    "dark": "gives the pictures of a covered lens",
    "garbage": "gives pictures that are cut off or spoilt",
    "resize": "gives pictures of half the size",
    "slow": "gives a tenth of its frames",
    "unplug": "is gone",
    "hang": "hangs with its process, as in a driver's call",
    "crash": "ends with its process, as by a broken decoder; its seconds do not matter",
}
"""Fault → what the camera does."""

_EXAMPLE = "write such as test:?stall=30@10 for 30 s without frames, 10 s after the start"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: from `start`, for so many `seconds`."""

    name: str
    seconds: float
    start: float


@dataclass(frozen=True, slots=True)
class Script:
    """All that stands behind `test:`."""

    faults: tuple[Fault, ...] = ()
    every: float | None = None
    """Seconds after which the faults come again."""
    clip: str | None = None
    """Video that is shown again and again; None draws a pattern."""
    seed: int = 0
    """Of the noise and the pattern."""
    start: float | None = None
    """When its time began, in seconds of time.monotonic(); None: when it is opened."""

    def has(self, name: str, time: float) -> bool:
        """Whether it has this fault at `time` seconds."""
        phase = self._phase(time)
        return any(
            fault.name == name and fault.start <= phase < fault.start + fault.seconds
            for fault in self.faults
        )

    def passed(self, name: str, before: float, time: float) -> bool:
        """Whether this fault began after `before` and not after `time`."""
        return any(
            before < begin <= time
            for fault in self.faults
            if fault.name == name
            for begin in (fault.start + time - self._phase(time),)
        )

    def _phase(self, time: float) -> float:
        return time if self.every is None else math.fmod(time, self.every)


def parse(address: str) -> Script:
    """Read what stands behind `test:`, such as `?stall=30@10&every=120`.

    Raises:
        UsageError: a word or number that means nothing.
    """
    text = address.removeprefix("?")
    faults = []
    values: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name in FAULTS:
            faults.append(_fault(name, value))
        elif name in ("every", "clip", "seed", "start"):
            values[name] = value
        else:
            known = (*FAULTS, "every", "clip", "seed")
            hint = did_you_mean(name, known) or f"choose {', '.join(known)}; "
            raise UsageError(f"camera 'test:{address}': no {name!r}: {hint}{_EXAMPLE}")
    if text and not faults and not values:
        raise UsageError(f"camera 'test:{address}' says nothing: {_EXAMPLE}")
    seed = values.get("seed", "0")
    if not (seed.isascii() and seed.isdigit()):
        raise UsageError(f"camera 'test:{address}': seed must be a whole number from 0")
    return Script(
        faults=tuple(faults),
        every=_number("every", values["every"], above=0.0) if "every" in values else None,
        clip=values.get("clip"),
        seed=int(seed),
        start=_number("start", values["start"]) if "start" in values else None,
    )


def _fault(name: str, value: str) -> Fault:
    seconds, at, start = value.partition("@")
    return Fault(name, _number(name, seconds), _number(name, start) if at else 0.0)


def _number(name: str, text: str, above: float = -1.0) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0 and number > above):
        raise UsageError(f"camera test: {name}={text!r} is no number of seconds: {_EXAMPLE}")
    return number

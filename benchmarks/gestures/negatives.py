"""Hours in which nothing is meant, as landmarks: whatever starts is false."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.benchmarks.gestures.trial import EXPERIMENTAL, judge, starts
from edgehands.synthetic.gesturing.idle import idle_scene
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.stage import rng_of

if TYPE_CHECKING:
    from edgehands.benchmarks.gestures.trial import Moments, Start
    from edgehands.synthetic.gesturing.performance import Scene

EPISODE = 60.0
"""Seconds of one scene."""

SHARES: dict[str, int] = {
    "resting": 2,
    "random": 4,
    "reaching": 3,
    "typing": 2,
    "passing": 2,
    "changing": 2,
}
"""How often each kind of life has its turn."""

_TURNS = [kind for kind, share in SHARES.items() for _ in range(share)]


def minutes(hours: float) -> range:
    """Return the numbers of the minutes that hours have."""
    return range(round(hours * 3600 / EPISODE))


def false_starts(seed: int, number: int) -> tuple[str, tuple[Start, ...]]:
    """Return one minute's kind of life, and what started in it without reason."""
    kind, scene, moments = idle_minute(seed, number)
    seen = list(moments)
    asked_for = starts(seen, *EXPERIMENTAL) if EXPERIMENTAL else []
    found = starts(seen) + [start for start in asked_for if start.gesture in EXPERIMENTAL]
    return kind, judge(scene, found).wrong


def idle_minute(seed: int, number: int) -> tuple[str, Scene, Moments]:
    """Return one minute's kind of life, its scene, and what the tracker would report of it."""
    kind = _TURNS[number % len(_TURNS)]
    scene = idle_scene(kind, seed, number, seconds=EPISODE)
    return kind, scene, observe(scene, rng_of(seed, f"noise {kind}", number))

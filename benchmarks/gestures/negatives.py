"""Hours in which nothing is meant, as landmarks: whatever starts is false."""

from __future__ import annotations

from edgehands.benchmarks.gestures.trial import Start, judge, starts
from edgehands.synthetic.gesturing.idle import idle_scene
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.stage import rng_of

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
    kind = _TURNS[number % len(_TURNS)]
    scene = idle_scene(kind, seed, number, seconds=EPISODE)
    rng = rng_of(seed, f"noise {kind}", number)
    return kind, judge(scene, starts(observe(scene, rng))).wrong

"""Hours in which nothing is meant, as landmarks: whatever starts is false."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.benchmarks.gestures.trial import Start, judge, starts
from edgehands.synthetic.gesturing.idle import idle_scene
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.stage import rng_of

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def false_starts(seed: int, hours: float) -> Iterator[tuple[str, int, tuple[Start, ...]]]:
    """Yield for each minute its kind, its number and what started without reason."""
    for number in range(round(hours * 3600 / EPISODE)):
        kind = _TURNS[number % len(_TURNS)]
        scene = idle_scene(kind, seed, number, seconds=EPISODE)
        rng = rng_of(seed, f"noise {kind}", number)
        yield kind, number, judge(scene, starts(observe(scene, rng))).wrong

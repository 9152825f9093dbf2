"""The same scenes as pictures, through the whole pipeline: how far the imitation can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.benchmarks.gestures.trial import Trial, judge, starts
from edgehands.synthetic.gesturing.film import SKINS, film
from edgehands.synthetic.gesturing.idle import KINDS, idle_scene
from edgehands.synthetic.gesturing.moves import dynamic_scene
from edgehands.synthetic.gesturing.scenes import static_scene
from edgehands.synthetic.gesturing.shapes import SHAPES
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.hand import Hand
    from edgehands.synthetic.gesturing.performance import Scene

_STATIC_FPS, _DYNAMIC_FPS = 10.0, 15.0
_HOLD = 0.9
_MAX_TILT = 25.0
_IDLE_FPS, _IDLE_SECONDS = 10.0, 13.0

NOTHING: tuple[str, ...] = tuple(KINDS)
"""Kinds of life in which nothing is meant; films of them have no gesture to be found."""


def try_film(seed: int, gesture: str, number: int) -> tuple[Trial, float]:
    """Return what came of a film through tracker and gesture code, and its seconds.

    It is drawn, or taken from the cache; skins take turns.
    """
    scene = filmed(gesture, seed, number)
    pictures = watched(scene, seed, skin=SKINS[number % len(SKINS)])
    return judge(scene, starts(pictures, gesture)), float(scene.times[-1])


def filmed(gesture: str, seed: int, number: int) -> Scene:
    """Return a scene that is short enough to be drawn."""
    if gesture in SHAPES:
        return static_scene(gesture, seed, number, max_tilt=_MAX_TILT, fps=_STATIC_FPS, hold=_HOLD)
    return dynamic_scene(gesture, seed, number, max_tilt=_MAX_TILT, fps=_DYNAMIC_FPS)


def try_idle_film(seed: int, kind: str, number: int) -> tuple[Trial, float]:
    """Return what started in a film in which nothing is meant, and its seconds."""
    # Its own numbers: the first scenes are those that landmarks alone were tried on.
    scene = idle_scene(kind, seed, 10_000 + number, seconds=_IDLE_SECONDS, fps=_IDLE_FPS)
    pictures = watched(scene, seed, skin=SKINS[number % len(SKINS)])
    return judge(scene, starts(pictures)), float(scene.times[-1])


def watched(scene: Scene, seed: int, *, skin: int) -> Iterator[tuple[float, list[Hand]]]:
    """Yield time and hands of each picture of a scene, as a run would see them."""
    with HandTracker("full", max_hands=2, threads=1) as tracker:
        for time, image in film(scene, seed, skin=skin):
            yield time, tracker.update(image, time)

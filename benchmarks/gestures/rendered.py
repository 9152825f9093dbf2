"""The same scenes as pictures, through the whole pipeline: how far the imitation can be trusted."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

from edgehands.benchmarks.gestures.positives import GESTURES
from edgehands.benchmarks.gestures.trial import Trial, judge, starts
from edgehands.synthetic.gesturing.film import SKINS, film
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


def trials(seed: int, takes: int, processes: int) -> Iterator[tuple[Trial, float]]:
    """Yield what came of each film and its seconds: every gesture in turn, and skin after skin."""
    jobs = [(gesture, number) for number in range(takes) for gesture in GESTURES]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(partial(try_film, seed), jobs)


def try_film(seed: int, job: tuple[str, int]) -> tuple[Trial, float]:
    """Draw a film, or take it from the cache, and put it through tracker and gesture code."""
    gesture, number = job
    scene = filmed(gesture, seed, number)
    pictures = watched(scene, seed, skin=SKINS[number % len(SKINS)])
    return judge(scene, starts(pictures)), float(scene.times[-1])


def filmed(gesture: str, seed: int, number: int) -> Scene:
    """Return a scene that is short enough to be drawn."""
    if gesture in SHAPES:
        return static_scene(gesture, seed, number, max_tilt=_MAX_TILT, fps=_STATIC_FPS, hold=_HOLD)
    return dynamic_scene(gesture, seed, number, max_tilt=_MAX_TILT, fps=_DYNAMIC_FPS)


def watched(scene: Scene, seed: int, *, skin: int) -> Iterator[tuple[float, list[Hand]]]:
    """Yield time and hands of each picture of a scene, as a run would see them."""
    with HandTracker("full", max_hands=2, threads=1) as tracker:
        for time, image in film(scene, seed, skin=skin):
            yield time, tracker.update(image, time)

"""Fit what imitates the model: `python -m edgehands.benchmarks.gestures.fit`.

Films of the tuning seed, every shape in four skins, go through the Full model as in a run, without
smoothing, which the imitation leaves to the real filter. Stored are the slopes by which the model's
axes stand to the true ones, how it leans with view and pose, and the errors that remain: those that
stay while a pose is held and those that do not, each as its largest principal components.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
import typer

from edgehands.hand import Landmark
from edgehands.synthetic.dataset import TUNING_SEED
from edgehands.synthetic.gesturing.film import SKINS, film
from edgehands.synthetic.gesturing.imitation import FIGURES, Canonical, nearness
from edgehands.synthetic.gesturing.scenes import static_scene
from edgehands.synthetic.gesturing.shapes import SHAPES
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from edgehands.synthetic.pose import Array

FPS = 10.0
HOLD = 0.9

_KEPT = 12
"""Principal components of each kind of error."""
_POSE_AXES = 8
"""More do not lower the error on hands that were not fitted."""
_RIDGE = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """One film as the model saw it: moments in which a hand was tracked."""

    index: npt.NDArray[np.int64]
    """[N] of the moments."""
    hands: Canonical
    """The truth."""
    said: Array
    """[N, 126]: the model's answer, brought to the same form."""
    held: npt.NDArray[np.bool_]
    """[N] whether the pose was being held."""


def shoot(job: tuple[str, int]) -> Take | None:
    """Film one scene and track it."""
    gesture, number = job
    scene = static_scene(gesture, TUNING_SEED, number, fps=FPS, hold=HOLD)
    (part,) = scene.performances
    seen = {}
    with HandTracker("full", max_hands=1, smoothing=False, threads=1) as tracker:
        pictures = film(scene, TUNING_SEED, skin=SKINS[number % len(SKINS)])
        for index, (time, image) in enumerate(pictures):
            hands = tracker.update(image, time)
            if hands:
                seen[index] = hands[0]
    if not seen:
        return None
    moments = np.array(list(seen))
    landmarks, world = part.truth()
    canonical = Canonical.of(landmarks[moments], world[moments], left=part.left)
    flat, metric = canonical.brought_here(
        np.array([hand.landmarks for hand in seen.values()], np.float64),
        np.array([hand.world_landmarks for hand in seen.values()], np.float64),
    )
    said = np.concatenate([flat, metric], axis=1).reshape(len(moments), -1)
    times = scene.times[moments]
    held = (times >= scene.shown[0]) & (times <= scene.shown[1])
    return Take(moments, canonical, said, held)


def fitted(takes: list[Take]) -> dict[str, object]:
    """Return the figures."""
    true = [np.concatenate([take.hands.image, take.hands.world], axis=1) for take in takes]
    points = np.concatenate(true).reshape(-1, 2, 21, 3)
    said = np.concatenate([take.said for take in takes])
    slopes = _slopes(points, said.reshape(points.shape))
    rest = said - (points * slopes[:, None]).reshape(said.shape)
    poses = _pose_axes(points[:, 1].reshape(len(said), -1))
    basis = np.concatenate([take.hands.described(poses) for take in takes])
    leanings = np.linalg.solve(basis.T @ basis + _RIDGE * np.eye(basis.shape[1]), basis.T @ rest)
    errors = rest - basis @ leanings
    stays, jitter, lags = _split(takes, errors)
    return {
        "command": "python -m edgehands.benchmarks.gestures.fit",
        "seed": TUNING_SEED,
        "frames": len(said),
        "image_slopes": _rounded(slopes[0]),
        "world_slopes": _rounded(slopes[1]),
        "jitter_seconds": round(lags, 3),
        "poses": _rounded(poses),
        "leanings": _rounded(leanings),
        "meeting": _rounded(_meeting(takes, rest)),
        "habits": _rounded(_components(stays)),
        "jitter": _rounded(_components(jitter)),
    }


def _pose_axes(world: Array) -> Array:
    """Return [1 + P, 63]: the mean hand, and the axes along which hands differ most."""
    mean = world.mean(axis=0)
    axes = np.linalg.svd(world - mean, full_matrices=False)[2]
    return np.concatenate([mean[None], axes[:_POSE_AXES]])


def _slopes(true: Array, said: Array) -> Array:
    """Return [2, 3]: the model's x, y and z over the true ones, of pictures and of world points."""
    a = true - true.mean(axis=2, keepdims=True)
    b = said - said.mean(axis=2, keepdims=True)
    return np.asarray((a * b).sum(axis=(0, 2)) / (a * a).sum(axis=(0, 2)))


def _meeting(takes: list[Take], rest: Array) -> Array:
    """Return [2] the error between thumb and index tips where they nearly meet, over elsewhere."""
    near = np.concatenate([nearness(take.hands) for take in takes])
    tips = rest.reshape(len(rest), 2, 21, 3)[:, :, [Landmark.THUMB_TIP, Landmark.INDEX_TIP], :2]
    squares = ((tips[:, :, 0] - tips[:, :, 1]) ** 2).sum(axis=2)
    return np.asarray(np.sqrt(squares[near > 0.99].mean(axis=0) / squares[near == 0].mean(axis=0)))


def _split(takes: list[Take], errors: Array) -> tuple[Array, Array, float]:
    """Part errors into what stays while a pose is held, one row each, and what comes and goes.

    The third is the time, in seconds, after which the latter has fallen to 1/e.
    """
    stays, jitter, products, squares = [], [], 0.0, 0.0
    first = 0
    for take in takes:
        own = errors[first : first + len(take.said)]
        first += len(take.said)
        for chosen in (take.held, ~take.held & (take.index < FPS * 0.3)):
            if chosen.sum() < 3:
                continue
            mean = own[chosen].mean(axis=0)
            stays.append(mean)
            if chosen is take.held:
                moves = own[chosen] - mean
                jitter.append(moves)
                products += float((moves[1:] * moves[:-1]).sum())
                squares += float((moves[1:] ** 2).sum())
    lag = min(max(products / squares, 0.05), 0.95)
    return np.array(stays), np.concatenate(jitter), -1 / FPS / float(np.log(lag))


def _components(errors: Array) -> Array:
    """Return [K, 126]: principal components, each scaled to its standard deviation.

    They are scaled up to carry the variance of those left out.
    """
    _, values, axes = np.linalg.svd(errors, full_matrices=False)
    scaled = values[:_KEPT, None] * axes[:_KEPT] / np.sqrt(len(errors))
    lost = (errors**2).mean(axis=0) / np.maximum((scaled**2).sum(axis=0), 1e-12)
    return np.asarray(scaled * np.sqrt(lost))


def _rounded(numbers: Array) -> list[object]:
    return list(np.round(numbers, 4).tolist())


def main(
    scenes: Annotated[int, typer.Option(help="Of each gesture.")] = len(SKINS),
    processes: Annotated[int, typer.Option(help="That draw and track.")] = 2,
) -> None:
    """Film, track, fit, and write the figures into the package."""
    jobs = [(gesture, number) for number in range(scenes) for gesture in SHAPES]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        takes = [take for take in pool.map(shoot, jobs) if take is not None]
    figures = fitted(takes)
    lines = [f' "{name}": {json.dumps(value)}' for name, value in figures.items()]
    FIGURES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)

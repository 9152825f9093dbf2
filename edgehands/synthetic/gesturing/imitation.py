"""What the pipeline would say of hands whose joints are known: its flattened depth and its errors.

Fitted to the Full model on drawn hands of the tuning seed, so that hours of hands can be tried in
minutes. It is no better than its figures: recall on rendered films stands beside every recall that
is measured with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgehands.hand import LANDMARK_COUNT, Landmark

if TYPE_CHECKING:
    from edgehands.synthetic.gesturing.performance import Performance
    from edgehands.synthetic.pose import Array

FIGURES = Path(__file__).with_name("imitation.json")
"""The fitted numbers, and the command that made them."""

_ARRAYS = (
    *("image_slopes", "world_slopes", "poses", "leanings"),
    *("habits", "jitter", "meeting"),
)
_PALM = [Landmark.WRIST, Landmark.INDEX_MCP, Landmark.PINKY_MCP]
_SIZE = 2 * 3 * LANDMARK_COUNT

_NEAR, _FAR = 0.3, 0.5
"""Palm lengths between two tips that the model sees meet, and that it takes each for itself."""
_WAVES = 200
"""That a random field is made of."""
_ANGLES_PER_CHANGE = 25.0
"""Degrees, mean over the joints, after which a pose is another one to the model."""
_TURN_PER_CHANGE = 35.0
"""Degrees of turning after which a view is."""


@dataclass(frozen=True, slots=True, eq=False)
class Canonical:
    """Hands brought upright, of palm length 1, left ones turned to right ones."""

    image: Array
    """[T, 21, 3] about the palm's centre."""
    world: Array
    """[T, 21, 3] about the mean."""
    centre: Array
    """[T, 3] of the palm in the picture, pixels."""
    unit: Array
    """[T] pixels of a palm's length."""
    length: Array
    """[T] metres of a palm's length."""
    turn: Array
    """[T, 3, 3] that brought each upright."""
    facing: Array
    """[T] how much the palm faces the camera: 1 fully, -1 the back."""

    @classmethod
    def of(cls, landmarks: Array, world: Array, *, left: bool) -> Canonical:
        """Bring true landmarks and world landmarks [T, 21, 3] to that form."""
        axis = landmarks[:, Landmark.MIDDLE_MCP, :2] - landmarks[:, Landmark.WRIST, :2]
        angle = np.arctan2(axis[:, 0], -axis[:, 1])
        turn = np.zeros((len(angle), 3, 3))
        turn[:, 0, 0] = turn[:, 1, 1] = np.cos(angle)
        turn[:, 0, 1] = np.sin(angle)
        turn[:, 1, 0] = -turn[:, 0, 1]
        turn[:, 2, 2] = 1.0
        if left:
            turn = np.diag([-1.0, 1.0, 1.0]) @ turn
        palm = world[:, Landmark.MIDDLE_MCP] - world[:, Landmark.WRIST]
        length = np.linalg.norm(palm, axis=1)
        seen, true = (_palm_outline(points[:, :, :2]) for points in (landmarks, world))
        unit = seen / true * length
        upright = (world - world.mean(axis=1, keepdims=True)) @ turn.transpose(0, 2, 1)
        upright /= length[:, None, None]
        across = upright[:, Landmark.INDEX_MCP] - upright[:, Landmark.PINKY_MCP]
        up = upright[:, Landmark.MIDDLE_MCP] - upright[:, Landmark.WRIST]
        normal = np.cross(up, across)
        facing = normal[:, 2] / np.linalg.norm(normal, axis=1)
        centre = landmarks[:, _PALM].mean(axis=1)
        image = (landmarks - centre[:, None]) @ turn.transpose(0, 2, 1) / unit[:, None, None]
        return cls(image, upright, centre, unit, length, turn, facing)

    def brought_here(self, landmarks: Array, world: Array) -> tuple[Array, Array]:
        """Bring other landmarks of the same hands, as measured, to the same form."""
        back = self.turn.transpose(0, 2, 1)
        image = (landmarks - self.centre[:, None]) @ back / self.unit[:, None, None]
        return image, world @ back / self.length[:, None, None]

    def described(self, poses: Array) -> Array:
        """Return [T, 2 + P]: 1, how much the palm faces the camera, places along pose axes."""
        places = (self.world.reshape(len(self.world), -1) - poses[0]) @ poses[1:].T
        return np.column_stack([np.ones(len(places)), self.facing, places])

    def put_back(self, image: Array, world: Array) -> tuple[Array, Array]:
        """Return landmarks in pixels and world landmarks in metres."""
        landmarks = image * self.unit[:, None, None] @ self.turn + self.centre[:, None]
        return landmarks, world * self.length[:, None, None] @ self.turn


def nearness(hands: Canonical) -> Array:
    """Return [T] how near thumb and index tips are as seen: 1 within `_NEAR`, 0 beyond `_FAR`."""
    tips = hands.image[:, Landmark.THUMB_TIP, :2] - hands.image[:, Landmark.INDEX_TIP, :2]
    share = ((_FAR - np.linalg.norm(tips, axis=1)) / (_FAR - _NEAR)).clip(0.0, 1.0)
    return np.asarray(share * share * (3 - 2 * share))


def _palm_outline(points: Array) -> Array:
    corners = points[:, _PALM]
    return np.asarray(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Imitation:
    """The fitted model of the model. Lengths are palm lengths of canonical hands."""

    image_slopes: Array
    """[3] by which the model's x, y and z in the picture stand to the true ones."""
    world_slopes: Array
    """[3] likewise of world landmarks; z comes out flattened."""
    poses: Array
    """[1 + P, 63]: the mean of true world landmarks, and the axes along which poses differ most."""
    leanings: Array
    """[2 + P, 126]: what the model adds, picture and then world: always; times how much the palm
    faces the camera; times the place along each of the axes."""
    habits: Array
    """[K, 126]: errors that stay while pose and view stay, each of unit chance."""
    jitter: Array
    """[K, 126]: errors that come and go."""
    meeting: Array
    """[2], of pictures and of world points: where thumb and index tips nearly meet as seen, the
    error between them is this share of what it is elsewhere: the model sees that they meet."""
    jitter_seconds: float
    """After which jitter has fallen to 1/e."""

    def expected(self, hands: Canonical) -> Array:
        """Return what the model says on average, [T, 126]."""
        image = (hands.image * self.image_slopes).reshape(-1, _SIZE // 2)
        world = (hands.world * self.world_slopes).reshape(-1, _SIZE // 2)
        base = np.concatenate([image, world], axis=1)
        return np.asarray(base + hands.described(self.poses) @ self.leanings)

    def measured(
        self, performance: Performance, times: Array, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return landmarks and world landmarks [T, 21, 3] as the model might have measured them."""
        hands = Canonical.of(*performance.truth(), left=performance.left)
        said = self.expected(hands)
        said += _field(_attitudes(performance), len(self.habits), rng) @ self.habits
        steps = np.diff(times, prepend=times[0]) / self.jitter_seconds
        said += _wander(steps, len(self.jitter), rng) @ self.jitter
        points = said.reshape(len(said), 2, LANDMARK_COUNT, 3)
        self._meet(hands, points)
        return hands.put_back(points[:, 0], points[:, 1])

    def _meet(self, hands: Canonical, points: Array) -> None:
        """Bring the errors of two tips that nearly meet together, as far as the camera sees."""
        thumb, index = Landmark.THUMB_TIP, Landmark.INDEX_TIP
        near = nearness(hands)
        for which, true in enumerate(
            (hands.image * self.image_slopes, hands.world * self.world_slopes)
        ):
            seen = points[:, which, :, :2]
            apart = (seen[:, thumb] - true[:, thumb, :2]) - (seen[:, index] - true[:, index, :2])
            pull = apart * (near * (1 - self.meeting[which]) / 2)[:, None]
            seen[:, thumb] -= pull
            seen[:, index] += pull


@cache
def load_imitation() -> Imitation:
    """Return the fitted imitation that comes with the package."""
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    seconds = float(figures["jitter_seconds"])
    arrays = {name: np.array(figures[name]) for name in _ARRAYS}
    return Imitation(jitter_seconds=seconds, **arrays)


def _attitudes(performance: Performance) -> Array:
    """Return [T, 26] pose and view, in which two that are another one to the model are 1 apart.

    Apart is the sum over all columns, as `_field` counts it.
    """
    angles = performance.angles / (_ANGLES_PER_CHANGE * performance.angles.shape[1])
    turns = performance.turns * ((-1, 1, -1) if performance.left else 1) / _TURN_PER_CHANGE
    return np.concatenate([angles, turns], axis=1)


def _field(where: Array, width: int, rng: np.random.Generator) -> Array:
    """Return [T, width] values of unit variance at places [T, D]: the same at the same place.

    Their correlation is exp(-d), d the sum of absolute differences between two places: waves whose
    frequencies are drawn from its spectrum, the Cauchy distribution.
    """
    waves = rng.standard_cauchy((where.shape[1], _WAVES))
    phases = rng.uniform(0.0, 2 * np.pi, _WAVES)
    heights = rng.standard_normal((_WAVES, width)) * np.sqrt(2 / _WAVES)
    return np.asarray(np.cos((where - where[0]) @ waves + phases) @ heights)


def _wander(steps: Array, width: int, rng: np.random.Generator) -> Array:
    """Return [T, width] that wander with unit variance and forget 1 - 1/e of themselves a step."""
    keep = np.asarray(np.exp(-steps)[:, None])
    pushes = rng.standard_normal((len(steps), width)) * np.sqrt(1 - keep**2)
    values = np.empty_like(pushes)
    values[0] = value = rng.standard_normal(width)
    for i in range(1, len(values)):
        values[i] = value = keep[i] * value + pushes[i]
    return np.asarray(values)

"""From a posed hand to pixels: what the rays meet, painted and lit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands.synthetic.march import Hits, trace
from edgehands.synthetic.skin import Look, paint
from edgehands.synthetic.surface import Field, Points, build_field

if TYPE_CHECKING:
    from edgehands.synthetic.anatomy import Anatomy
    from edgehands.synthetic.camera import Camera, Placement
    from edgehands.synthetic.pose import Skeleton


@dataclass(frozen=True, slots=True)
class Light:
    """One lamp far away, and the light of the room."""

    direction: tuple[float, float, float] = (-0.4, -0.7, -0.6)
    """Towards the lamp, camera frame."""
    strength: float = 1.0
    colour: tuple[float, float, float] = (1.0, 0.96, 0.9)
    ambient: float = 0.45


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A drawn hand, cut out: a rectangle that lies wholly in the picture."""

    x: int
    y: int
    """Of the rectangle's first pixel."""
    colour: Points
    """[H, W, 3] linear RGB, not multiplied with the coverage."""
    coverage: Points
    """[H, W], 0 to 1."""


def render_hand(
    anatomy: Anatomy,
    skeleton: Skeleton,
    placement: Placement,
    camera: Camera,
    *,
    light: Light,
    look: Look,
) -> Layer:
    """Draw one hand as the camera sees it."""
    field = build_field(anatomy, skeleton)
    window, hits = trace(field, placement, camera)
    colour = np.zeros((*window.shape, 3), np.float32)
    coverage = np.zeros(window.shape, np.float32)
    if len(hits.pixels):
        normals = field.gradient(hits.points, hits.picks)
        skin = paint(look, anatomy, skeleton, hits.points, normals)
        shine = _Shine(light, placement)
        openness = _openness(field, hits, normals, shine.lamp)
        colour.reshape(-1, 3)[hits.pixels] = shine.on(skin, normals, hits.directions, openness)
        coverage.ravel()[hits.pixels] = hits.coverage
    return Layer(window.x, window.y, colour, coverage)


class _Shine:
    """A light as the hand sees it: its directions in the hand frame."""

    def __init__(self, light: Light, placement: Placement) -> None:
        turn = placement.rotation
        lamp = np.asarray(light.direction) / np.linalg.norm(light.direction)
        self.lamp: Points = (lamp @ turn).astype(np.float32)
        self._up = (np.array([0.0, -1.0, 0.0]) @ turn).astype(np.float32)
        self._ambient = np.float32(light.ambient)
        self._tint = np.array(light.colour, np.float32) * np.float32(light.strength)

    def on(self, skin: Points, normals: Points, directions: Points, openness: Points) -> Points:
        """Return the light [N, 3] that comes back from skin, seen along `directions`."""
        view = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        open_ = openness[:, None]
        facing = (normals @ self.lamp)[:, None]
        # Light enters skin and comes out nearby, red the farthest: shadow edges are soft and red.
        wrap = np.array([0.40, 0.22, 0.16], np.float32)
        diffuse = ((facing + wrap) / (1 + wrap)).clip(0)
        sky = (0.82 + 0.18 * (normals @ self._up))[:, None]
        ambient = self._ambient * sky * open_ ** np.array([0.9, 1.1, 1.15], np.float32)
        rim = (1 + np.einsum("ij,ij->i", view, normals)).clip(0, 1) ** 4
        half = self.lamp - view
        half /= np.linalg.norm(half, axis=1, keepdims=True)
        shine = np.einsum("ij,ij->i", half, normals).clip(0, 1) ** 24
        gloss = (0.05 * shine + 0.06 * rim)[:, None] * open_ * self._tint
        return np.asarray(skin * (ambient + self._tint * diffuse * open_) + gloss, np.float32)


def _openness(field: Field, hits: Hits, normals: Points, lamp: Points) -> Points:
    """Return how open [N] the surroundings are, 0 to 1: skin nearby takes light away.

    On the way out, leaning to the lamp, the distance to the skin should grow as fast as one walks;
    where it does not, something is in the way.
    """
    lean = normals + np.float32(0.35) * lamp
    lean /= np.linalg.norm(lean, axis=1, keepdims=True)
    hidden = np.zeros(len(normals), np.float32)
    for distance, weight in ((2.5, 0.25), (6.0, 0.35), (11.0, 0.4)):
        away = np.asarray(hits.points + lean * np.float32(distance), np.float32)
        value = field.distance(away, hits.picks)
        hidden += np.float32(weight) * (1 - value / np.float32(distance)).clip(0, 1)
    return np.asarray(1 - 0.85 * hidden, np.float32)

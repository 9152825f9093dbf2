"""Sphere tracing with numpy: where the rays of a camera meet the skin.

A ray may go forward as far as the skin is away, for nothing is nearer. Three things make that
quick: a ray only looks at the capsules whose outline in the picture it can touch; one thick ray
walks most of the way for a whole block of pixels; and rays that have arrived stop taking part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from edgehands.synthetic.camera import Camera, Placement
    from edgehands.synthetic.pose import Array
    from edgehands.synthetic.surface import Field, Picks, Points

Mask: TypeAlias = npt.NDArray[np.bool_]

_REACH = 12.0
"""Millimetres around a capsule in which it changes the surface or darkens what is near."""
_SWELL = 3.0
"""Millimetres by which the surface may stand out of its capsules where they melt together."""
_NEAREST = 30.0
"""Millimetres; what is nearer to the camera is not drawn right."""
_BEHIND = 500.0
"""Millimetres behind the first capsule after which a ray has missed."""
_BLOCK = 4
_STEPS = 24
_THICK_ENOUGH, _PRECISE, _SHORTEST = 1.0, 0.1, 0.05
"""Millimetres: where a thick ray and a thin one have arrived, and a thin one's least step."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The rectangle of a picture that a hand can touch."""

    x: int
    y: int
    """Of the rectangle's first pixel."""
    near: Mask
    """[capsules, H, W]: which pixels each capsule can change."""
    start: Points
    """[H, W]: depth in front of all that a pixel can see; infinite where there is nothing."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.start.shape[0], self.start.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """The pixels of a window in which skin is seen."""

    pixels: Picks
    """[N] indices into the flattened window."""
    points: Points
    """[N, 3] hand frame, millimetres."""
    directions: Points
    """[N, 3] of the rays, hand frame; 1 long along the camera's z."""
    depth: Points
    """[N] along the camera's z, millimetres."""
    coverage: Points
    """[N] share of the pixel that is skin."""
    picks: list[Picks]
    """For each capsule which of the hits it can change."""


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """What all rays have in common."""

    field: Field
    origin: Points
    """[3], the camera's place in the hand frame."""
    focal: float

    def gap(self, rays: _Rays) -> Points:
        """Return how far the rays' present places are from the skin."""
        return self.field.distance(self.origin + rays.directions * rays.depth[:, None], rays.picks)


@dataclass(slots=True)
class _Rays:
    """Rays on their way."""

    number: Picks
    directions: Points
    depth: Points
    near: Mask
    picks: list[Picks]

    @classmethod
    def begin(cls, number: Picks, directions: Points, depth: Points, near: Mask) -> _Rays:
        return cls(number, directions, depth, near, picks_of(near))

    def only(self, go: Mask) -> None:
        """Let go of all other rays."""
        self.number, self.directions = self.number[go], self.directions[go]
        self.depth, self.near = self.depth[go], self.near[:, go]
        self.picks = picks_of(self.near)


def picks_of(near: Mask) -> list[Picks]:
    """Turn a mask [capsules, N] into indices for each capsule."""
    return [np.flatnonzero(row) for row in near]


def trace(field: Field, placement: Placement, camera: Camera) -> tuple[Window, Hits]:
    """Send a ray through every pixel that the hand can touch."""
    window = _window(field, placement, camera)
    to_hand = placement.rotation
    origin = (-np.asarray(placement.position) @ to_hand).astype(np.float32)
    view = _View(field, origin, camera.focal)
    directions = (_directions(window, camera) @ to_hand).astype(np.float32)
    start = _approach(view, directions, window).ravel()
    pixels = np.flatnonzero(np.isfinite(start))
    rays = directions.reshape(-1, 3)[pixels]
    near = window.near.reshape(len(window.near), -1)[:, pixels]
    depth, coverage = _arrive(view, rays, start[pixels], near)
    seen = np.flatnonzero(coverage > 0)
    points = origin + rays[seen] * depth[seen, None]
    hits = Hits(
        pixels[seen], points, rays[seen], depth[seen], coverage[seen], picks_of(near[:, seen])
    )
    return window, hits


def _window(field: Field, placement: Placement, camera: Camera) -> Window:
    ends = np.array([[capsule.a, capsule.b] for capsule in field.capsules])
    radii = np.array([max(capsule.radius_a, capsule.radius_b) for capsule in field.capsules])
    ends = placement.to_camera(ends.reshape(-1, 3))
    ends[:, 2] = np.maximum(ends[:, 2], _NEAREST)
    outline = camera.project(ends).reshape(-1, 2, 2)
    first = np.maximum(ends[:, 2].reshape(-1, 2).min(axis=1) - radii, _NEAREST)
    scale = camera.focal / first
    reach, skin = (radii + _REACH) * scale, (radii + _SWELL) * scale + 2.0
    size = (camera.width, camera.height)
    low = np.floor((outline.min(axis=1) - skin[:, None]).min(axis=0)).clip(0, size).astype(int)
    high = np.ceil((outline.max(axis=1) + skin[:, None]).max(axis=0)).clip(low, size).astype(int)
    (x, y), (width, height) = low, high - low
    start = np.full((height, width), np.inf, np.float32)
    near = np.zeros((len(radii), height, width), np.bool_)
    for i, (a, b) in enumerate(outline - low):
        box_low = (np.minimum(a, b) - reach[i]).clip(0, (width, height)).astype(int)
        box_high = (np.maximum(a, b) + reach[i] + 1).clip(0, (width, height)).astype(int)
        columns, rows = slice(box_low[0], box_high[0]), slice(box_low[1], box_high[1])
        gap = _segment_gap(a, b, columns, rows)
        near[i, rows, columns] = gap < reach[i]
        part = start[rows, columns]
        part[gap < skin[i]] = np.minimum(part[gap < skin[i]], first[i] - _SWELL)
    return Window(int(x), int(y), near, start)


def _segment_gap(a: Array, b: Array, columns: slice, rows: slice) -> Points:
    """Return how far the pixels of a box are from a line segment, in pixels."""
    x = np.arange(columns.start, columns.stop, dtype=np.float32) + np.float32(0.5 - a[0])
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + np.float32(0.5 - a[1])
    along_x, along_y = (np.float32(value) for value in b - a)
    square = max(along_x * along_x + along_y * along_y, np.float32(1e-6))
    share = ((x * along_x + y * along_y) / square).clip(0, 1)
    return np.asarray(np.hypot(x - share * along_x, y - share * along_y))


def _directions(window: Window, camera: Camera) -> Array:
    """[H, W, 3] through the middles of the pixels, camera frame, 1 long along z."""
    height, width = window.shape
    grid = np.ones((height, width, 3))
    grid[..., 0] = np.arange(width) + window.x + 0.5 - camera.width / 2
    grid[..., 1] = (np.arange(height) + window.y + 0.5 - camera.height / 2)[:, None]
    grid[..., :2] /= camera.focal
    return grid


def _approach(view: _View, directions: Points, window: Window) -> Points:
    """Return a later start [H, W]: a thick ray for each block stops where skin may be in it."""
    height, width = window.shape
    below, right = -height % _BLOCK, -width % _BLOCK
    padded = np.pad(window.start, ((0, below), (0, right)), constant_values=np.inf)
    shape = (padded.shape[0] // _BLOCK, padded.shape[1] // _BLOCK)
    depth = padded.reshape(shape[0], _BLOCK, shape[1], _BLOCK).min(axis=(1, 3)).ravel()
    rows = (np.arange(shape[0]) * _BLOCK + _BLOCK // 2).clip(0, max(height - 1, 0))[:, None]
    columns = (np.arange(shape[1]) * _BLOCK + _BLOCK // 2).clip(0, max(width - 1, 0))
    blocks = np.flatnonzero(np.isfinite(depth))
    near = window.near[:, rows, columns].reshape(len(window.near), -1)
    rays = _Rays.begin(
        blocks, directions[rows, columns].reshape(-1, 3)[blocks], depth[blocks], near[:, blocks]
    )
    limit = depth + _BEHIND
    stop = np.full(depth.size, np.inf, np.float32)
    thick = np.float32((0.75 * _BLOCK + 1) / view.focal)
    for _ in range(_STEPS):
        gap = view.gap(rays) - thick * rays.depth
        # Kept at every step: a ray that still grazes something after the last is not lost.
        stop[rays.number] = rays.depth
        ahead = np.asarray(rays.depth + gap * np.float32(0.95), np.float32)
        missed = ahead > limit[rays.number]
        stop[rays.number[missed]] = np.inf
        go = (gap > _THICK_ENOUGH) & ~missed
        if not go.any():
            break
        rays.depth = ahead
        rays.only(go)
    blocks_stop = stop.reshape(shape).repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)
    later = np.maximum(blocks_stop[:height, :width], window.start)
    return np.asarray(np.where(np.isfinite(window.start), later, np.inf), np.float32)


def _arrive(view: _View, directions: Points, start: Points, near: Mask) -> tuple[Points, Points]:
    """Walk each ray to the skin; return the depth of its closest place and the pixel's coverage."""
    count = len(start)
    coverage = np.zeros(count, np.float32)
    closest = np.full(count, np.inf, np.float32)
    depth: Points = start.copy()
    length = np.linalg.norm(directions, axis=1)
    limit = start + _BEHIND
    rays = _Rays.begin(np.arange(count), directions, start.copy(), near)
    for _ in range(_STEPS):
        if not len(rays.number):
            break
        pixel = rays.depth / np.float32(view.focal)
        # Half a pixel inwards: a ray that grazes the edge then covers half of its pixel.
        gap = view.gap(rays) + np.float32(0.5) * pixel
        left = (gap - _PRECISE).clip(0) / pixel
        closer = left < closest[rays.number]
        which = rays.number[closer]
        closest[which], depth[which] = left[closer], rays.depth[closer]
        coverage[which] = (1 - left[closer]).clip(0, 1)
        go = (gap > _PRECISE) & (rays.depth < limit[rays.number])
        step = np.maximum(gap, _SHORTEST) / length[rays.number]
        rays.depth = rays.depth + step
        rays.only(go)
    return depth, coverage

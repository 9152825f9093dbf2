"""The pictures that a model row's accuracy is measured on, cut once and kept on disk."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from edgehands import landmarks as landmark_maths
from edgehands import palm as palm_maths
from edgehands.benchmarks.bench.accuracy_kept import kept
from edgehands.benchmarks.bench.accuracy_samples import whole_samples
from edgehands.geometry import rotation
from edgehands.hand import Landmark, Roi
from edgehands.imaging import Cropper, Letterboxer
from edgehands.synthetic.background import BACKGROUNDS, background
from edgehands.synthetic.dataset import CAMERA, REPORTING_SEED
from edgehands.synthetic.sensor import Sensor, develop, to_linear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.hand import FloatArray, Handedness, ImageArray

HANDS = 64
"""Crops of hands."""
EMPTY = 32
"""Crops that show no hand, and as many whole pictures."""

_DOWN_THE_ARM = 0.85  # of a region's side: far enough for no landmark to be in it
_HALF_DIAGONAL = 0.72  # of a region's side, however it is turned, and a pixel over

PALM_POINTS = (
    Landmark.WRIST,
    Landmark.INDEX_MCP,
    Landmark.MIDDLE_MCP,
    Landmark.RING_MCP,
    Landmark.PINKY_MCP,
    Landmark.THUMB_CMC,
    Landmark.THUMB_MCP,
)
"""The landmarks that the palm detector's seven keypoints are, in its order."""


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A region and as much of its picture as any turned view of it shows."""

    patch: ImageArray
    """uint8 [h, w, 3] RGB."""
    roi: Roi
    """In pixels of the patch."""
    landmarks: FloatArray | None = None
    """[21, 2] pixels of the patch; None where no hand is."""
    handedness: Handedness | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Real-looking inputs of both models, and the truth about them."""

    hands: list[Crop]
    """Regions of one hand each."""
    empty: list[Crop]
    """Backgrounds, and forearms below a hand."""
    squares: ImageArray
    """uint8 [N, 192, 192, 3]: whole pictures, letterboxed; the last ones show no hand."""
    palms: list[FloatArray]
    """For each square the true palms' keypoints [n, 7, 2], in its pixels."""

    @property
    def inputs(self) -> ImageArray:
        """uint8 [N, 224, 224, 3]: what a landmark model that looks once gets to see."""
        crop = Cropper(landmark_maths.INPUT_SIDE)
        side = landmark_maths.INPUT_SIDE
        view = np.empty((side, side, 3), np.float32)
        inputs = np.empty((len(self.hands), side, side, 3), np.uint8)
        for place, hand in enumerate(self.hands):
            crop(hand.patch, hand.roi, view)
            inputs[place] = np.rint(view * 255)
        return inputs


def crops(seed: int = REPORTING_SEED, hands: int = HANDS, empty: int = EMPTY) -> Crops:
    """Return crops of a seed of the synthetic set; the first time draws for half a minute.

    Args:
        seed: of the synthetic set.
        hands: crops of hands.
        empty: crops, and whole pictures, that show no hand; of the crops half are forearms.
    """
    name = f"crops-{seed}-{hands}-{empty}.npz"
    return _unpack(kept(__file__, name, lambda: _pack(_cut(seed, hands, empty))))


def square_boxes(keypoints: FloatArray) -> FloatArray:
    """[n, 4] upright squares about palms' keypoints [n, 7, 2]: the box that palm AP compares.

    It is made from the keypoints on both sides, so no rule of how boxes were once drawn matters.
    """
    low, high = keypoints.min(axis=1), keypoints.max(axis=1)
    middle, half = (low + high) / 2, (high - low).max(axis=1, keepdims=True) / 2
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)


def _cut(seed: int, hands: int, empty: int) -> Crops:
    held: list[Crop] = []
    arms: list[Crop] = []
    squares: list[tuple[ImageArray, FloatArray]] = []
    for sample in whole_samples(seed, 10 * (hands + empty)):
        squares.append(_letterboxed(sample.image, [hand.landmarks for hand in sample.hands]))
        for hand in sample.hands:
            # Where tracking that is right would look.
            roi = landmark_maths.next_roi(hand.landmarks)
            held.append(_crop(sample.image, roi, hand.landmarks[:, :2], hand.handedness))
            arm = _down_the_arm(roi)
            if not any(_shows(arm, other.landmarks) for other in sample.hands):
                arms.append(_crop(sample.image, arm))
        if len(held) >= hands and len(arms) >= empty // 2:
            break
    rng = np.random.default_rng([seed, EMPTY])
    backdrops = list(_empty_pictures(rng, empty))
    walls = [
        _crop(backdrop, _anywhere(rng, hand.roi.size))
        for backdrop, hand in zip(backdrops[empty // 2 :], cycle(held), strict=False)
    ]
    squares += [_letterboxed(backdrop, []) for backdrop in backdrops]
    return Crops(
        held[:hands],
        [*walls, *arms[: empty // 2]],
        np.stack([square for square, _ in squares]),
        [palms for _, palms in squares],
    )


def _anywhere(rng: np.random.Generator, size: float) -> Roi:
    x, y = (float(each) for each in rng.uniform(0.3, 0.7, 2))
    return Roi(x * CAMERA.width, y * CAMERA.height, size, float(rng.uniform(-0.5, 0.5)))


def _empty_pictures(rng: np.random.Generator, count: int) -> Iterator[ImageArray]:
    kinds = list(BACKGROUNDS)
    for number in range(count):
        picture = background(kinds[number % len(kinds)], CAMERA.width, CAMERA.height, rng)
        yield develop(to_linear(picture), Sensor(), rng)


def _letterboxed(image: ImageArray, hands: list[FloatArray]) -> tuple[ImageArray, FloatArray]:
    side = palm_maths.INPUT_SIDE
    square = np.empty((side, side, 3), np.float32)
    bars = Letterboxer(side)(image, square)
    points = [hand[list(PALM_POINTS), :2] for hand in hands]
    keypoints = np.array(points, np.float32).reshape(-1, len(PALM_POINTS), 2)
    offset = np.array([bars.left, bars.top], np.float32)
    return np.rint(square * 255).astype(np.uint8), keypoints * np.float32(bars.scale) + offset


def _crop(
    image: ImageArray,
    roi: Roi,
    landmarks: FloatArray | None = None,
    handedness: Handedness | None = None,
) -> Crop:
    # The picture's own edge stays the patch's edge, so what repeats beyond it is the same.
    height, width = image.shape[:2]
    reach = _HALF_DIAGONAL * roi.size + 1
    x, y = max(0, int(roi.cx - reach)), max(0, int(roi.cy - reach))
    patch = image[y : min(height, int(roi.cy + reach) + 1), x : min(width, int(roi.cx + reach) + 1)]
    moved = Roi(roi.cx - x, roi.cy - y, roi.size, roi.angle)
    points = None if landmarks is None else landmarks - np.array([x, y], np.float32)
    return Crop(patch, moved, points, handedness)


def _down_the_arm(roi: Roi) -> Roi:
    step = np.array([0.0, _DOWN_THE_ARM * roi.size], np.float32) @ rotation(roi.angle)
    return Roi(roi.cx + float(step[0]), roi.cy + float(step[1]), roi.size, roi.angle)


def _shows(roi: Roi, landmarks: FloatArray) -> bool:
    """Whether the region is beside its picture, or a landmark is in it."""
    if not (0 <= roi.cx < CAMERA.width and 0 <= roi.cy < CAMERA.height):
        return True
    centre = np.array([roi.cx, roi.cy], np.float32)
    inside = np.abs((landmarks[:, :2] - centre) @ rotation(-roi.angle)) < roi.size / 2
    return bool(inside.all(axis=1).any())


def _pack(crops: Crops) -> bytes:
    every = [*crops.hands, *crops.empty]
    buffer = io.BytesIO()
    np.savez(
        buffer,
        pixels=np.concatenate([crop.patch.ravel() for crop in every]),
        shapes=np.array([crop.patch.shape for crop in every]),
        rois=np.array([(c.roi.cx, c.roi.cy, c.roi.size, c.roi.angle) for c in every]),
        landmarks=np.stack([c.landmarks for c in crops.hands if c.landmarks is not None]),
        left=np.array([crop.handedness == "left" for crop in crops.hands]),
        squares=crops.squares,
        palms=np.concatenate(crops.palms),
        palm_counts=np.array([len(palms) for palms in crops.palms]),
    )
    return buffer.getvalue()


def _unpack(blob: bytes) -> Crops:
    with np.load(io.BytesIO(blob)) as stored:
        data = {name: stored[name] for name in stored.files}
    shapes = data["shapes"]
    ends = np.cumsum(shapes.prod(axis=1))[:-1]
    patches = [
        pixels.reshape(shape)
        for pixels, shape in zip(np.split(data["pixels"], ends), shapes, strict=True)
    ]
    every = list(zip(patches, (Roi(*row) for row in data["rois"].tolist()), strict=True))
    return Crops(
        hands=[
            Crop(patch, roi, landmarks, "left" if is_left else "right")
            for (patch, roi), landmarks, is_left in zip(
                every, data["landmarks"], data["left"], strict=False
            )
        ],
        empty=[Crop(patch, roi) for patch, roi in every[len(data["left"]) :]],
        squares=data["squares"],
        palms=np.split(data["palms"], np.cumsum(data["palm_counts"])[:-1]),
    )

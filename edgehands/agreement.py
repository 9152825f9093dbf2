"""How near a backend's answers are to tflite's, on the same pictures of the shipped clip.

The pictures are cut once, by the reference, and every backend gets the same: what differs is the
backend's doing and nothing else's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands import landmarks as landmark_maths
from edgehands import palm as palm_maths
from edgehands.cameras import open_camera
from edgehands.hand import palm_size
from edgehands.imaging import Cropper, Letterboxer
from edgehands.models import store
from edgehands.selection import open_session
from edgehands.synthetic import DEMO_CLIP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.hand import FloatArray, ImageArray, Roi
    from edgehands.imaging import Letterbox
    from edgehands.inference import ModelFile
    from edgehands.landmarks import Measurement

    Outputs = tuple[FloatArray, ...]

REFERENCE = "tflite"
"""The backend that all others are compared with, in fp32 on the CPU."""

_MIN_SCORE = _MIN_PRESENCE = 0.5  # the pipeline's thresholds: below them nothing is reported
_UNDECIDED = 0.02  # a side as near as this to 0.5 says nothing


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What still counts as the same answer."""

    mean_px: float
    """Mean distance of landmarks, and of palm boxes' edges, in pixels of the clip."""
    max_px: float
    mean_share: float
    """Mean distance of landmarks as a share of palm size."""
    presence: float
    """Largest difference."""
    score_mean: float
    """Mean difference of the palm scores that the reference is sure of."""
    score_max: float
    """Largest difference of any palm score."""
    world_mm: float
    """Mean distance of world landmarks, millimetres."""
    handedness: float
    """Share of hands that must be given the same side."""


EXACT = Tolerance(
    mean_px=0.1,
    max_px=1.0,
    mean_share=0.002,
    presence=0.01,
    score_mean=0.01,
    score_max=0.01,
    world_mm=0.2,
    handedness=1.0,
)
"""For fp32: other sums in another order, nothing more."""
QUANTISED = Tolerance(
    mean_px=3.0,
    max_px=20.0,
    mean_share=0.03,
    presence=0.2,
    score_mean=0.15,
    score_max=1.0,
    world_mm=10.0,
    handedness=0.9,
)
"""For int8 and fp16, which cannot be exact; still the same hands.

Of int8 files that the gate lets pass, those for the Edge TPU are up to 7.9 mm off in world
landmarks (light and full are 8.8 mm apart), the others 3.7; palm scores up to 0.08 on average,
though one of a palm's many anchors may be off by 0.5. What was calibrated with a black picture or
with noise is off by 0.5 on average.
"""


def tolerance_for(precision: str) -> Tolerance:
    """Return what a session of that precision is held to."""
    return EXACT if precision == "fp32" else QUANTISED


@dataclass(frozen=True, slots=True)
class PalmAgreement:
    """How a palm model's answers differ from the reference's."""

    pictures: int
    mean_px: float
    """Edges of the boxes that the reference is sure of, pixels of the clip."""
    max_px: float
    score: float
    """Largest difference of any score."""
    mean_score: float
    """Mean difference of the scores that the reference is sure of."""

    def excesses(self, tolerance: Tolerance) -> list[str]:
        """Say what is beyond the tolerance."""
        return _excesses(
            ("palm boxes, mean px", self.mean_px, tolerance.mean_px),
            ("palm boxes, max px", self.max_px, tolerance.max_px),
            ("palm score, mean", self.mean_score, tolerance.score_mean),
            ("palm score, max", self.score, tolerance.score_max),
        )


@dataclass(frozen=True, slots=True)
class LandmarkAgreement:
    """How a landmark model's answers differ from the reference's."""

    pictures: int
    mean_px: float
    """Landmarks of present hands, pixels of the clip."""
    max_px: float
    mean_share: float
    """The same as shares of palm size."""
    max_share: float
    presence: float
    """Largest difference."""
    world_mm: float
    """Mean distance of world landmarks, millimetres."""
    handedness: float
    """Share of hands on the same side as the reference's."""

    def excesses(self, tolerance: Tolerance) -> list[str]:
        """Say what is beyond the tolerance."""
        return _excesses(
            ("landmarks, mean px", self.mean_px, tolerance.mean_px),
            ("landmarks, max px", self.max_px, tolerance.max_px),
            ("landmarks, mean share of palm size", self.mean_share, tolerance.mean_share),
            ("presence", self.presence, tolerance.presence),
            ("world landmarks, mean mm", self.world_mm, tolerance.world_mm),
            ("hands on the other side, share", 1 - self.handedness, 1 - tolerance.handedness),
        )


@dataclass(frozen=True, slots=True, eq=False)
class PalmReference:
    """Letterboxed frames and what the reference says of them."""

    model: ModelFile
    inputs: list[FloatArray]
    """[1, H, W, 3] each, as `Session.input`."""
    outputs: list[Outputs]
    bars: list[Letterbox]

    def compare(self, outputs: Sequence[Outputs]) -> PalmAgreement:
        """Compare what a backend says of the same inputs."""
        edges, scores, all_scores = [], [], []
        for (boxes, logits), (ours, our_logits), bars in zip(
            outputs, self.outputs, self.bars, strict=True
        ):
            theirs, known = map(palm_maths.probability, (logits[0], our_logits[0]))
            sure = known[:, 0] >= _MIN_SCORE
            scores.append(np.abs(theirs - known)[sure].ravel())
            all_scores.append(np.abs(theirs - known).max())
            anchors = palm_maths.anchors()[sure]
            one, two = (palm_maths.corners(each[0][sure], anchors) for each in (boxes, ours))
            edges.append(np.abs(one - two).ravel() / bars.scale)
        every = np.concatenate(edges)
        return PalmAgreement(
            pictures=len(self.inputs),
            mean_px=float(every.mean()),
            max_px=float(every.max()),
            score=float(np.max(all_scores)),
            mean_score=float(np.concatenate(scores).mean()),
        )


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkReference:
    """Crops of hands and what the reference says of them."""

    model: ModelFile
    inputs: list[FloatArray]
    """[1, H, W, 3] each, as `Session.input`."""
    outputs: list[Outputs]
    rois: list[Roi]

    def compare(self, outputs: Sequence[Outputs]) -> LandmarkAgreement:
        """Compare what a backend says of the same inputs."""
        theirs = [_decode(each, roi) for each, roi in zip(outputs, self.rois, strict=True)]
        ours = [_decode(each, roi) for each, roi in zip(self.outputs, self.rois, strict=True)]
        pairs = list(zip(theirs, ours, strict=True))
        present = [(their, our) for their, our in pairs if our.presence > _MIN_PRESENCE]
        apart = np.stack([_distances(their, our) for their, our in present])
        sizes = np.array([palm_size(our.landmarks) for _, our in present])
        shares = apart / sizes[:, np.newaxis]
        world = [
            np.linalg.norm(their.world_landmarks - our.world_landmarks, axis=1)
            for their, our in present
        ]
        sides = [
            (their.right > 0.5) == (our.right > 0.5)
            for their, our in present
            if abs(our.right - 0.5) > _UNDECIDED
        ]
        return LandmarkAgreement(
            pictures=len(present),
            mean_px=float(apart.mean()),
            max_px=float(apart.max()),
            mean_share=float(shares.mean()),
            max_share=float(shares.max()),
            presence=float(np.max([abs(their.presence - our.presence) for their, our in pairs])),
            world_mm=float(np.mean(world)) * 1000,
            handedness=float(np.mean(sides)) if sides else 1.0,
        )


Agreement = PalmAgreement | LandmarkAgreement


def references(
    model: str, folder: str | None = None, frames: int = 20
) -> tuple[PalmReference, LandmarkReference]:
    """Run the reference on frames spread over the shipped clip.

    Args:
        model: landmark model or ensemble; its palm model goes with it.
        folder: model folder; None searches the usual places.
        frames: how many at most.

    Raises:
        UsageError: no such model.
        ModelError: a model file is missing or altered.
        DeviceError: tflite does not work here.
    """
    landmarks, _, palm = store.whole_catalog(folder).resolve(model)
    palm_file, landmark_file = store.load(palm.id, folder), store.load(landmarks.id, folder)
    palms = PalmReference(palm_file, [], [], [])
    hands = LandmarkReference(landmark_file, [], [], [])
    letterbox, crop = Letterboxer(palm_maths.INPUT_SIDE), Cropper(landmark_maths.INPUT_SIDE)
    with (
        open_session(REFERENCE, palm_file) as palm_session,
        open_session(REFERENCE, landmark_file) as landmark_session,
    ):
        for image in _spread(frames):
            bars = letterbox(image, palm_session.input[0])
            palms.bars.append(bars)
            palms.inputs.append(palm_session.input.copy())
            palms.outputs.append(boxes_and_logits := _copied(palm_session.run()))
            boxes, logits = (output[0] for output in boxes_and_logits)
            for found in palm_maths.decode(boxes, logits, _MIN_SCORE):
                roi = palm_maths.palm_roi(palm_maths.unboxed(found, bars.to_image))
                crop(image, roi, landmark_session.input[0])
                hands.rois.append(roi)
                hands.inputs.append(landmark_session.input.copy())
                hands.outputs.append(_copied(landmark_session.run()))
    return palms, hands


def _spread(count: int) -> list[ImageArray]:
    """Return `count` frames of the shipped clip, evenly apart, all in which hands are seen."""
    with open_camera(f"file:{DEMO_CLIP}") as camera:
        length = camera.length or 1
        # From the middle of equal parts: the clip begins and ends without a hand.
        wanted = {int((index + 0.5) * length / count) for index in range(count)}
        return [frame.image for index, frame in enumerate(camera) if index in wanted]


def _copied(outputs: Outputs) -> Outputs:
    return tuple(output.copy() for output in outputs)


def _decode(outputs: Outputs, roi: Roi) -> Measurement:
    points, presence, right, world = (output[0] for output in outputs)
    return landmark_maths.decode(points, float(presence[0]), float(right[0]), world, roi)


def _distances(a: Measurement, b: Measurement) -> FloatArray:
    return np.asarray(np.linalg.norm(a.landmarks[:, :2] - b.landmarks[:, :2], axis=1), np.float32)


def _excesses(*measures: tuple[str, float, float]) -> list[str]:
    # Not "greater than": an accelerator may answer NaN, which is neither.
    return [
        f"{name} {value:.3g} > {limit:.3g}"
        for name, value, limit in measures
        if not value <= limit + 1e-9
    ]

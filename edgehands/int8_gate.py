"""The gate that every quantised model goes through: how much worse it may be than its original.

Both look at synthetic pictures, whose truth is known, and which no range was taken from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands import landmarks as landmark_maths
from edgehands import palm as palm_maths
from edgehands.imaging import Cropper, Letterboxer
from edgehands.selection import load_backend
from edgehands.synthetic.dataset import TUNING_SEED, accuracy_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edgehands.hand import FloatArray, ImageArray, Roi
    from edgehands.inference import ModelFile, Session
    from edgehands.synthetic.dataset import Sample

GATE_PICTURES = 64
"""Of the synthetic set."""

_INSIDE = 0.95
"""Share of a hand's points that must be in the picture for it to be asked for."""
_NEAR = 0.5
"""Of a hand's region: a palm's region that is centred within it is that hand's."""
_MIN_SCORE = _MIN_PRESENCE = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """By how much a quantised model may be worse than its original."""

    error: float
    """Rise of the mean landmark error, as a share of it."""
    deviation: float
    """Mean distance from the original's landmarks, palm sizes."""
    presence: float
    """Share of hands that must be present as before."""
    recall: float
    """Share of all hands that the palm model may miss beyond what it missed before."""
    false_palms: float
    """Palms beyond those before where no hand is, for each hand."""


MIXED_LIMITS = Limits(error=0.03, deviation=0.015, presence=0.97, recall=0.03, false_palms=0.03)
WHOLE_LIMITS = Limits(error=0.08, deviation=0.03, presence=0.95, recall=0.05, false_palms=0.05)
"""For an accelerator that knows nothing but int8."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate measured, in words, and what of it is beyond the limits."""

    figures: dict[str, float]
    summary: str
    faults: tuple[str, ...]


def judge(
    original: ModelFile,
    quantised: ModelFile,
    limits: Limits = MIXED_LIMITS,
    pictures: int = GATE_PICTURES,
    seed: int = TUNING_SEED,
) -> Judgement:
    """Compare a quantised model with its original on synthetic pictures, whose truth is known."""
    samples = accuracy_set(seed, pictures)
    with _opened(original) as before, _opened(quantised) as after:
        if original.role == "palm":
            return _judged_palms(samples, before, after, limits)
        return _judged_landmarks(samples, before, after, limits)


def _opened(model: ModelFile) -> Session:
    backend = load_backend("tflite")
    return backend.open_session(model, batch=1, device=None, threads=2, options={})


def _judged_landmarks(
    samples: Sequence[Sample], before: Session, after: Session, limits: Limits
) -> Judgement:
    figures = compare_landmarks(_asked(samples), before, after)
    error, new_error = figures["error_before"], figures["error_after"]
    deviation, presence = figures["deviation"], figures["presence_agreement"]
    rise = new_error / error - 1
    summary = (
        f"error {error:.2%} -> {new_error:.2%} of palm size ({rise:+.1%}), {deviation:.2%} off the "
        f"original's landmarks, presence as before on {presence:.0%} of {figures['hands']:.0f} "
        "hands"
    )
    faults = []
    if not rise <= limits.error:
        faults.append(f"mean landmark error {rise:+.1%}, allowed {limits.error:+.1%}")
    if not deviation <= limits.deviation:
        faults.append(f"landmarks off by {deviation:.1%}, allowed {limits.deviation:.1%}")
    if not presence >= limits.presence:
        faults.append(f"presence as before on {presence:.0%}, needed {limits.presence:.0%}")
    return Judgement(figures, summary, tuple(faults))


def compare_landmarks(
    hands: Iterable[tuple[ImageArray, FloatArray]], before: Session, after: Session
) -> dict[str, float]:
    """Measure hands whose true landmarks [21, 2 or 3] are known with two models, in palm sizes."""
    crop = Cropper(landmark_maths.INPUT_SIDE)
    distance = landmark_maths.distance_in_palms
    rows = []
    for image, truth in hands:
        roi = landmark_maths.next_roi(truth)  # where tracking that is right would look
        crop(image, roi, before.input[0])
        after.input[0] = before.input[0]
        one, two = (
            landmark_maths.decode(o[0][0], float(o[1][0, 0]), float(o[2][0, 0]), o[3][0], roi)
            for o in (before.run(), after.run())
        )
        rows.append(
            (
                distance(one.landmarks, truth),
                distance(two.landmarks, truth) if two.is_finite else np.inf,
                distance(two.landmarks, one.landmarks) if two.is_finite else np.inf,
                (one.presence > _MIN_PRESENCE) == (two.presence > _MIN_PRESENCE),
            )
        )
    means = np.array(rows).mean(axis=0).tolist()
    names = ("error_before", "error_after", "deviation", "presence_agreement")
    return {"hands": float(len(rows)), **dict(zip(names, means, strict=True))}


def _judged_palms(
    samples: Sequence[Sample], before: Session, after: Session, limits: Limits
) -> Judgement:
    figures = compare_palms(samples, before, after)
    hands = figures["hands"]
    recall = figures["recall_before"], figures["recall_after"]
    false = figures["false_before"], figures["false_after"]
    summary = (
        f"recall {recall[0]:.1%} -> {recall[1]:.1%}, false palms {false[0]:.0f} -> {false[1]:.0f}, "
        f"{hands:.0f} hands"
    )
    faults = []
    if not recall[1] >= recall[0] - limits.recall:
        faults.append(
            f"palm recall {recall[1]:.1%} instead of {recall[0]:.1%}, "
            f"allowed {limits.recall:.1%} less"
        )
    if not false[1] <= false[0] + limits.false_palms * hands:
        faults.append(
            f"{false[1]:.0f} false palms instead of {false[0]:.0f}, "
            f"allowed {limits.false_palms:.1%} of {hands:.0f} more"
        )
    return Judgement(figures, summary, tuple(faults))


def compare_palms(samples: Iterable[Sample], before: Session, after: Session) -> dict[str, float]:
    """Count the hands that two palm models find, and the palms that they see where none is."""
    letterbox = Letterboxer(palm_maths.INPUT_SIDE)
    hands, found, false = 0, [0, 0], [0, 0]
    for sample in samples:
        bars = letterbox(sample.image, before.input[0])
        after.input[0] = before.input[0]
        truths = [landmark_maths.next_roi(each) for _, each in _asked([sample])]
        hands += len(truths)
        for place, session in enumerate((before, after)):
            boxes, logits = session.run()
            palms = palm_maths.decode(boxes[0], logits[0], _MIN_SCORE)
            rois = [palm_maths.palm_roi(palm_maths.unboxed(palm, bars.to_image)) for palm in palms]
            for truth in truths:
                near = [roi for roi in rois if _is_of(roi, truth)]
                found[place] += bool(near)
                rois = [roi for roi in rois if roi not in near]
            if len(truths) == len(sample.hands):  # else one at the picture's edge is no mistake
                false[place] += len(rois)
    return {
        "hands": float(hands),
        "recall_before": found[0] / hands,
        "recall_after": found[1] / hands,
        "false_before": float(false[0]),
        "false_after": float(false[1]),
    }


def _asked(samples: Iterable[Sample]) -> Iterator[tuple[ImageArray, FloatArray]]:
    """Yield picture and true landmarks of each hand that is not cut off by the picture's edge."""
    for sample in samples:
        height, width = sample.image.shape[:2]
        for hand in sample.hands:
            if hand.inside(width, height) >= _INSIDE:
                yield sample.image, hand.landmarks


def _is_of(roi: Roi, truth: Roi) -> bool:
    return bool(np.hypot(roi.cx - truth.cx, roi.cy - truth.cy) < _NEAR * truth.size)

"""What a quantised model is made from and what it is held to: calibration pictures and the gate.

Calibration pictures are what the runtime itself would show to the models: whole frames in the palm
detector's square, and the regions of hands that the tracker cuts. They come from the synthetic set
and from the user's own clips. The gate compares with the original on other synthetic pictures,
whose truth is known, and refuses a file that lost too much.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgehands import landmarks as landmark_maths
from edgehands import palm as palm_maths
from edgehands.cameras import open_camera
from edgehands.errors import InputError, ModelError
from edgehands.imaging import Cropper, Letterboxer
from edgehands.models.convert.edgetpu import compile_together, find_compiler
from edgehands.models.convert.int8 import BEST, WHOLE, to_int8
from edgehands.models.derived import Built
from edgehands.selection import load_backend
from edgehands.settings import TrackerSettings
from edgehands.synthetic.dataset import TUNING_SEED, accuracy_set
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edgehands.hand import FloatArray, ImageArray, Roi
    from edgehands.inference import ModelFile, Session
    from edgehands.models.convert.int8 import Plan
    from edgehands.models.store import Folder
    from edgehands.synthetic.dataset import Sample

CALIBRATION_SEED = 52_361
"""Of the synthetic pictures that ranges are taken from; the gate's are others."""
PICTURES = 64
"""Of the synthetic set; they give about twice as many crops."""
GATE_PICTURES = 64

_EVERY = 8
"""Of a clip's frames, one in so many: neighbours show the same."""
_CLIP_FRAMES = 48
_INSIDE = 0.95
"""Share of a hand's points that must be in the picture for it to be asked for."""
_NEAR = 0.5
"""Of a hand's region: a palm's region that is centred within it is that hand's."""
_MIN_SCORE = _MIN_PRESENCE = 0.5


@dataclass(frozen=True, slots=True)
class Calibration:
    """Pictures in the form in which the models get them, RGB in 0..1."""

    crops: list[FloatArray]
    """float32 [224, 224, 3]: regions of hands, as detected and as tracked."""
    squares: list[FloatArray]
    """float32 [192, 192, 3]: whole pictures, letterboxed."""

    def of(self, model: ModelFile) -> list[FloatArray]:
        """Return those that `model` is for."""
        return self.squares if model.role == "palm" else self.crops


def calibration(
    clips: Sequence[str] = (), *, pictures: int = PICTURES, folder: Folder | None = None
) -> Calibration:
    """Collect calibration pictures from the synthetic set and from the user's clips.

    Args:
        clips: video files or folders of images, as `open_camera` takes them.
        pictures: how many of the synthetic set.
        folder: model folder; None searches the usual places.

    Raises:
        InputError: a clip cannot be read, or shows no hand.
        ModelError: the models that find the hands are missing.
    """
    found = Calibration([], [])
    settings = TrackerSettings(second_pass=True, models=str(folder) if folder else None)
    with HandTracker("full", "tflite", max_hands=4, static=True, settings=settings) as tracker:
        synthetic = accuracy_set(CALIBRATION_SEED, pictures)
        _collect((sample.image for sample in synthetic), tracker, found)
        for clip in clips:
            before = len(found.crops)
            _collect(_frames(clip), tracker, found)
            if len(found.crops) == before:
                raise InputError(f"{clip} shows no hand to calibrate with: leave it out")
    return found


def _frames(clip: str) -> Iterator[ImageArray]:
    """Yield frames from the beginning of a clip."""
    with open_camera(clip) as camera:
        for number, frame in enumerate(camera):
            if number >= _EVERY * _CLIP_FRAMES:
                return
            if number % _EVERY == 0:
                yield frame.image


def _collect(images: Iterable[ImageArray], tracker: HandTracker, into: Calibration) -> None:
    letterbox, crop = Letterboxer(palm_maths.INPUT_SIDE), Cropper(landmark_maths.INPUT_SIDE)
    for image in images:
        tracker.update(image)
        square = _blank(palm_maths.INPUT_SIDE)
        letterbox(image, square)
        into.squares.append(square)
        for roi in tracker.last.rois:
            region = _blank(landmark_maths.INPUT_SIDE)
            crop(image, roi, region)
            into.crops.append(region)


def _blank(side: int) -> FloatArray:
    return np.zeros((side, side, 3), np.float32)


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


def build_int8(
    model: ModelFile,
    pictures: Sequence[FloatArray] | None = None,
    *,
    plan: Plan = BEST,
    gate_pictures: int = GATE_PICTURES,
) -> Built:
    """Quantise a model and put it through the gate.

    Args:
        model: the original.
        pictures: what to calibrate with; None takes the synthetic set.
        plan: which parts stay float32.
        gate_pictures: how many pictures it is judged by.

    Raises:
        ModelError: it cannot be quantised, or has become too bad: the message has the figures.
        RuntimeMissingError: the quantiser is not installed.
    """
    if pictures is None:
        pictures = calibration().of(model)
    target = "edgetpu" if plan.whole else "int8"
    data = to_int8(model, pictures, plan)
    file = replace(
        model,
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        path=f"int8 of {model.path}",
    )
    judged = judge(model, file, WHOLE_LIMITS if plan.whole else MIXED_LIMITS, gate_pictures)
    if judged.faults:
        raise ModelError(
            f"the {target} file built from {model.id} ({model.path}) with {len(pictures)} "
            f"calibration pictures is refused: {'; '.join(judged.faults)} ({judged.summary})"
        )
    return Built(model.sha256, target, file, judged.figures, judged.summary)


def build_edgetpus(
    models: Sequence[ModelFile],
    pictures: Calibration | None = None,
    *,
    gate_pictures: int = GATE_PICTURES,
) -> list[Built]:
    """Quantise models from input to outputs, put each through the gate, and compile them together.

    The gate judges them before they are compiled: afterwards only an Edge TPU can run them.

    Raises:
        ModelError: as `build_int8` does, or the compiler refuses.
        RuntimeMissingError: the quantiser or the compiler is not installed.
    """
    find_compiler()  # before minutes are spent
    pictures = pictures or calibration()
    whole = [
        build_int8(model, pictures.of(model), plan=WHOLE, gate_pictures=gate_pictures)
        for model in models
    ]
    compiled = compile_together([built.file for built in whole])
    return [
        replace(
            built,
            file=replace(
                built.file, data=result.data, sha256=hashlib.sha256(result.data).hexdigest()
            ),
            summary=f"{built.summary}; {result.mapping}",
        )
        for built, result in zip(whole, compiled, strict=True)
    ]


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

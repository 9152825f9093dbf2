"""The accuracy beside each latency: how near one session's answers are to the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgehands import palm as palm_maths
from edgehands.benchmarks import metrics
from edgehands.benchmarks.bench.accuracy_crops import Crops, crops, square_boxes
from edgehands.models import store
from edgehands.stages import ModelLandmarkStage

if TYPE_CHECKING:
    from edgehands.inference import Session
    from edgehands.stages import LandmarkStage

__all__ = [
    "Accuracy",
    "Crops",
    "RocPoint",
    "crops",
    "landmark_accuracy",
    "measure",
    "palm_accuracy",
]

_THRESHOLDS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_MIN_SCORE = 0.05  # of a palm: low, so that the whole curve of precision over recall is seen


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """What a model row says beside its speed; None where the model has no such answer.

    Distances are two-dimensional, in palm sizes (wrist to middle MCP) of the true hand. The regions
    are those of the true landmarks, as a tracker that is right would cut them. A model whose
    answers are no numbers has an infinite error, which is None here, and a PCK of 0.
    """

    pictures: int
    """Crops of hands, or whole pictures for a palm model; those without a hand come on top."""
    mse: float | None = None
    """Mean of squared distances over 21 landmarks and all hands, squared palm sizes; × 100 is the
    per cent of tables."""
    mean_error: float | None = None
    """Mean distance, palm sizes."""
    pck: float | None = None
    """Share of landmarks within 0.2 palm sizes of the truth (PCK@0.2)."""
    handedness: float | None = None
    """Share of hands given the right side."""
    presence_auc: float | None = None
    """How often a hand's presence is above that of a region without one: the area under ROC."""
    ap: float | None = None
    """Average precision of palms, a share: found at an IoU of 0.5 or more of the upright squares
    about the seven keypoints."""


class RocPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a threshold on presence does."""

    threshold: float
    found: float
    """Share of regions with a hand whose presence is above it."""
    false: float
    """Share of regions without one likewise."""


def measure(session: Session, model: str, crops: Crops, folder: str | None = None) -> Accuracy:
    """Run the crops through an opened session and compare with the truth.

    Args:
        session: of the model's file, on any backend; an ensemble's may have one place in its batch
            for each view, or one for all.
        model: id of a landmark model, an ensemble or a palm model.
        crops: as `crops()` returns them.
        folder: model folder, for models of the user's own; None searches the usual places.

    Raises:
        UsageError: no model has that id.
    """
    catalog = store.whole_catalog(folder)
    if any(each.id == model and each.role == "palm" for each in catalog.models):
        return palm_accuracy(session, crops)
    _, views, _ = catalog.resolve(model)
    return landmark_accuracy(ModelLandmarkStage(session, views), crops)[0]


def landmark_accuracy(stage: LandmarkStage, crops: Crops) -> tuple[Accuracy, list[RocPoint]]:
    """Measure a landmark stage on the regions of hands, and on those without."""
    found = [stage.measure(crop.patch, [crop.roi])[0] for crop in crops.hands]
    apart = np.stack(
        [
            metrics.distances(each.landmarks, crop.landmarks)
            for each, crop in zip(found, crops.hands, strict=True)
            if crop.landmarks is not None
        ]
    )
    sides = [
        (each.right >= 0.5) == (crop.handedness == "right")
        for each, crop in zip(found, crops.hands, strict=True)
    ]
    present = np.array([each.presence for each in found])
    absent = np.array([stage.measure(crop.patch, [crop.roi])[0].presence for crop in crops.empty])
    accuracy = Accuracy(
        pictures=len(crops.hands),
        mse=_number(float(np.mean(np.square(apart, dtype=np.float64)))),
        mean_error=_number(float(np.mean(apart, dtype=np.float64))),
        pck=float(np.mean(apart <= metrics.PCK_WITHIN)),
        handedness=float(np.mean(sides)),
        presence_auc=metrics.roc_auc(present, absent),
    )
    roc = [
        RocPoint(
            threshold=threshold,
            found=float(np.mean(present > threshold)),
            false=float(np.mean(absent > threshold)),
        )
        for threshold in _THRESHOLDS
    ]
    return accuracy, roc


def palm_accuracy(session: Session, crops: Crops) -> Accuracy:
    """Measure a palm model on whole pictures."""
    detections = []
    for square, truth in zip(crops.squares, crops.palms, strict=True):
        np.multiply(square, np.float32(1 / 255), out=session.input[0], casting="unsafe")
        boxes, logits = session.run()
        palms = palm_maths.decode(boxes[0], logits[0], _MIN_SCORE)
        keypoints = np.array([palm.keypoints for palm in palms], np.float32).reshape(-1, 7, 2)
        scores = np.array([palm.score for palm in palms], np.float32)
        detections.append(metrics.Detections(square_boxes(keypoints), scores, square_boxes(truth)))
    return Accuracy(
        pictures=sum(len(truth) > 0 for truth in crops.palms),
        ap=metrics.average_precision(detections),
    )


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None

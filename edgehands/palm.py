"""Palm detector outputs → palms: anchors, decoding, weighted non-maximum suppression.

Constants from MediaPipe's modules/palm_detection/palm_detection_cpu.pbtxt.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edgehands.geometry import iou, rotated_square, upright_angle
from edgehands.hand import FloatArray, Palm, Roi

if TYPE_CHECKING:
    from collections.abc import Callable

INPUT_SIDE = 192
"""Side of the detector's square input, pixels; also the unit of its regressions."""

MIN_SUPPRESSION_IOU = 0.3
"""Candidates that overlap the best by more are the same palm."""

_MAX_LOGIT = 80.0  # MediaPipe clips at 100, but exp(100) is beyond float32
_STRIDES = (8, 16, 16, 16)
_ANCHORS_PER_LAYER = 2  # aspect ratio 1.0 and the interpolated scale's 1.0
_KEYPOINTS = slice(4, 18)
_WRIST, _MIDDLE_MCP = 0, 2
_ROI_SHIFT_Y = -0.5  # palm_detection_detection_to_roi.pbtxt
_ROI_SCALE = 2.6


@lru_cache(maxsize=1)
def anchors() -> FloatArray:
    """[2016, 2] anchor centres in input pixels: 24×24 cells with 2, then 12×12 cells with 6.

    Layers of one stride share their cells (ssd_anchors_calculator.cc); order y, x, anchor.
    """
    layers = []
    for stride in sorted(set(_STRIDES)):
        cells = INPUT_SIDE // stride
        centers = (np.arange(cells, dtype=np.float32) + 0.5) * stride
        grid = np.stack(np.meshgrid(centers, centers), axis=-1).reshape(-1, 2)
        layers.append(np.repeat(grid, _ANCHORS_PER_LAYER * _STRIDES.count(stride), axis=0))
    return np.concatenate(layers)


def decode(boxes: FloatArray, logits: FloatArray, min_score: float) -> list[Palm]:
    """Turn the detector's two outputs into palms, the surest first.

    Args:
        boxes: [2016, 18] centre x, y, width, height, then 7 keypoints, relative to the anchors.
        logits: [2016, 1].
        min_score: candidates below are dropped.

    Returns:
        Palms in pixels of the detector's input square.
    """
    scores = probability(logits[:, 0])
    kept = np.flatnonzero(scores >= min_score)
    if not kept.size:
        return []
    values = boxes[kept]
    sound = np.isfinite(values).all(axis=1) & (values[:, 2:4] >= 0).all(axis=1)
    values, kept = values[sound], kept[sound]
    centers = anchors()[kept]
    keypoints = values[:, _KEYPOINTS].reshape(-1, 7, 2) + centers[:, None]
    return _weighted_nms(corners(values, centers), keypoints, scores[kept])


def probability(logits: FloatArray) -> FloatArray:
    """Turn the detector's logits into scores."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -_MAX_LOGIT, _MAX_LOGIT))), np.float32)


def corners(boxes: FloatArray, centers: FloatArray) -> FloatArray:
    """[n, 4] left, top, right and bottom of [n, 18] `boxes`, whose anchors are at `centers`."""
    middle, half = boxes[:, :2] + centers, boxes[:, 2:4] / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def unboxed(palm: Palm, to_image: Callable[[FloatArray], FloatArray]) -> Palm:
    """Bring a palm from the detector's square to the image by `to_image` ([..., 2] → same)."""
    x0, y0, x1, y1 = to_image(np.array(palm.box, np.float32).reshape(2, 2)).reshape(4).tolist()
    return Palm((x0, y0, x1, y1), to_image(palm.keypoints), palm.score)


def palm_roi(palm: Palm) -> Roi:
    """Region of the whole hand for a palm, in the palm's own frame of reference."""
    x0, y0, x1, y1 = palm.box
    return rotated_square(
        np.array([(x0 + x1) / 2, (y0 + y1) / 2], np.float32),
        x1 - x0,
        y1 - y0,
        upright_angle(palm.keypoints[_WRIST], palm.keypoints[_MIDDLE_MCP]),
        shift_y=_ROI_SHIFT_Y,
        scale=_ROI_SCALE,
    )


def _weighted_nms(corners: FloatArray, keypoints: FloatArray, scores: FloatArray) -> list[Palm]:
    """Group candidates around the best one and average each group by score.

    The group's score is its best member's (non_max_suppression_calculator.cc, WEIGHTED).
    """
    palms = []
    left = np.argsort(-scores, kind="stable")
    while left.size:
        best = left[0]
        same = iou(corners[best], corners[left]) > MIN_SUPPRESSION_IOU
        same[0] = True  # a box of no area overlaps nothing, not even itself
        group = left[same]
        weights = scores[group] / scores[group].sum()
        box = weights @ corners[group]
        palms.append(
            Palm(
                box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
                keypoints=np.einsum("n,nkc->kc", weights, keypoints[group]),
                score=float(scores[best]),
            )
        )
        left = left[~same]
    return palms

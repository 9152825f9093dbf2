"""What is known for certain about drawn hands, and the truth beside the demo clip."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from edgehands.errors import InputError
from edgehands.synthetic import DEMO_TRUTH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgehands.hand import FloatArray, Handedness


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """One hand of a picture, in the conventions of `edgehands.hand.Hand`."""

    landmarks: FloatArray
    """[21, 3]: x and y in image pixels, (0, 0) at the outer corner of the first pixel; z in pixels
    of the same scale, 0 at the wrist, negative nearer to the camera."""
    world_landmarks: FloatArray
    """[21, 3] metres, in the image's axes (x right, y down, z away), the origin at their mean."""
    handedness: Handedness
    gesture: str
    """A key of `pose.GESTURES`, or "" on the way between two."""

    def inside(self, width: int, height: int) -> float:
        """Return which share of the landmarks lies in a picture of this size."""
        x, y = self.landmarks[:, 0], self.landmarks[:, 1]
        return float(np.mean((x >= 0) & (x < width) & (y >= 0) & (y < height)))


@dataclass(frozen=True, slots=True, eq=False)
class ClipTruth:
    """What a clip shows, frame by frame."""

    fps: float
    width: int
    height: int
    frames: tuple[tuple[Truth, ...], ...]
    """For each frame the hands of which at least one landmark is in the picture. Landmarks are
    kept to a 16th of a pixel, world landmarks to 10 µm."""


def load_clip_truth(path: Path = DEMO_TRUTH) -> ClipTruth:
    """Read the ground truth that lies beside the demo clip.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        return unpack_clip_truth(path.read_bytes())
    except (OSError, ValueError, KeyError, BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path}: no readable ground truth: make it with python -m edgehands.synthetic.clip"
        ) from error


def unpack_clip_truth(blob: bytes) -> ClipTruth:
    """Read what `pack_clip_truth` wrote."""
    with np.load(io.BytesIO(blob)) as stored:
        data = {name: stored[name] for name in stored.files}
    names = [str(name) for name in data["gestures"]]
    frames: list[list[Truth]] = [[] for _ in range(int(data["count"]))]
    for i, frame in enumerate(data["frame"]):
        frames[frame].append(
            Truth(
                data["landmarks"][i].astype(np.float32) / np.float32(16),
                data["world"][i].astype(np.float32) / np.float32(1e5),
                "left" if data["left"][i] else "right",
                names[data["gesture"][i]],
            )
        )
    width, height = (int(side) for side in data["size"])
    return ClipTruth(float(data["fps"]), width, height, tuple(map(tuple, frames)))


def pack_clip_truth(
    frames: Sequence[Sequence[Truth]], fps: float, width: int, height: int
) -> bytes:
    """Write a clip's truth as a compact npz; the same truth gives the same bytes."""
    hands = [(number, hand) for number, frame in enumerate(frames) for hand in frame]
    names = sorted({hand.gesture for _, hand in hands})
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        fps=np.float64(fps),
        size=np.array([width, height], np.int32),
        count=np.int32(len(frames)),
        frame=np.array([number for number, _ in hands], np.int32),
        landmarks=np.array([np.rint(hand.landmarks * 16) for _, hand in hands], np.int16),
        world=np.array([np.rint(hand.world_landmarks * 1e5) for _, hand in hands], np.int16),
        left=np.array([hand.handedness == "left" for _, hand in hands]),
        gesture=np.array([names.index(hand.gesture) for _, hand in hands], np.uint8),
        gestures=np.array(names),
    )
    return buffer.getvalue()

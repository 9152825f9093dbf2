"""How small a hand may be: clips scaled down into a large picture, with and without tiles.

`python -m edgehands.benchmarks.far_hands CLIP…` prints a table and keeps it in
benchmarks/results/far_hands.json; without a clip it takes the shipped one.
"""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from edgehands.cameras import open_camera
from edgehands.hand import palm_size
from edgehands.settings import TrackerSettings
from edgehands.synthetic import DEMO_CLIP
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.hand import ImageArray

RESULTS = Path(__file__).parent / "results" / "far_hands.json"

_WIDTH, _HEIGHT = 1280, 720
_FRAMES = 75
_PALM_SHARES = (0.08, 0.04, 0.03, 0.02, 0.015)
"""Palm sizes to try, of the picture's width."""
_TILES = (1, 2, 3)


def main(clips: Sequence[str]) -> None:
    """Measure, print, keep."""
    rows = [row for clip in clips or [str(DEMO_CLIP)] for row in measure(clip)]
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")
    print(
        "| clip | palm, px of 1280 | tiles | first hand, frame | frames with a hand | ms a frame |"
    )
    print("|---|---|---|---|---|---|")
    for row in rows:
        first = "never" if row["first"] is None else row["first"]
        print(
            f"| {row['clip']} | {row['palm_px']:.0f} | {row['tiles']} | {first} | "
            f"{row['found']:.0%} | {row['ms']:.1f} |"
        )


def measure(clip: str) -> list[dict[str, Any]]:
    """Play a clip at each size with each number of tiles."""
    with open_camera(clip) as camera:
        frames = [frame.image for frame in islice(camera, _FRAMES)]
    palm = _palm_size(frames)
    rows = []
    for share in _PALM_SHARES:
        scale = share * _WIDTH / palm
        pictures = [_far(image, scale) for image in frames]
        for tiles in _TILES:
            row = _play(pictures, tiles)
            rows.append({"clip": Path(clip).name, "palm_px": share * _WIDTH, **row})
    return rows


def _palm_size(frames: Sequence[ImageArray]) -> float:
    with HandTracker(backend="tflite", max_hands=1) as tracker:
        hands = [tracker.update(image, number / 25) for number, image in enumerate(frames)]
    return fmean(palm_size(hand.landmarks) for found in hands for hand in found)


def _far(image: ImageArray, scale: float) -> ImageArray:
    """Put a scaled-down picture off the middle of a large one of its mean colour."""
    import cv2

    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = small[:_HEIGHT, :_WIDTH]
    far = np.empty((_HEIGHT, _WIDTH, 3), np.uint8)
    far[:] = image.mean(axis=(0, 1))
    top, left = (_HEIGHT - len(small)) // 4, (_WIDTH - small.shape[1]) * 3 // 4
    far[top : top + len(small), left : left + small.shape[1]] = small
    return far


def _play(pictures: Sequence[ImageArray], tiles: int) -> dict[str, Any]:
    settings = TrackerSettings(search_tiles=tiles)
    first, found, ms = None, 0, 0.0
    with HandTracker(backend="tflite", max_hands=1, settings=settings) as tracker:
        for number, image in enumerate(pictures):
            hands = tracker.update(image, number / 25)
            ms += sum(tracker.last.stage_ms.values())
            found += bool(hands)
            if hands and first is None:
                first = number
    share = found / len(pictures)
    return {"tiles": tiles, "first": first, "found": share, "ms": ms / len(pictures)}


if __name__ == "__main__":
    main(sys.argv[1:])

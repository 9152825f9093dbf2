"""Landmarks of every frame as JSON lines: no picture, only where the hands were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgehands.outputs import Output
from edgehands.outputs.files import TextFile

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.hand import FloatArray, Hand
    from edgehands.outputs import Result


class LandmarksOutput(Output):
    """One line a frame: `frame`, `time`, `hands`; each hand as in `edgehands.hand.Hand`."""

    def __init__(self, path: Path) -> None:
        self._file = TextFile(path)
        self._frame = 0

    def result(self, result: Result) -> None:
        """Write one line."""
        line = {
            "frame": self._frame,
            "time": round(result.frame.time, 4),
            "hands": [_as_json(hand) for hand in result.hands],
        }
        self._file.write_line(msgspec.json.encode(line).decode())
        self._frame += 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _as_json(hand: Hand) -> dict[str, object]:
    return {
        "id": hand.id,
        "handedness": hand.handedness,
        "handedness_score": round(hand.handedness_score, 4),
        "presence": round(hand.presence, 4),
        "landmarks": _rounded(hand.landmarks, 2),  # a hundredth of a pixel
        "world_landmarks": _rounded(hand.world_landmarks, 5),  # a hundredth of a millimetre
    }


def _rounded(points: FloatArray, digits: int) -> list[list[float]]:
    return [[round(value, digits) for value in point] for point in points.tolist()]

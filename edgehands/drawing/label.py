"""What stands below a hand: its id, its side, its gesture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from edgehands.drawing.strokes import LEFT, OUTLINE, PAPER, RIGHT
from edgehands.hand import Landmark

if TYPE_CHECKING:
    from edgehands.hand import Hand, ImageArray

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SIDES = {"left": LEFT, "right": RIGHT}


def draw_label(image: ImageArray, hand: Hand, gesture: str | None) -> None:
    """Write into `image` (uint8 [H, W, 3] RGB), inside its edges."""
    text = f"{hand.id} {hand.handedness}" + (f"  {gesture.replace('_', ' ')}" if gesture else "")
    size = max(0.5, image.shape[0] / 850)
    (width, height), below = cv2.getTextSize(text, _FONT, size, 1)
    pad = max(3, height // 2)
    x0, _, x1, y1 = hand.box
    wrist_y = float(hand.landmarks[Landmark.WRIST, 1])
    left = _between((x0 + x1 - width) / 2, pad, image.shape[1] - width - pad)
    base = _between(max(y1, wrist_y) + height + 3 * pad, height + pad, image.shape[0] - below - pad)
    cv2.rectangle(
        image,
        (left - pad, base - height - pad),
        (left + width + pad, base + below + pad // 2),
        OUTLINE,
        -1,
    )
    shade = _SIDES[hand.handedness] if gesture else PAPER
    cv2.putText(image, text, (left, base), _FONT, size, shade, 1, cv2.LINE_AA)


def _between(value: float, low: int, high: int) -> int:
    return max(low, min(round(value), high))

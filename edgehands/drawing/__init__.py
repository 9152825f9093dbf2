"""Hands drawn into a picture, in one of four styles.

========  ==============================================================================
depth     on the picture; the nearer a point, the lighter and larger (the paper's figure 1)
fingers   on the picture; a colour for each finger
neon      light on the darkened picture, as in the paper's figure 7
privacy   no picture: the hands alone, on dark paper
========  ==============================================================================

The figures are those of "MediaPipe Hands" (arXiv:2006.10214). Importing this loads no OpenCV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, get_args

from edgehands.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgehands.hand import Hand, ImageArray

Style = Literal["depth", "fingers", "neon", "privacy"]
STYLES: tuple[str, ...] = get_args(Style)


def draw_hands(
    image: ImageArray,
    hands: Sequence[Hand],
    gestures: Mapping[int, str] | None = None,
    style: Style = "depth",
) -> ImageArray:
    """Return a copy of `image` (uint8 [H, W, 3] RGB) with the hands on it.

    Args:
        image: the frame; it is not changed.
        hands: in its pixels.
        gestures: what to write beside a hand, by its id.
        style: how; with "privacy" nothing of the frame but its size is used.

    Raises:
        UsageError: no such style.
    """
    from edgehands.drawing import neon, paper, skeleton
    from edgehands.drawing.label import draw_label

    checked_style(style)
    if style == "neon":
        drawn = neon.draw(image, hands)
    else:
        drawn = paper.like(image) if style == "privacy" else image.copy()
        colours = skeleton.by_finger if style == "fingers" else skeleton.by_side
        for hand in hands:
            skeleton.draw(drawn, hand, colours)
    for hand in hands:  # on top of every skeleton
        draw_label(drawn, hand, (gestures or {}).get(hand.id))
    return drawn


def checked_style(style: str) -> Style:
    """Return `style` if it is one.

    Raises:
        UsageError: it is not.
    """
    if style not in STYLES:
        hint = did_you_mean(style, STYLES)
        raise UsageError(f"no style {style!r}: {hint}choose {', '.join(STYLES)}")
    return cast("Style", style)

"""What the pipeline is shown: short clips, drawn before anything is timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from edgehands.synthetic.stream import SyntheticStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.hand import ImageArray
    from edgehands.synthetic.truth import Truth

FPS = 30
"""Of the clips' own time; it sets how often the cadence of the detector comes round."""

State: TypeAlias = Literal["empty", "searching", "one hand", "two hands", "live"]


@dataclass(frozen=True, slots=True)
class Scene:
    """A part of the synthetic show, and how many hands the tracker looks for in it."""

    state: State
    start: float
    """Seconds into the show."""
    seconds: float
    hands: int
    """In view, all the time."""
    max_hands: int


SCENES: tuple[Scene, ...] = (
    Scene("empty", 17.1, 1.0, hands=0, max_hands=2),
    Scene("searching", 2.2, 1.0, hands=1, max_hands=2),
    Scene("one hand", 2.2, 1.0, hands=1, max_hands=1),
    Scene("two hands", 22.4, 1.0, hands=2, max_hands=2),
)
"""The states that cost differently: nobody there; one hand of two, the other looked for now and
then; every hand followed, so that nothing is looked for."""

LIVE = Scene("live", 2.4, 2.0, hands=1, max_hands=2)
"""A hand that closes and opens, so that gestures begin and end."""


class Clip:
    """Pictures that are shown forwards, backwards, forwards …, so that no hand ever jumps.

    Args:
        images: at least two, uint8 [H, W, 3] RGB.
        truths: the hands in each.
    """

    def __init__(self, images: Sequence[ImageArray], truths: Sequence[Sequence[Truth]]) -> None:
        self.images = images
        self.truths = truths

    def frame_at(self, time: float) -> tuple[ImageArray, Sequence[Truth]]:
        """Return the picture at a time in seconds, and the hands in it."""
        index = round(time * FPS) % (2 * len(self.images) - 2)
        place = min(index, 2 * len(self.images) - 2 - index)
        return self.images[place], self.truths[place]


def draw_clip(scene: Scene, width: int = 640, height: int = 480) -> Clip:
    """Draw a scene; the first time on a machine its sprites are drawn too, half a minute."""
    stream = SyntheticStream(width, height)
    count = round(scene.seconds * FPS)
    frames = [stream.frame_at(scene.start + number / FPS) for number in range(count)]
    return Clip([image for image, _ in frames], [truths for _, truths in frames])

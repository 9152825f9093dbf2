"""What a learned gesture is not: drawn hands in every pose of the vocabulary, and on the way."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgehands.gestures.learned.shapes import SIZE, hand_shape
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.scenes import static_scene
from edgehands.synthetic.gesturing.shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgehands.gestures.learned.shapes import Shape
    from edgehands.hand import FloatArray, Hand

_SEED = 7_000  # neither one that numbers are looked for with, nor one that they are told of
_SCENES = 10
_HELD = 4  # hands of each scene while the pose is held, and as many from the rest of it


class Negatives(NamedTuple):
    """Shapes that are something else."""

    names: tuple[str, ...]
    """What each is: a gesture of the vocabulary, or "" for none."""
    points: FloatArray
    """[N, 63]"""
    attitudes: FloatArray
    """[N, 3, 3]"""

    @classmethod
    def of(cls, named: Iterable[tuple[str, Shape]]) -> Negatives:
        """Collect shapes, maybe none."""
        collected = list(named)
        return cls(
            tuple(name for name, _ in collected),
            np.array([shape.points for _, shape in collected], np.float32).reshape(-1, SIZE),
            np.array([shape.attitude for _, shape in collected], np.float32).reshape(-1, 3, 3),
        )

    def joined(self, more: Negatives) -> Negatives:
        """Return these and others."""
        return Negatives(
            self.names + more.names,
            np.concatenate([self.points, more.points]),
            np.concatenate([self.attitudes, more.attitudes]),
        )

    def where(self, mask: FloatArray) -> Negatives:
        """Return those of a mask [N]."""
        names = tuple(name for name, kept in zip(self.names, mask, strict=True) if kept)
        return Negatives(names, self.points[mask], self.attitudes[mask])


@cache
def drawn_negatives() -> Negatives:
    """Return the negatives that come with EdgeHands: hands as the Full model would measure them."""
    rng = np.random.default_rng(_SEED)
    named = []
    for gesture in SHAPES:
        for number in range(_SCENES):
            scene = static_scene(gesture, _SEED, number, fps=10.0)
            begin, end = scene.shown
            held: list[Hand] = []
            other: list[Hand] = []
            for time, hands in observe(scene, rng):
                (held if begin <= time <= end else other).extend(hands)
            for name, hands in ((gesture, held), ("", other)):
                picked = rng.permutation(len(hands))[:_HELD]
                named += [(name, hand_shape(hands[index])) for index in picked]
    return Negatives.of(named)

"""What is kept of a learned gesture: examples of it, and of what it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np

if TYPE_CHECKING:
    from edgehands.hand import FloatArray

GRAIN = 1000
"""Numbers are kept as whole thousandths: of a palm size, or of 1."""

Numbers: TypeAlias = tuple[int, ...]


class _Gesture(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What both kinds have."""

    name: str
    within: float
    """Palm sizes: the largest distance to an example that still counts."""
    takes: int
    """How many clips, pictures or recordings the examples are from."""
    version: int = 1


class LearnedPose(_Gesture, frozen=True, kw_only=True, tag="pose"):
    """A static gesture."""

    examples: tuple[Numbers, ...]
    """Shapes, [63] each, as `shapes.hand_shape` has them."""
    others: tuple[Numbers, ...] = ()
    """Shapes that come near and are something else."""
    attitudes: tuple[Numbers, ...] = ()
    """How each example's hand is turned, [9]; empty if the gesture may be turned as one likes."""


class LearnedMotion(_Gesture, frozen=True, kw_only=True, tag="motion"):
    """A dynamic gesture."""

    examples: tuple[Numbers, ...]
    """Ways, [STEPS × WIDTH] each, as `ways.Way` has them."""
    seconds: tuple[float, ...]
    """How long each took."""
    others: tuple[Numbers, ...] = ()
    """Ways that come near and are something else."""


Learned: TypeAlias = LearnedPose | LearnedMotion


def kept(values: FloatArray) -> Numbers:
    """Turn an array into what is kept."""
    return tuple(int(value) for value in np.rint(values.ravel() * GRAIN))


def arrays(numbers: tuple[Numbers, ...], *shape: int) -> FloatArray:
    """Turn what was kept into one array, float32 [count, *shape].

    Raises:
        ValueError: it has not that shape.
    """
    array = np.array(numbers, np.float32).reshape(len(numbers), *shape) / np.float32(GRAIN)
    return np.asarray(array, np.float32)

"""Landmarks as messages: mediapipe/framework/formats/landmark.proto."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from edgehands.compat.mediapipe.framework.formats.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.compat.mediapipe.framework.formats.message import Repeated


class Landmark(Message):
    """A point in metres."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    visibility: float = 0.0
    presence: float = 0.0


class LandmarkList(Message):
    """The points of a hand, in metres from its centre."""

    _repeated: ClassVar[Mapping[str, type[Message]]] = {"landmark": Landmark}
    landmark: Repeated[Landmark]


class NormalizedLandmark(Message):
    """A point as shares of the picture's width (x and z) and height (y)."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    visibility: float = 0.0
    presence: float = 0.0


class NormalizedLandmarkList(Message):
    """The points of a hand in the picture."""

    _repeated: ClassVar[Mapping[str, type[Message]]] = {"landmark": NormalizedLandmark}
    landmark: Repeated[NormalizedLandmark]

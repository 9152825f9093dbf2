"""Classes with scores as messages: mediapipe/framework/formats/classification.proto."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from edgehands.compat.mediapipe.framework.formats.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.compat.mediapipe.framework.formats.message import Repeated


class Classification(Message):
    """One class."""

    index: int = 0
    score: float = 0.0
    label: str = ""
    display_name: str = ""


class ClassificationList(Message):
    """The classes of one thing, the surest first."""

    _repeated: ClassVar[Mapping[str, type[Message]]] = {"classification": Classification}
    classification: Repeated[Classification]

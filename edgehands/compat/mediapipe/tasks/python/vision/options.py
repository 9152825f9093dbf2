"""What the hand landmarker takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgehands.compat.mediapipe.tasks.python.components.containers.category import Category
from edgehands.compat.mediapipe.tasks.python.components.containers.landmark import (
    Landmark,
    NormalizedLandmark,
)
from edgehands.compat.mediapipe.tasks.python.core.base_options import BaseOptions
from edgehands.compat.mediapipe.tasks.python.vision.core.image import Image
from edgehands.compat.mediapipe.tasks.python.vision.core.vision_task_running_mode import (
    VisionTaskRunningMode,
)
from edgehands.errors import UsageError

if TYPE_CHECKING:
    from edgehands.compat.mediapipe.tasks.python.vision.upright import Upright
    from edgehands.hand import Hand


@dataclass
class Connection:
    """A bone: the landmarks at its ends."""

    start: int
    end: int


@dataclass
class HandLandmarkerResult:
    """The hands of one picture; three lists of the same length."""

    handedness: list[list[Category]]
    hand_landmarks: list[list[NormalizedLandmark]]
    hand_world_landmarks: list[list[Landmark]]

    @classmethod
    def of(
        cls, hands: Sequence[Hand], width: int, height: int, upright: Upright
    ) -> HandLandmarkerResult:
        """Return the hands of a picture of that size, which was turned for the tracker."""
        shares = [upright.shares(hand.landmarks, width, height).tolist() for hand in hands]
        world = [upright.turned_back(hand.world_landmarks).tolist() for hand in hands]
        return cls(
            [[_category(hand)] for hand in hands],
            [[NormalizedLandmark(*point) for point in points] for points in shares],
            [[Landmark(*point) for point in points] for points in world],
        )


ResultCallback = Callable[[HandLandmarkerResult, Image, int], None]


@dataclass
class HandLandmarkerOptions:
    """How to look for hands."""

    base_options: BaseOptions = field(default_factory=BaseOptions)
    running_mode: VisionTaskRunningMode = VisionTaskRunningMode.IMAGE
    num_hands: int = 1
    min_hand_detection_confidence: float = 0.5
    """A palm that scores less is not followed up."""
    min_hand_presence_confidence: float = 0.5
    """A hand is lost when its presence is below this."""
    min_tracking_confidence: float = 0.5
    """A new palm whose region overlaps a followed hand by more is that hand."""
    result_callback: ResultCallback | None = None
    """For a live stream: called with result, image and time in milliseconds, in another thread."""

    @property
    def wants_gpu(self) -> bool:
        """Whether the GPU delegate was asked for."""
        return self.base_options.delegate is BaseOptions.Delegate.GPU

    def check(self) -> None:
        """Refuse a callback that does not go with the running mode.

        Raises:
            ValueError: saying so.
        """
        live = self.running_mode is VisionTaskRunningMode.LIVE_STREAM
        if live and self.result_callback is None:
            raise UsageError(
                "The vision task is in live stream mode, a user-defined result callback must be "
                "provided."
            )
        if not live and self.result_callback is not None:
            raise UsageError(
                "The vision task is in image or video mode, a user-defined result callback should "
                "not be provided."
            )


def _category(hand: Hand) -> Category:
    """Index 0 is "Right" (the label map of Tasks since 0.10.x)."""
    right = hand.handedness == "right"
    name = "Right" if right else "Left"
    return Category(int(not right), hand.handedness_score, name, name)

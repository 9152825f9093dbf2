"""`mp.solutions.hands`, as MediaPipe 0.10.21 had it and later releases have not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgehands.closing import Closing
from edgehands.compat.mediapipe.framework.formats.classification_pb2 import (
    Classification,
    ClassificationList,
)
from edgehands.compat.mediapipe.framework.formats.landmark_pb2 import (
    Landmark,
    LandmarkList,
    NormalizedLandmark,
    NormalizedLandmarkList,
)
from edgehands.compat.mediapipe.landmark_names import HandLandmark
from edgehands.compat.mediapipe.points import normalized
from edgehands.compat.mediapipe.solutions.hands_connections import HAND_CONNECTIONS
from edgehands.errors import UsageError
from edgehands.settings import TrackerSettings
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from edgehands.hand import Hand, ImageArray

__all__ = ["HAND_CONNECTIONS", "HandLandmark", "Hands", "SolutionOutputs"]

_MODELS = {0: "light", 1: "full"}
_FRAME_SECONDS = 1 / 30
"""MediaPipe's legacy API takes every stream for one of 30 frames a second (solution_base.py)."""


class SolutionOutputs(NamedTuple):
    """What was found in an image; each field is None when there is no hand."""

    multi_hand_landmarks: list[NormalizedLandmarkList] | None
    multi_hand_world_landmarks: list[LandmarkList] | None
    multi_handedness: list[ClassificationList] | None


class Hands(Closing):
    """Finds hands in RGB images and follows them from one to the next.

    Handedness is that of a mirrored image, as from a selfie camera; flip others first, or read it
    the other way round.

    Args:
        static_image_mode: the images have nothing to do with one another.
        max_num_hands: how many to find at most.
        model_complexity: 0 is EdgeHands' light model, 1 is full.
        min_detection_confidence: a palm that scores less is not followed up, 0 to 1.
        min_tracking_confidence: a hand is lost when its presence is below this, 0 to 1.

    Raises:
        ValueError: a number out of range.
        EdgeHandsError: a model or runtime is missing; the message says what to type.
    """

    def __init__(
        self,
        static_image_mode: bool = False,
        max_num_hands: int = 2,
        model_complexity: int = 1,
        min_detection_confidence: float = 0.5,
        min_tracking_confidence: float = 0.5,
    ) -> None:
        if model_complexity not in _MODELS:
            raise UsageError(f"model_complexity is {model_complexity}: it must be 0 or 1")
        self._static = bool(static_image_mode)
        self._max_hands = max_num_hands
        self._model = _MODELS[model_complexity]
        self._settings = TrackerSettings(
            min_palm_score=float(min_detection_confidence),
            min_presence=float(min_tracking_confidence),
        )
        self._tracker = self._open()
        self._frames = 0

    def process(self, image: ImageArray) -> SolutionOutputs:
        """Take the next image, uint8 [H, W, 3] RGB, and return the hands in it.

        Raises:
            ValueError: not such an image, or this was closed.
        """
        if image.ndim != 3 or image.shape[2] != 3:
            raise UsageError("Input image must contain three channel rgb data.")
        self._frames += 1
        hands = self._tracker.update(image, self._frames * _FRAME_SECONDS)
        if not hands:
            return SolutionOutputs(None, None, None)
        height, width = image.shape[:2]
        return SolutionOutputs(
            [_landmarks(hand, width, height) for hand in hands],
            [_world_landmarks(hand) for hand in hands],
            [_handedness(hand) for hand in hands],
        )

    def reset(self) -> None:
        """Forget every hand that was followed."""
        self._tracker.close()
        self._tracker = self._open()

    def close(self) -> None:
        """Free the models. Safe to call twice."""
        self._tracker.close()

    def _open(self) -> HandTracker:
        return HandTracker(
            self._model,
            max_hands=self._max_hands,
            mirrored=True,
            smoothing=False,  # MediaPipe's desktop graph has none
            static=self._static,
            settings=self._settings,
        )


def _landmarks(hand: Hand, width: int, height: int) -> NormalizedLandmarkList:
    points = normalized(hand, width, height)
    return NormalizedLandmarkList(
        landmark=[NormalizedLandmark(x=x, y=y, z=z) for x, y, z in points]
    )


def _world_landmarks(hand: Hand) -> LandmarkList:
    points = hand.world_landmarks.tolist()
    return LandmarkList(landmark=[Landmark(x=x, y=y, z=z) for x, y, z in points])


def _handedness(hand: Hand) -> ClassificationList:
    """Index 0 is "Left" (hand_landmark_cpu.pbtxt's label map)."""
    right = hand.handedness == "right"
    label = "Right" if right else "Left"
    classification = Classification(index=int(right), score=hand.handedness_score, label=label)
    return ClassificationList(classification=[classification])

"""`mp.tasks.vision.HandLandmarker`, as MediaPipe 1.2.2 has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.closing import Closing
from edgehands.compat.mediapipe.landmark_names import PALM, Bones, HandLandmark, finger_bones
from edgehands.compat.mediapipe.tasks.python.core.base_options import BaseOptions
from edgehands.compat.mediapipe.tasks.python.vision.core.vision_task_running_mode import (
    VisionTaskRunningMode,
)
from edgehands.compat.mediapipe.tasks.python.vision.live import Live
from edgehands.compat.mediapipe.tasks.python.vision.options import (
    Connection,
    HandLandmarkerOptions,
    HandLandmarkerResult,
)
from edgehands.compat.mediapipe.tasks.python.vision.upright import Upright
from edgehands.errors import UsageError
from edgehands.settings import TrackerSettings
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from typing_extensions import Self

    from edgehands.compat.mediapipe.tasks.python.vision.core.image import Image
    from edgehands.compat.mediapipe.tasks.python.vision.core.image_processing_options import (
        ImageProcessingOptions,
    )

__all__ = [
    "HandLandmark",
    "HandLandmarker",
    "HandLandmarkerOptions",
    "HandLandmarkerResult",
    "HandLandmarksConnections",
]

_MODES = VisionTaskRunningMode


def _connections(bones: Bones) -> list[Connection]:
    return [Connection(start, end) for start, end in bones]


class HandLandmarksConnections:
    """The bones of a hand."""

    Connection = Connection

    HAND_PALM_CONNECTIONS = _connections(PALM)
    HAND_THUMB_CONNECTIONS = _connections(finger_bones("thumb"))
    HAND_INDEX_FINGER_CONNECTIONS = _connections(finger_bones("index"))
    HAND_MIDDLE_FINGER_CONNECTIONS = _connections(finger_bones("middle"))
    HAND_RING_FINGER_CONNECTIONS = _connections(finger_bones("ring"))
    HAND_PINKY_FINGER_CONNECTIONS = _connections(finger_bones("pinky"))
    HAND_CONNECTIONS = (
        HAND_PALM_CONNECTIONS
        + HAND_THUMB_CONNECTIONS
        + HAND_INDEX_FINGER_CONNECTIONS
        + HAND_MIDDLE_FINGER_CONNECTIONS
        + HAND_RING_FINGER_CONNECTIONS
        + HAND_PINKY_FINGER_CONNECTIONS
    )


class HandLandmarker(Closing):
    """Finds hands in pictures, in the frames of a video, or in a live stream.

    Handedness is the person's, in pictures that are not mirrored.
    """

    def __init__(self, options: HandLandmarkerOptions) -> None:
        self._mode = options.running_mode
        self._tracker = HandTracker(
            "full",
            "litert-gpu" if options.wants_gpu else "auto",
            max_hands=options.num_hands,
            smoothing=False,  # as MediaPipe
            static=self._mode is _MODES.IMAGE,
            settings=TrackerSettings(
                min_palm_score=float(options.min_hand_detection_confidence),
                min_presence=float(options.min_hand_presence_confidence),
                association_iou=float(options.min_tracking_confidence),
            ),
        )
        self._last_ms: int | None = None
        self._live: Live | None = None
        if options.result_callback is not None:
            self._live = Live(self._find, options.result_callback)

    @classmethod
    def create_from_model_path(cls, model_path: str) -> Self:
        """Make one for single pictures; the path is not read."""
        return cls.create_from_options(
            HandLandmarkerOptions(base_options=BaseOptions(model_asset_path=model_path))
        )

    @classmethod
    def create_from_options(cls, options: HandLandmarkerOptions) -> Self:
        """Make one.

        Raises:
            ValueError: a live stream without a callback, a callback without one, or a number out
                of range.
            EdgeHandsError: a model or runtime is missing; the message says what to type.
        """
        options.check()
        return cls(options)

    def detect(
        self, image: Image, image_processing_options: ImageProcessingOptions | None = None
    ) -> HandLandmarkerResult:
        """Find hands in a picture.

        Raises:
            ValueError: it was made for another running mode.
        """
        self._require(_MODES.IMAGE)
        return self._find(image, None, Upright.of(image_processing_options))

    def detect_for_video(
        self,
        image: Image,
        timestamp_ms: int,
        image_processing_options: ImageProcessingOptions | None = None,
    ) -> HandLandmarkerResult:
        """Find hands in the next frame of a video; its time must rise.

        Raises:
            ValueError: another running mode, or a time that does not rise.
        """
        self._require(_MODES.VIDEO)
        return self._find(image, self._risen(timestamp_ms), Upright.of(image_processing_options))

    def detect_async(
        self,
        image: Image,
        timestamp_ms: int,
        image_processing_options: ImageProcessingOptions | None = None,
    ) -> None:
        """Give the next frame of a live stream; the callback gets what is in it.

        A frame that comes before the last one is done replaces the one that waits.

        Raises:
            ValueError: another running mode, a time that does not rise, or this was closed.
        """
        self._require(_MODES.LIVE_STREAM)
        upright = Upright.of(image_processing_options)
        if self._live is not None:
            self._live.give(image, self._risen(timestamp_ms), upright)

    def close(self) -> None:
        """Finish the frame under way and free the models. Safe to call twice.

        Raises:
            Exception: what the callback raised for a live stream's last frames.
        """
        try:
            if self._live is not None:
                self._live.close()
        finally:
            self._tracker.close()

    def _require(self, mode: VisionTaskRunningMode) -> None:
        if self._mode is not mode:
            names = {
                _MODES.IMAGE: "image",
                _MODES.VIDEO: "video",
                _MODES.LIVE_STREAM: "live stream",
            }
            raise UsageError(
                f"Task is not initialized with the {names[mode]} mode. "
                f"Current running mode: {self._mode.name}"
            )

    def _risen(self, timestamp_ms: int) -> int:
        if self._last_ms is not None and timestamp_ms <= self._last_ms:
            raise UsageError(
                f"Input timestamp must be monotonically increasing: {timestamp_ms} ms came after "
                f"{self._last_ms} ms"
            )
        self._last_ms = timestamp_ms
        return timestamp_ms

    def _find(
        self, image: Image, timestamp_ms: int | None, upright: Upright
    ) -> HandLandmarkerResult:
        time = None if timestamp_ms is None else timestamp_ms / 1000
        hands = self._tracker.update(upright.turned(image.rgb()), time)
        return HandLandmarkerResult.of(hands, image.width, image.height, upright)

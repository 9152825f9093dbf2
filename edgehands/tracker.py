"""The tracker: which hands there are from frame to frame, running the detector only when due."""

from __future__ import annotations

import math
from contextlib import ExitStack
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from edgehands.closing import Closing
from edgehands.detection import EveryFrame, SearchCadence
from edgehands.errors import UsageError
from edgehands.geometry import iou, roi_box
from edgehands.hand import Hand
from edgehands.imaging import Sampler
from edgehands.landmarks import is_duplicate, next_roi
from edgehands.palm import palm_roi
from edgehands.report import FrameReport
from edgehands.search import Search
from edgehands.settings import TrackerSettings, checked
from edgehands.smoothing import OneEuroSmoother
from edgehands.stages import LandmarkStage, PalmStage, open_stages
from edgehands.stillness import Stillness
from edgehands.tracks import LostTracks, Track, told_apart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgehands.detection import DetectionPolicy
    from edgehands.hand import FloatArray, ImageArray, Roi
    from edgehands.landmarks import Measurement
    from edgehands.smoothing import Smoother

_FIRST = float("-inf")


class StageTracker(Closing):
    """Follows hands with the stages it is given; `HandTracker` is this with the real models.

    Args:
        palm_stage: finds palms.
        landmark_stage: measures hands in regions.
        smoother: steadies landmarks; None leaves them as measured.
        policy: when to detect; None is `SearchCadence`.
        max_hands: how many hands to report at most.
        mirrored: the images are mirrored, as in a selfie; sides are swapped back.
        static: each image stands alone: detect in every one, keep nothing.
        settings: thresholds.

    It owns the stages: closing the tracker closes them.
    """

    def __init__(
        self,
        palm_stage: PalmStage,
        landmark_stage: LandmarkStage,
        smoother: Smoother | None = None,
        policy: DetectionPolicy | None = None,
        *,
        max_hands: int = 2,
        mirrored: bool = False,
        static: bool = False,
        settings: TrackerSettings | None = None,
    ) -> None:
        self._palm_stage = palm_stage
        self._landmark_stage = landmark_stage
        self._smoother = None if static else smoother
        self._max_hands = max_hands
        self._mirrored = mirrored
        self._static = static
        self._settings = settings or TrackerSettings()
        self._policy = policy or (
            EveryFrame() if static else SearchCadence(max_hands, self._settings)
        )
        self._search = Search()
        self._sample = Sampler()
        # Who wants no smoothing wants each frame as it was measured.
        self._still_frames = self._settings.still_frames if self._smoother else 0
        self._tracks: list[Track] = []
        self._lost = LostTracks(self._settings.id_memory)
        self._ids = count(1)
        self._frames = 0
        self._detections = 0
        self._closed = False
        self.last = FrameReport(time=_FIRST)
        """What was done in the last frame."""

    def update(self, image: ImageArray, time: float | None = None) -> list[Hand]:
        """Take the next image and return the hands in it, the longest tracked first.

        Args:
            image: uint8 [H, W, 3] RGB.
            time: seconds, not falling; may be left out in static mode.

        Raises:
            UsageError: not such an image, no time, a time before the last one, or a closed tracker.
        """
        if self._closed:
            raise UsageError("this tracker is closed: make another one")
        image = _checked_image(image)
        report = FrameReport(time=self._checked_time(time))
        self._frames += 1
        if self._static:
            self._tracks = []
        self._follow(image, report)
        self._lost.expire(report.time)  # those too that a gap between frames has lost just now
        self._join(image, report)
        self._find(image, report)
        report.duty_cycle = self._detections / self._frames
        hands = self._hands(report)
        self.last = report
        return hands

    def adjust(self, settings: TrackerSettings, *, mirrored: bool, smoothing: bool) -> None:
        """Change what may change between two frames; hands keep their ids.

        Args:
            settings: of these, `min_presence` and the smoothing count from now on.
            mirrored: the images are mirrored.
            smoothing: steady the landmarks; in static mode there is nothing to steady.
        """
        before, self._settings, self._mirrored = self._settings, settings, mirrored
        smooth = smoothing and not self._static
        if smooth and (self._smoother is None or _cutoffs(settings) != _cutoffs(before)):
            self._smoother = OneEuroSmoother(*_cutoffs(settings))
        elif not smooth:
            self._smoother = None
        self._still_frames = settings.still_frames if self._smoother else 0

    def close(self) -> None:
        """Free the models. Safe to call twice."""
        if not self._closed:
            self._closed = True
            with ExitStack() as closing:  # each, whatever the one before does
                closing.callback(self._landmark_stage.close)
                closing.callback(self._palm_stage.close)
                closing.callback(self._search.close)

    def _checked_time(self, time: float | None) -> float:
        last = self.last.time
        if time is None:
            if not self._static:
                raise UsageError("update() needs the image's time in seconds, or static=True")
            return 0.0
        if not math.isfinite(time):
            raise UsageError(f"time {time} is no time: it must be seconds")
        if not self._static and time < last:
            raise UsageError(f"time {time} is before the last image's {last}: it must not fall")
        return time

    def _follow(self, image: ImageArray, report: FrameReport) -> None:
        """Measure every tracked hand where it was; keep those still present."""
        if not self._tracks:
            return
        tracks = self._tracks
        still = [track for track in tracks if self._is_still(track, image)]
        moved = [track for track in tracks if track not in still]
        rois = [next_roi(track.measurement.landmarks) for track in moved]
        measured = zip(moved, self._measure(image, rois, report), strict=True)
        present = [pair for pair in measured if self._is_hand(pair[1])]
        present += [(track, track.measurement) for track in still]
        kept, hidden = told_apart(present, report.time)
        self._tracks = [track for track in tracks if track in kept]
        for track in tracks:
            if track not in kept:
                self._lose(track, hidden.get(track))
        for track, measurement in kept.items():
            if track in still:
                track.rest(report.time)
            else:
                track.follow(measurement, report.time)
                self._look(track, image)
        report.still = len(still)

    def _is_still(self, track: Track, image: ImageArray) -> bool:
        """Say whether the last measurement may stand for another frame."""
        if track.still is None or track.still.frames >= self._still_frames:
            return False
        return track.still.holds(self._sample(image, track.measurement.roi))

    def _look(self, track: Track, image: ImageArray) -> None:
        """Remember how a region looks that was just measured."""
        if self._still_frames:
            track.still = Stillness(self._sample(image, track.measurement.roi))

    def _join(self, image: ImageArray, report: FrameReport) -> None:
        """Take up the search that the last frame began."""
        if not self._search.is_running:
            return
        with report.timed("search"):
            report.palms = self._search.join()
        self._start(image, report)

    def _find(self, image: ImageArray, report: FrameReport) -> None:
        """Detect if due: at once with no hand left, else off this frame's path."""
        report.detection = self._policy.due(report.time, len(self._tracks), image)
        if report.detection is None:
            return
        self._detections += 1
        with report.timed("palm"):
            detect = self._palm_stage.prepare(image)
            if self._tracks:
                self._search.begin(detect)
                return
            report.palms = detect()
        self._policy.noticed(report.time, self._palm_stage.best_score)
        self._start(image, report)

    def _start(self, image: ImageArray, report: FrameReport) -> None:
        """Start a track for each hand that was found and is not yet tracked."""
        for roi in self._untracked(palm_roi(palm) for palm in report.palms):
            if len(self._tracks) >= self._max_hands:
                return
            (measurement,) = self._measure(image, [roi], report)
            if self._static and self._settings.second_pass and measurement.is_finite:
                (measurement,) = self._measure(image, [next_roi(measurement.landmarks)], report)
            if self._is_hand(measurement) and not self._is_tracked(measurement):
                self._tracks.append(self._track(measurement, report.time))

    def _track(self, measurement: Measurement, time: float) -> Track:
        """Return the hand that was lost a moment ago, or a new one."""
        claim = self._lost.claim(measurement, time, self._tracks)
        if claim is None:
            return Track(next(self._ids), measurement, time)
        for hand in claim.disturbed:
            self._forget(hand)
        return claim.track

    def _measure(
        self, image: ImageArray, rois: Sequence[Roi], report: FrameReport
    ) -> list[Measurement]:
        if not rois:
            return []
        with report.timed("landmarks"):
            measurements = self._landmark_stage.measure(image, rois)
        report.rois.extend(rois)
        report.presences.extend(measurement.presence for measurement in measurements)
        return measurements

    def _untracked(self, rois: Iterable[Roi]) -> list[Roi]:
        """Drop the regions that overlap a tracked hand's."""
        tracked = [roi_box(next_roi(track.measurement.landmarks)) for track in self._tracks]
        if not tracked:
            return list(rois)
        boxes = np.array(tracked)
        limit = self._settings.association_iou
        return [roi for roi in rois if not (iou(roi_box(roi), boxes) > limit).any()]

    def _is_hand(self, measurement: Measurement) -> bool:
        return measurement.presence > self._settings.min_presence and measurement.is_finite

    def _is_tracked(self, measurement: Measurement) -> bool:
        return any(
            is_duplicate(measurement.landmarks, track.measurement.landmarks)
            for track in self._tracks
        )

    def _lose(self, track: Track, other: Track | None) -> None:
        self._lost.add(track, other)
        self._forget(track.id)

    def _forget(self, hand: int) -> None:
        if self._smoother is not None:
            self._smoother.forget(hand)

    def _hands(self, report: FrameReport) -> list[Hand]:
        return [self._hand(track, report) for track in self._tracks]

    def _hand(self, track: Track, report: FrameReport) -> Hand:
        measurement = track.measurement
        points, world = measurement.landmarks, measurement.world_landmarks
        if self._smoother is not None:
            with report.timed("smoothing"):
                points, world = self._smoother.smooth(track.id, report.time, points, world)
        side, score = track.handedness(mirrored=self._mirrored)
        return Hand(
            id=track.id,
            landmarks=_read_only(points),
            world_landmarks=_read_only(world),
            presence=measurement.presence,
            handedness=side,
            handedness_score=score,
            roi=measurement.roi,
        )


class HandTracker(StageTracker):
    """Follows hands through a stream of images, or finds them in single ones.

    Args:
        model: landmark model: "light", "full" or "heavy".
        backend: name of the runtime, or "auto".
        max_hands: how many hands to report at most.
        mirrored: the images are mirrored, as in a selfie; sides are swapped back.
        smoothing: steady the landmarks (video only).
        static: each image stands alone: detect in every one, keep nothing.
        threads: for each model; None picks by the cores of the machine.
        settings: every other number, see `TrackerSettings`.

    Raises:
        UsageError: an unknown name or a number out of range.
        ModelError: a model file is missing or altered.
        DeviceError: the backend does not work here.
    """

    def __init__(
        self,
        model: str = "full",
        backend: str = "auto",
        max_hands: int = 2,
        mirrored: bool = False,
        smoothing: bool = True,
        static: bool = False,
        threads: int | None = None,
        settings: TrackerSettings | None = None,
    ) -> None:
        settings = checked(settings or TrackerSettings())
        for name, value in (("max_hands", max_hands), ("threads", threads)):
            if value is not None and value < 1:
                raise UsageError(f"{name} is {value}: it must be 1 or more")
        palm_stage, landmark_stage = open_stages(model, backend, threads, settings, static=static)
        self._description = landmark_stage.session.describe()
        smoother = None
        if smoothing and not static:
            smoother = OneEuroSmoother(*_cutoffs(settings))
        super().__init__(
            palm_stage,
            landmark_stage,
            smoother,
            max_hands=max_hands,
            mirrored=mirrored,
            static=static,
            settings=settings,
        )

    def describe(self) -> str:
        """Say what the landmark model runs on, in words."""
        return str(self._description)


def _cutoffs(settings: TrackerSettings) -> tuple[float, float]:
    return settings.smoothing_min_cutoff, settings.smoothing_beta


def _read_only(array: FloatArray) -> FloatArray:
    """Guard what the next region and the filter start from against a caller's writing."""
    view = array.view()
    view.flags.writeable = False
    return view


def _checked_image(image: ImageArray) -> ImageArray:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise UsageError(f"the image is {kind}: it must be a numpy array of uint8, RGB")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise UsageError(f"the image has shape {image.shape}: it must be [height, width, 3], RGB")
    return np.ascontiguousarray(image)  # OpenCV cannot read a view with negative strides

"""The long form of the accuracy, on drawn hands whose truth is exact.

Far and near hands, hands in front of hands, four at once, the jitter of a still hand, sides, palms
and presences: one model on one backend.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgehands.benchmarks.bench import accuracy_scenes as scenes
from edgehands.benchmarks.bench.accuracy import (
    Accuracy,
    RocPoint,
    crops,
    landmark_accuracy,
    palm_accuracy,
)
from edgehands.benchmarks.bench.accuracy_crops import EMPTY, HANDS
from edgehands.benchmarks.bench.accuracy_jitter import Jitter, jitter
from edgehands.benchmarks.bench.accuracy_samples import whole_pictures
from edgehands.benchmarks.bench.accuracy_whole import WholeAccuracy, judge
from edgehands.benchmarks.metrics import distances
from edgehands.hand import palm_size
from edgehands.landmarks import next_roi
from edgehands.models import store
from edgehands.settings import TrackerSettings
from edgehands.stages import open_stages
from edgehands.synthetic.dataset import REPORTING_SEED
from edgehands.tracker import StageTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from edgehands.benchmarks.metrics import Picture
    from edgehands.stages import LandmarkStage, ModelLandmarkStage, ModelPalmStage


class SizeRow(msgspec.Struct, frozen=True, kw_only=True):
    """Hands of one size."""

    palm_px: float
    """Mean palm size, pixels of a picture 960 × 540."""
    whole: WholeAccuracy
    """Found by the palm detector, then measured."""
    region_error: float
    """Mean error, palm sizes, where the region is known: that of a hand followed since it was
    nearer."""


class GapRow(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of hands, one in front of the other."""

    gap: float
    """Palm sizes between their middles."""
    whole: WholeAccuracy


class Extended(msgspec.Struct, frozen=True, kw_only=True):
    """All there is to say of a model on a backend."""

    model: str
    runs_on: str
    palm_model: str
    whole: WholeAccuracy
    """On the random set: one or two hands."""
    landmarks: Accuracy
    """Of the landmark model alone, as in the rows of latencies."""
    palms: Accuracy
    """Of the palm model alone."""
    roc: list[RocPoint]
    """Of presence."""
    sizes: list[SizeRow]
    gaps: list[GapRow]
    four: WholeAccuracy
    """Four hands in a picture, all looked for."""
    jitter: Jitter


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """How many pictures of each kind."""

    samples: int = 240
    """Of the random set."""
    hands: int = HANDS
    empty: int = EMPTY
    """Crops, see `accuracy_crops.crops`."""
    sizes: Sequence[float] = scenes.SIZES
    gaps: Sequence[float] = scenes.GAPS
    each: int = 8
    """For every size and every gap, and of four hands."""
    still_hands: int = 6
    still_frames: int = 45


WHOLE = Amount()
"""What is published: about a minute for a model, and one more when the pictures are drawn first."""


def extended(
    model: str = "full",
    backend: str = "auto",
    threads: int | None = None,
    settings: TrackerSettings | None = None,
    amount: Amount = WHOLE,
    watch: Callable[[str], None] | None = None,
) -> Extended:
    """Measure everything of one model on one backend.

    Args:
        model: landmark model or ensemble; its palm model goes with it.
        backend: name of the runtime, or "auto".
        threads: for each model; None picks by the cores of the machine.
        settings: of the tracker.
        amount: how many pictures.
        watch: told what comes next.

    Raises:
        UsageError: an unknown name.
        ModelError: a model file is missing or altered.
        DeviceError: the backend does not work here.
    """
    settings = settings or TrackerSettings()
    say = watch or (lambda _: None)
    stages = open_stages(model, backend, threads, settings)
    with ExitStack() as opened:
        for stage in stages:
            opened.callback(stage.close)
        return _Measurer(stages, settings, amount, say).measure(model)


class _Measurer:
    """Measures one kind of picture after the other with the same stages."""

    def __init__(
        self,
        stages: tuple[ModelPalmStage, ModelLandmarkStage],
        settings: TrackerSettings,
        amount: Amount,
        say: Callable[[str], None],
    ) -> None:
        self._stages = stages
        self._settings = settings
        self._amount = amount
        self._say = say

    def measure(self, model: str) -> Extended:
        amount = self._amount
        palm, landmarks = self._stages
        _, _, palm_model = store.whole_catalog(self._settings.models).resolve(
            model, self._settings.palm_model
        )
        self._say("crops")
        pictures = crops(hands=amount.hands, empty=amount.empty)
        accuracy, roc = landmark_accuracy(landmarks, pictures)
        return Extended(
            model=model,
            runs_on=str(landmarks.session.describe()),
            palm_model=palm_model.id,
            landmarks=accuracy,
            roc=roc,
            palms=palm_accuracy(palm.session, pictures),
            whole=self._judged(whole_pictures(REPORTING_SEED, amount.samples), "random hands"),
            sizes=[self._sized(palm_px) for palm_px in amount.sizes],
            gaps=[self._overlapping(gap) for gap in amount.gaps],
            four=self._judged(map(scenes.four, range(amount.each)), "four hands", max_hands=4),
            jitter=self._jitter(),
        )

    def _judged(
        self, pictures: Iterable[Picture], what: str, *, max_hands: int = 2
    ) -> WholeAccuracy:
        self._say(what)
        tracker = StageTracker(  # never closed: the stages go on
            *self._stages, max_hands=max_hands, static=True, settings=self._settings
        )
        return judge(tracker, pictures)

    def _sized(self, palm_px: float) -> SizeRow:
        pictures = [scenes.sized(palm_px, number) for number in range(self._amount.each)]
        _, stage = self._stages
        return SizeRow(
            palm_px=float(np.mean([palm_size(each.hands[0].landmarks) for each in pictures])),
            whole=self._judged(pictures, f"palms of {palm_px:.0f} pixels"),
            region_error=float(np.mean([_region_error(stage, each) for each in pictures])),
        )

    def _overlapping(self, gap: float) -> GapRow:
        pictures = (scenes.overlapping(gap, number) for number in range(self._amount.each))
        return GapRow(gap=gap, whole=self._judged(pictures, f"hands {gap:g} palms apart"))

    def _jitter(self) -> Jitter:
        self._say("still hands")
        return jitter(
            self._stages, self._settings, self._amount.still_hands, self._amount.still_frames
        )


def _region_error(stage: LandmarkStage, picture: Picture) -> float:
    """Return the mean error of a hand whose true region is shown."""
    (hand,) = picture.hands
    (measured,) = stage.measure(picture.image, [next_roi(hand.landmarks)])
    return float(distances(measured.landmarks, hand.landmarks).mean())

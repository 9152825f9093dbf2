"""The two model stages of the tracker: image → palms, image and regions → measurements.

`StageTracker` takes anything of these shapes, so a test or another detector needs no
model file.
"""

from __future__ import annotations

import shlex
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from edgehands import landmarks as landmark_maths
from edgehands import palm as palm_maths
from edgehands.errors import ModelError, UsageError
from edgehands.imaging import Cropper, Letterboxer
from edgehands.models import store
from edgehands.models.catalog import PLAIN
from edgehands.models.derived import derive
from edgehands.selection import default_threads, open_session
from edgehands.tiles import looks
from edgehands.views import merged, unmirrored, view_roi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgehands.hand import FloatArray, ImageArray, Palm, Roi
    from edgehands.imaging import Letterbox
    from edgehands.inference import Session
    from edgehands.landmarks import Measurement
    from edgehands.models.catalog import Model, View
    from edgehands.settings import TrackerSettings
    from edgehands.tiles import Box


class PalmStage(Protocol):
    """Finds palms."""

    def prepare(self, image: ImageArray) -> Callable[[], list[Palm]]:
        """Take what is needed of `image` (uint8 [H, W, 3] RGB), and return what detects.

        That is called once, perhaps in another thread, before the next `prepare`; the camera may
        have its buffer back by then. It returns the palms in pixels of `image`, the surest first.
        """

    def close(self) -> None:
        """Free what the stage holds."""


class LandmarkStage(Protocol):
    """Measures hands in given regions."""

    def measure(self, image: ImageArray, rois: Sequence[Roi]) -> list[Measurement]:
        """Return one measurement for each region of `image`, in their order."""

    def close(self) -> None:
        """Free what the stage holds."""


class ModelPalmStage:
    """The palm model on a backend.

    Args:
        session: with a batch of 1.
        min_score: palms below are dropped.
        tiles: more than 1 for far hands: it looks at the whole picture and at so many tiles along
            each side, by turns.
        thorough: at all of them each time, for single pictures.
    """

    def __init__(
        self, session: Session, min_score: float, tiles: int = 1, *, thorough: bool = False
    ) -> None:
        self.session = session
        self._min_score = min_score
        self._letterbox = Letterboxer(palm_maths.INPUT_SIDE)
        self._looks = looks(tiles)
        self._thorough = thorough
        self._turn = 0

    def prepare(self, image: ImageArray) -> Callable[[], list[Palm]]:
        """Letterbox what is next of `image` into the session's input, and return what runs it."""
        if self._thorough:
            return partial(self._detect_all, image)
        look = self._looks[self._turn % len(self._looks)]
        self._turn += 1
        return self._show(image, look)

    def detect(self, image: ImageArray) -> list[Palm]:
        """Return the palms of `image`, the surest first."""
        return self.prepare(image)()

    def _detect_all(self, image: ImageArray) -> list[Palm]:
        found = (self._show(image, look)() for look in self._looks)
        return sorted(chain.from_iterable(found), key=lambda palm: -palm.score)

    def _show(self, image: ImageArray, look: Box) -> Callable[[], list[Palm]]:
        height, width = image.shape[:2]
        left, top, right, bottom = (
            round(share * side)
            for share, side in zip(look, (width, height, width, height), strict=True)
        )
        bars = self._letterbox(image[top:bottom, left:right], self.session.input[0])
        return partial(self._detect, bars, np.array([left, top], np.float32))

    def _detect(self, bars: Letterbox, corner: FloatArray) -> list[Palm]:
        boxes, logits = self.session.run()
        palms = palm_maths.decode(boxes[0], logits[0], self._min_score)
        return [
            palm_maths.unboxed(palm, lambda points: bars.to_image(points) + corner)
            for palm in palms
        ]

    def close(self) -> None:
        """Close the session."""
        self.session.close()


class ModelLandmarkStage:
    """A landmark model on a backend.

    Args:
        session: with a batch of 1, or one for each view, which are then measured in one run.
        views: how the model gets to see each region.
    """

    def __init__(self, session: Session, views: Sequence[View] = PLAIN) -> None:
        self.session = session
        self._views = views
        self._crop = Cropper(landmark_maths.INPUT_SIDE)

    def measure(self, image: ImageArray, rois: Sequence[Roi]) -> list[Measurement]:
        """Measure the regions one after the other."""
        return [self._measure(image, roi) for roi in rois]

    def _measure(self, image: ImageArray, roi: Roi) -> Measurement:
        batch = len(self.session.input)
        measurements: list[Measurement] = []
        for first in range(0, len(self._views), batch):
            views = self._views[first : first + batch]
            for place, view in enumerate(views):
                self._show(image, roi, view, self.session.input[place])
            outputs = self.session.run()
            measurements += [
                _read(outputs, place, view, view_roi(roi, view.turn))
                for place, view in enumerate(views)
            ]
        return merged(measurements, roi)

    def _show(self, image: ImageArray, roi: Roi, view: View, out: FloatArray) -> None:
        self._crop(image, view_roi(roi, view.turn), out)
        if view.mirrored:
            out[:] = out[:, ::-1].copy()

    def close(self) -> None:
        """Close the session."""
        self.session.close()


def _read(outputs: tuple[FloatArray, ...], place: int, view: View, roi: Roi) -> Measurement:
    """Decode one place of a batch."""
    points, presence, right, world = (output[place] for output in outputs)
    side = float(right[0])
    if view.mirrored:
        points, side, world = unmirrored(points, side, world)
    return landmark_maths.decode(points, float(presence[0]), side, world, roi)


class _Engine(NamedTuple):
    """What runs a model: three settings that only make sense together."""

    backend: str
    device: str | None
    options: Mapping[str, str]


def _palm_engine(engine: _Engine, settings: TrackerSettings) -> _Engine:
    """Return the landmark model's engine, unless the palm detector has one of its own."""
    if settings.palm_backend is None:
        for name in ("palm_device", "palm_backend_options"):
            if getattr(settings, name):
                raise UsageError(f"{name} needs palm_backend: name the palm detector's own backend")
        return engine
    return _Engine(settings.palm_backend, settings.palm_device, settings.palm_backend_options)


def _check_folder(folder: str | None) -> None:
    """Refuse to look elsewhere for models than where the user says they are."""
    if folder is not None and not Path(folder).is_dir():
        raise ModelError(
            f"no model folder {folder}: make it with "
            f"`edgehands models fetch --models {shlex.quote(folder)}`"
        )


def open_stages(
    model: str,
    backend: str,
    threads: int | None,
    settings: TrackerSettings,
    *,
    static: bool = False,
) -> tuple[ModelPalmStage, ModelLandmarkStage]:
    """Open the landmark model called `model` and the palm model that goes with it.

    Raises:
        UsageError: an unknown model, backend or option, or one that would have no effect.
        ModelError: a model file or the folder of them is missing, or a file altered.
        DeviceError: the backend does not work here.
    """
    landmarks, views, palm = store.whole_catalog(settings.models).resolve(
        model, settings.palm_model
    )

    engine = _Engine(backend, settings.device, settings.backend_options)
    palm_engine = _palm_engine(engine, settings)
    _check_folder(settings.models)

    # A search runs beside the landmark model, and an idle detector should leave cores alone.
    usual_threads = {"palm": max(1, default_threads() // 2), "landmarks": default_threads()}

    def session(model: Model, engine: _Engine, batch: int = 1) -> Session:
        file = store.load(model.id, settings.models)
        return open_session(
            engine.backend,
            file,
            batch=batch,
            device=engine.device,
            threads=threads,
            options=engine.options,
            derive=partial(derive, folder=settings.models),
            precision=settings.precision,
            usual_threads=usual_threads[model.role],
        )

    try:
        landmark_session = session(landmarks, engine, len(views))
    except ModelError:
        if len(views) == 1:
            raise
        landmark_session = session(landmarks, engine)  # no such batch there: one run for each view
    try:
        palm_session = session(palm, palm_engine)
    except BaseException:
        landmark_session.close()
        raise
    return (
        ModelPalmStage(
            palm_session, settings.min_palm_score, settings.search_tiles, thorough=static
        ),
        ModelLandmarkStage(landmark_session, views),
    )

"""The two model stages of the tracker: image → palms, image and regions → measurements.

`StageTracker` takes anything of these shapes, so a test or another detector needs no
model file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from edgehands import landmarks as landmark_maths
from edgehands import palm as palm_maths
from edgehands.imaging import Cropper, Letterboxer
from edgehands.inference import open_session
from edgehands.models import store
from edgehands.models.catalog import shipped_catalog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.hand import ImageArray, Palm, Roi
    from edgehands.inference import Session
    from edgehands.landmarks import Measurement
    from edgehands.models.catalog import Model
    from edgehands.settings import TrackerSettings


class PalmStage(Protocol):
    """Finds palms."""

    def detect(self, image: ImageArray) -> list[Palm]:
        """Return the palms of `image` (uint8 [H, W, 3] RGB) in its pixels, the surest first."""

    def close(self) -> None:
        """Free what the stage holds."""


class LandmarkStage(Protocol):
    """Measures hands in given regions."""

    def measure(self, image: ImageArray, rois: Sequence[Roi]) -> list[Measurement]:
        """Return one measurement for each region of `image`, in their order."""

    def close(self) -> None:
        """Free what the stage holds."""


class ModelPalmStage:
    """The palm model on a backend."""

    def __init__(self, session: Session, min_score: float) -> None:
        self.session = session
        self._min_score = min_score
        self._letterbox = Letterboxer(palm_maths.INPUT_SIDE)

    def detect(self, image: ImageArray) -> list[Palm]:
        """Return the palms of `image`, the surest first."""
        bars = self._letterbox(image, self.session.input[0])
        boxes, logits = self.session.run()
        palms = palm_maths.decode(boxes[0], logits[0], self._min_score)
        return [palm_maths.unboxed(palm, bars.to_image) for palm in palms]

    def close(self) -> None:
        """Close the session."""
        self.session.close()


class ModelLandmarkStage:
    """A landmark model on a backend."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._crop = Cropper(landmark_maths.INPUT_SIDE)

    def measure(self, image: ImageArray, rois: Sequence[Roi]) -> list[Measurement]:
        """Measure the regions one after the other."""
        return [self._measure(image, roi) for roi in rois]

    def _measure(self, image: ImageArray, roi: Roi) -> Measurement:
        self._crop(image, roi, self.session.input[0])
        points, presence, right, world = self.session.run()
        return landmark_maths.decode(points[0], presence[0, 0], right[0, 0], world[0], roi)

    def close(self) -> None:
        """Close the session."""
        self.session.close()


def open_stages(
    model: str, backend: str, threads: int | None, settings: TrackerSettings
) -> tuple[ModelPalmStage, ModelLandmarkStage]:
    """Open the landmark model called `model` and the palm model that goes with it.

    Raises:
        UsageError: an unknown model, backend or option.
        ModelError: a model file is missing or altered.
        DeviceError: the backend does not work here.
    """
    landmarks, palm = shipped_catalog().pair(model, settings.palm_model)

    def session(model: Model, backend: str) -> Session:
        file = store.load(model.id, settings.models)
        return open_session(backend, file, threads=threads, options=settings.backend_options)

    landmark_session = session(landmarks, backend)
    try:
        palm_session = session(palm, settings.palm_backend or backend)
    except BaseException:
        landmark_session.close()
        raise
    return ModelPalmStage(palm_session, settings.min_palm_score), ModelLandmarkStage(
        landmark_session
    )

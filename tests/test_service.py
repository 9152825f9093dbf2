"""The main loop of a run, called from Python: what it opens it closes, what it is told holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgehands import HandTracker, service
from edgehands.config import (
    CameraConfig,
    Config,
    ContactSheetConfig,
    LandmarksConfig,
    OutputConfig,
    TrackerConfig,
    VideoConfig,
)
from edgehands.errors import InputError, ModelError, UsageError
from edgehands.outputs import Output
from edgehands.outputs.landmarks import LandmarksOutput
from edgehands.outputs.stdout import StdoutOutput
from edgehands.service import opening
from edgehands.settings import GestureRules, TrackerSettings
from edgehands.synthetic import DEMO_CLIP

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.events import Event

pytestmark = pytest.mark.usefixtures("models")

CLIP = f"file:{DEMO_CLIP}"


class Kept(Output):
    """Keeps the names of the events."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def event(self, event: Event) -> None:
        self.names.append(event.event_type)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """The events of a run that writes to standard output."""
    kept = Kept()
    monkeypatch.setattr(StdoutOutput, "event", lambda _, event: kept.event(event))
    return kept


def config(
    *outputs: OutputConfig,
    source: str = CLIP,
    frames: int = 3,
    tracker: TrackerConfig | None = None,
    gestures: dict[str, GestureRules] | None = None,
) -> Config:
    return Config(
        camera=(CameraConfig(source=source, frames=frames),),
        output=outputs,
        tracker=tracker or TrackerConfig(),
        gestures=gestures or {},
    )


def test_an_output_that_cannot_be_opened_leaves_no_other_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    close = LandmarksOutput.close

    def watched(output: LandmarksOutput) -> None:
        closed.append(output)
        close(output)

    monkeypatch.setattr(LandmarksOutput, "close", watched)
    good = LandmarksConfig(path=str(tmp_path / "good.jsonl"))
    with pytest.raises(InputError, match="/proc/no"):
        service.run(config(good, LandmarksConfig(path="/proc/no/bad.jsonl")))
    assert len(closed) == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (config(VideoConfig(path="o.gif")), "o.gif: its name must end with .mp4"),
        (config(ContactSheetConfig(path="o.mp4")), "o.mp4: its name must end with .png"),
        (config(tracker=TrackerConfig(model="huge")), "no landmark model 'huge'"),
        (config(tracker=TrackerConfig(palm_model="full")), "no palm model 'full'"),
        (config(tracker=TrackerConfig(backend="tpu")), "no backend 'tpu'"),
        (config(tracker=TrackerConfig(palm_backend="tpu")), "no backend 'tpu'"),
        (config(tracker=TrackerConfig(palm_device="GPU")), "palm_device needs palm_backend"),
        (config(source="htp://x"), "no camera kind 'htp'"),
    ],
)
def test_a_cheap_mistake_is_told_before_anything_is_opened(
    wrong: Config, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr(opening, "open_steady_camera", lambda *_, **__: opened.append(1))
    with pytest.raises(UsageError, match=message):
        service.run(wrong)
    assert not opened


def test_a_lower_score_lets_more_gestures_begin(kept: Kept) -> None:
    from edgehands.config import StdoutConfig
    from edgehands.gestures.vocabulary import shipped_vocabulary

    def begun(min_score: float) -> int:
        kept.names.clear()
        rules = GestureRules(min_score=min_score, enter_delay=0.0, hold_interval=0.0)
        service.run(
            config(StdoutConfig(), frames=120, gestures=dict.fromkeys(shipped_vocabulary(), rules))
        )
        return sum(not name.endswith("_end") for name in kept.names)

    assert begun(0.05) > begun(0.99)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (TrackerSettings(palm_device="GPU"), "palm_device needs palm_backend"),
        (TrackerSettings(palm_backend_options={"a": "b"}), "palm_backend_options needs"),
    ],
)
def test_a_setting_without_effect_is_refused(settings: TrackerSettings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        HandTracker(settings=settings)


def test_a_model_folder_that_is_not_there_is_not_passed_over(tmp_path: Path) -> None:
    folder = str(tmp_path / "no models")
    with pytest.raises(ModelError, match=f"no model folder {folder}: .*fetch --models '{folder}'"):
        HandTracker(settings=TrackerSettings(models=folder))

"""A recording of a run that was paused, changed and interrupted replays as the run went."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np
import pytest

from edgehands.config import RecordingConfig
from edgehands.control import Control, Tuning
from edgehands.explain import Explainer
from edgehands.frame import Frame
from edgehands.hand import Hand, Roi
from edgehands.recording import Header, Reader
from edgehands.replay import replay
from edgehands.report import FrameReport
from edgehands.service.hub import Hub
from edgehands.service.pipeline import Pipeline
from edgehands.settings import GestureRules, TrackerSettings
from edgehands.summary import Summary
from edgehands.synthetic.truth import load_clip_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edgehands.events import Event

FRAMES = 200
HEADER = Header(run="01a2033e82c238740e", camera="bench", width=64, height=48)
PICTURE = np.zeros((48, 64, 3), np.uint8)

DOINGS: dict[str, dict[int, Callable[[Control, Pipeline], object]]] = {
    "paused": {
        70: lambda control, _: setattr(control, "enabled", False),
        100: lambda control, _: setattr(control, "enabled", True),
    },
    "more sensitive": {60: lambda control, _: setattr(control, "sensitivity", 1.0)},
    "more sensitive from the first frame on": {
        0: lambda control, _: setattr(control, "sensitivity", 1.0)
    },
    "other rules, and mirrored": {
        70: lambda control, _: setattr(control, "tuning", tuning(mirrored=True)),
        130: lambda control, _: setattr(control, "tuning", tuning(mirrored=False)),
    },
    "camera lost": {70: lambda _, pipeline: pipeline.interrupt()},
}


def tuning(*, mirrored: bool) -> Tuning:
    rules = {"fist": GestureRules(enter_delay=0.8), "victory": GestureRules(enter_delay=0.5)}
    return Tuning(mirrored, True, TrackerSettings(), rules)


class Truth:
    """In the tracker's place: the demo clip's true hands."""

    def __init__(self) -> None:
        truth = load_clip_truth()
        roi = Roi(320.5, 240.25, 200.125, 0.1)
        self._frames = [
            [
                Hand(place + 1, each.landmarks, each.world_landmarks, 0.99, each.handedness, 1, roi)
                for place, each in enumerate(hands)
            ]
            for hands in truth.frames[:FRAMES]
        ]
        self.fps = truth.fps
        self.last = FrameReport(0.0)

    def update(self, _: object, time: float) -> Sequence[Hand]:
        self.last = FrameReport(time)
        return self._frames[round(time * self.fps)]

    def adjust(self, *_: object, **__: object) -> None:
        pass


def run(path: Path, doings: dict[int, Callable[[Control, Pipeline], object]]) -> list[Event]:
    """Run with a recording and return the events that went out."""
    events: list[Event] = []
    queue = SimpleNamespace(put=lambda made, _: events.extend(made))
    hub = Hub(cast("Any", queue), lambda: None)
    truth = Truth()
    pipeline = Pipeline(HEADER, cast("Any", truth), hub, Summary())
    pipeline.open_files([RecordingConfig(path=str(path))], truth.fps)
    for number in range(FRAMES):
        if number in doings:
            doings[number](hub.control, pipeline)
        pipeline.look(Frame(PICTURE, number / truth.fps, 0.0))
    pipeline.finish()
    return events


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    return run(tmp_path_factory.mktemp("undisturbed") / "run.hands", {})


@pytest.mark.parametrize("doing", DOINGS)
def test_a_replay_does_again_what_was_done_to_the_run(
    tmp_path: Path, undisturbed: list[Event], doing: str
) -> None:
    path = tmp_path / "run.hands"
    events = run(path, DOINGS[doing])
    assert events != undisturbed, "it made no difference: the test would show nothing"
    with Reader(path) as reader:
        again = [(entry.events, entry.recorded) for entry in replay(reader)]
    assert [event for made, _ in again for event in made] == events
    assert [event for _, recorded in again for event in recorded] == events


def test_with_other_rules_those_hold_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "run.hands"
    run(path, {0: lambda control, _: setattr(control, "sensitivity", 1.0)})
    with Reader(path) as reader:
        header = msgspec.structs.replace(reader.header, gestures={})
        freely = [event for entry in replay(reader, header) for event in entry.events]
    assert freely == run(tmp_path / "other.hands", {})


def test_explain_takes_what_was_changed_into_account(tmp_path: Path) -> None:
    path = tmp_path / "run.hands"
    events = run(path, DOINGS["other rules, and mirrored"])
    told: list[Event] = []
    with Reader(path) as reader:
        explainer = Explainer(reader.header)
        for entry in reader:
            if entry.change is not None:
                explainer.take_over(entry.change)
            told += explainer.update(entry.hands, entry.time, entry.ts, (64, 48))[1]
        told += explainer.finish(entry.ts)[1]
    assert told == events


def test_what_an_older_edgehands_recorded_is_read() -> None:
    """Its frames have neither cut nor change."""
    from edgehands.recording.layout import StoredFrame

    frame = StoredFrame(1.0, 2.0, (), ())
    old = msgspec.msgpack.decode(msgspec.msgpack.encode(frame))[:5]
    assert msgspec.convert(old, StoredFrame) == frame

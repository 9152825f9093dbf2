"""Settings that change while it runs: what they do to the loop, and how they reach the config."""

from __future__ import annotations

import shutil
import stat
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from edgehands import HandTracker, open_camera, service
from edgehands.config import (
    SAMPLE,
    CameraConfig,
    Config,
    StdoutConfig,
    load_config,
)
from edgehands.control import Control, Tuning
from edgehands.errors import ConfigError, InputError, UsageError
from edgehands.frame import Frame
from edgehands.masking import masked
from edgehands.outputs import Output
from edgehands.outputs.stdout import StdoutOutput
from edgehands.recording import Header
from edgehands.replay import interpreter_of
from edgehands.settings import EventSettings, TrackerSettings
from edgehands.synthetic import DEMO_CLIP
from edgehands.toml_edit import edit
from edgehands.web.desk import Desk
from edgehands.web.feed import Shown

if TYPE_CHECKING:
    from pathlib import Path

    from edgehands.outputs import Result

CLIP = f"file:{DEMO_CLIP}"


def desk(place: Path | None = None, *, config: Config | None = None) -> tuple[Desk, Control]:
    config = config or Config(camera=(CameraConfig(source="/dev/video0"),))
    control = Control()
    made = Desk(control, place)
    made.begin(shown(config))
    return made, control


def shown(config: Config) -> list[Shown]:
    return [
        Shown(
            Header(run="r", camera=camera.name, gestures=config.gestures, events=config.events),
            camera,
            config.tracker,
        )
        for camera in config.camera
    ]


# What the loop does


class Seen(Output):
    """Keeps the sides of hands and the frames, and may change something after a few frames."""

    def __init__(self, control: list[Control], tuning: Tuning | None = None) -> None:
        self.sides: list[str] = []
        self.frames: list[Frame] = []
        self._control = control
        self._tuning = tuning

    def result(self, result: Result) -> None:
        self.frames.append(result.frame)
        self.sides += [hand.handedness for hand in result.hands]
        if len(self.frames) == 30:
            self._control[0].tuning = self._tuning


@pytest.fixture
def controls(monkeypatch: pytest.MonkeyPatch) -> list[Control]:
    """The control of each run, as the live page has it."""
    from edgehands.service import crew

    made: list[Control] = []

    def keep(**values: Any) -> Control:
        made.append(Control(**values))
        return made[-1]

    monkeypatch.setattr(crew, "Control", keep)
    monkeypatch.setattr(StdoutOutput, "event", lambda *_: None)
    return made


def run(seen: Seen, *, frames: int = 60, camera: dict[str, Any] | None = None) -> None:
    source = CameraConfig(source=CLIP, frames=frames, **(camera or {}))
    service.run(Config(camera=(source,), output=(StdoutConfig(),)), listeners=(seen,))


@pytest.mark.usefixtures("models")
def test_mirrored_swaps_the_sides_from_the_next_frame_on(controls: list[Control]) -> None:
    seen = Seen(controls, Tuning(mirrored=True, smoothing=True, tracker=TrackerSettings()))
    run(seen)
    first = seen.sides.index("left")  # the thirtieth frame was the last of the old way
    assert 0 < first < 30
    assert set(seen.sides[:first]) == {"right"}
    assert set(seen.sides[first:]) == {"left"}


@pytest.mark.usefixtures("models")
def test_a_mask_of_the_config_is_black_before_anything_looks(controls: list[Control]) -> None:
    seen = Seen(controls)
    run(seen, frames=40, camera={"masks": ((0.0, 0.0, 1.0, 1.0),)})
    assert seen.sides == []
    assert not any(frame.image.any() for frame in seen.frames)


@pytest.mark.usefixtures("models")
def test_a_mask_drawn_while_it_runs_hides_a_hand_that_was_seen(controls: list[Control]) -> None:
    masks = {"camera": ((0.0, 0.0, 1.0, 1.0),)}
    seen = Seen(
        controls, Tuning(mirrored=False, smoothing=True, tracker=TrackerSettings(), masks=masks)
    )
    run(seen)
    assert seen.sides
    assert seen.frames[28].image.any()
    assert not seen.frames[-1].image.any()


def test_a_pixel_that_a_mask_touches_is_black_and_the_cameras_own_stays() -> None:
    image = np.full((10, 20, 3), 200, np.uint8)
    frame = Frame(image, 1.0, 2.0)
    shown = masked(frame, [(0.26, 0.15, 0.5, 0.55)])
    assert (image == 200).all()
    assert (shown.time, shown.captured) == (1.0, 2.0)
    black = ~shown.image.any(axis=2)
    rows, columns = np.nonzero(black)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (1, 5, 5, 9)
    assert black.sum() == 5 * 5
    assert masked(frame, ()) is frame


@pytest.mark.usefixtures("models")
def test_smoothing_and_presence_change_under_a_tracker_and_ids_stay() -> None:
    with HandTracker() as tracker, open_camera(CLIP) as camera:
        frames = [next(camera) for _ in range(50)]
        for frame in frames[:40]:
            tracker.update(frame.image, frame.time)
        (before,) = tracker.update(frames[40].image, frames[40].time)
        tracker.adjust(TrackerSettings(), mirrored=False, smoothing=False)
        (rough,) = tracker.update(frames[41].image, frames[41].time)
        assert rough.id == before.id
        assert tracker.last.stage_ms.get("smoothing") is None
        tracker.adjust(TrackerSettings(min_presence=1.0), mirrored=False, smoothing=True)
        assert tracker.update(frames[42].image, frames[42].time) == []


def test_the_configs_sensitivity_holds_from_the_start_and_in_a_replay() -> None:
    from edgehands.gestures.vocabulary import shipped_vocabulary

    def least(sensitivity: float) -> float:
        header = Header(run="r", camera="c", events=EventSettings(sensitivity=sensitivity))
        poses = interpreter_of(header)._poses
        return float(poses._least[list(shipped_vocabulary()).index("fist")])

    assert least(1.0) == 0.25
    assert least(0.5) == 0.5
    assert least(0.0) == 0.75


# The desk


def test_a_change_is_whole_or_not_at_all() -> None:
    made, control = desk()
    made.change(b'{"smoothing_beta": 2, "gestures": {"fist": {"min_score": 0.7}}}')
    assert control.tuning is not None
    assert control.tuning.tracker.smoothing_beta == 2
    assert control.tuning.gestures["fist"].min_score == 0.7
    kept = control.tuning
    with pytest.raises(UsageError, match="no gesture 'fits'"):
        made.change(b'{"mirrored": true, "gestures": {"fits": {"min_score": 0.7}}}')
    assert control.tuning is kept


def test_pause_and_sensitivity_are_those_of_everybody_else() -> None:
    made, control = desk()
    made.change(b'{"enabled": false, "sensitivity": 0.8}')
    assert (control.enabled, control.sensitivity) == (False, 0.8)
    control.sensitivity = 0.3  # over MQTT
    assert made.state()["sensitivity"] == 0.3
    assert control.tuning is None  # nothing else to follow


def test_a_config_read_anew_takes_the_place_of_what_was_changed() -> None:
    made, control = desk()
    made.change(b'{"mirrored": true}')
    made.begin(shown(Config(camera=(CameraConfig(source="/dev/video0"),))))
    assert control.tuning is not None
    assert not control.tuning.mirrored
    assert made.state()["unsaved"] == 0


# Saving


FILE = """# Mine.
learned = "/srv/gestures"

[[camera]]   # the door
name = "door"
source = "/dev/video0"

[[camera]]
source = "/dev/video2"
masks = [[0.0, 0.0, 0.1, 0.1]]

[gestures.fist]
zone = [0.0, 0.0, 0.5, 1.0]  # left half
min_score = 0.6
"""


def test_only_what_was_changed_is_written_and_the_rest_stays(tmp_path: Path) -> None:
    place = tmp_path / "edgehands.toml"
    place.write_text(FILE)
    place.chmod(0o640)
    made, _ = desk(place, config=load_config(place))
    made.change(
        b'{"mirrored": true, "sensitivity": 0.65, "gestures": {"fist": {"zone": null}},'
        b'"masks": {"camera": [], "door": [[0.1, 0.2, 0.30000001, 0.4]]}}'
    )
    told = made.save(write=False)
    assert place.read_text() == FILE
    assert made.save(write=True).lines == told.lines
    assert place.read_text() == (
        FILE.replace('"/dev/video0"\n', '"/dev/video0"\nmasks = [[0.1, 0.2, 0.3, 0.4]]\n')
        .replace("masks = [[0.0, 0.0, 0.1, 0.1]]", "masks = []")
        .replace("zone = [0.0, 0.0, 0.5, 1.0]  # left half", "  # left half")
        + "\n[events]\nsensitivity = 0.65\n\n[tracker]\nmirrored = true\n"
    )
    assert stat.S_IMODE(place.stat().st_mode) == 0o640
    config = load_config(place)
    assert config.tracker.mirrored
    assert config.gestures["fist"].zone is None
    assert made.state()["unsaved"] == 0


def test_a_link_to_the_config_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text(FILE)
    place = tmp_path / "link.toml"
    place.symlink_to("real.toml")
    made, _ = desk(place, config=load_config(place))
    made.change(b'{"mirrored": true}')
    made.save(write=True)
    assert place.is_symlink()
    assert "mirrored = true" in (tmp_path / "real.toml").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FILE.replace('source = "/dev/video2"', 'source = "/dev/video9"'), "has no camera"),
        ("camera = [{ source = '/dev/video2' }]\n", "only a person can change"),
        ("[[camera]]\nsource = 1\n[broken", "edgehands.toml:3"),
    ],
)
def test_a_file_that_cannot_be_changed_so_stays_as_it_is(
    tmp_path: Path, text: str, message: str
) -> None:
    place = tmp_path / "edgehands.toml"
    place.write_text(text)
    made, _ = desk(place, config=Config(camera=(CameraConfig(source="/dev/video2"),)))
    made.change(b'{"masks": {"camera": [[0, 0, 0.5, 0.5]]}}')
    with pytest.raises(ConfigError, match=message):
        made.save(write=True)
    assert place.read_text() == text
    assert made.state()["unsaved"] == 1


def test_without_a_file_the_lines_are_told_and_nothing_is_written() -> None:
    made, _ = desk()
    with pytest.raises(UsageError, match="nothing to save"):
        made.save(write=False)
    made.change(b'{"masks": {"camera": [[0, 0, 0.5, 0.5]]}, "min_presence": 0.6}')
    assert made.save(write=False).lines == (
        "[tracker] min_presence = 0.6",
        "[[camera]] masks = [[0.0, 0.0, 0.5, 0.5]]",
    )
    with pytest.raises(InputError, match="edgehands config init"):
        made.save(write=True)


def test_the_sample_is_edited_where_its_defaults_stand() -> None:
    text = SAMPLE.read_text()
    edited = edit(
        text,
        {
            ("tracker", "min_presence"): 0.6,
            ("camera", 0, "masks"): [[0.0, 0.0, 0.5, 0.5]],
            ("events", "sensitivity"): 0.7,
            ("gestures", "fist", "min_score"): 0.8,
        },
    ).text
    expected = (
        text.replace("#min_presence = 0.5", "min_presence = 0.6")
        .replace("#masks = []", "masks = [[0.0, 0.0, 0.5, 0.5]]")
        .replace("#sensitivity = 0.5", "sensitivity = 0.7")
    )
    assert edited == f"{expected.rstrip()}\n\n[gestures.fist]\nmin_score = 0.8\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[tracker]\nmirrored = false # no\n", "[tracker]\nmirrored = true # no\n"),
        ("[tracker]", "[tracker]\nmirrored = true"),
        ("tracker.mirrored = false", "tracker.mirrored = true"),
        ("tracker = { mirrored = false }", None),
        ("tracker.model = 'full'", None),
        (
            '[tracker]\nmodel = """\n[x]\n"""\n',
            '[tracker]\nmodel = """\n[x]\n"""\nmirrored = true\n',
        ),
        ("[tracker]\r\nmodel = 'a'\r\n", "[tracker]\r\nmodel = 'a'\r\nmirrored = true\n"),
        (
            "# [tracker]\n#mirrored = 1\n",
            "# [tracker]\n#mirrored = 1\n\n[tracker]\nmirrored = true\n",
        ),
        ("", "\n\n[tracker]\nmirrored = true\n"),
    ],
)
def test_a_value_is_set_wherever_it_may_stand(text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="only a person"):
            edit(text, {("tracker", "mirrored"): True})
    else:
        assert edit(text, {("tracker", "mirrored"): True}).text == expected


# The config


def test_the_page_is_off_and_shows_no_pixels_unless_the_config_says_so(tmp_path: Path) -> None:
    config = load_config(SAMPLE)
    assert not config.web.enabled
    assert not config.web.pixels
    assert config.web.address.startswith("127.0.0.1:")
    path = tmp_path / "edgehands.toml"
    path.write_text('[web]\naddress = "http://x"\n\n[[camera]]\nsource="0"\nmasks = [[1, 0, 0, 1]]')
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    first, second = str(caught.value).splitlines()
    assert ":2:1: no address 'http://x': write it as 127.0.0.1:8770" in first
    assert ":6:10: masks: expected [left, top, right, bottom] with left < right" in second


# A clip that goes round


def test_a_loop_plays_at_its_own_pace_and_its_time_goes_on_rising(tmp_path: Path) -> None:
    path = tmp_path / "odd name.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (64, 48))
    for number in range(6):
        writer.write(np.full((48, 64, 3), 40 * number, np.uint8))
    writer.release()
    begin = time.monotonic()
    with open_camera(f"loop:{path}") as camera:
        assert camera.live
        frames = [next(camera) for _ in range(14)]
        shutil.rmtree(tmp_path)
    assert time.monotonic() - begin > 0.5
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))
    assert times[-1] > 0.6
    assert all(later.captured >= sooner.captured for sooner, later in pairwise(frames))


def test_a_loop_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="names nothing"):
        open_camera("loop: ")
    with pytest.raises(InputError, match="no/such"):
        open_camera("loop:no/such.mp4")

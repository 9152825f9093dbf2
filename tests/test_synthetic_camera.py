"""The synthetic camera keeps the pace of a live one."""

from __future__ import annotations

import itertools
import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from edgehands.cameras import open_camera
from edgehands.cameras.synthetic import SyntheticCamera
from edgehands.errors import (
    UsageError,
)
from tests.captures import (
    picture,
)

if TYPE_CHECKING:
    from edgehands.hand import ImageArray


class Clock:
    """A scene whose picture shows the time it was asked for."""

    def __init__(self, pause: float = 0.0) -> None:
        self.times: list[float] = []
        self._pause = pause

    def frame_at(self, time_: float, /) -> tuple[ImageArray, None]:
        self.times.append(time_)
        time.sleep(self._pause)
        return picture(round(time_ * 100)), None


def test_the_synthetic_camera_keeps_the_pace_of_a_live_one() -> None:
    start = time.monotonic()
    with SyntheticCamera(Clock(), fps=50.0) as camera:
        assert (camera.live, camera.length, camera.fps) == (True, None, 50.0)
        frames = list(itertools.islice(camera, 11))
    assert 0.19 < time.monotonic() - start < 1.0
    for frame in frames:
        assert round(frame.time * 50) == pytest.approx(frame.time * 50)
        assert frame.image[0, 0, 0] == round(frame.time * 100)
        assert 0.0 <= frame.captured - start - frame.time < 0.5


def test_a_slow_scene_gives_fewer_frames_not_late_ones() -> None:
    scene = Clock(pause=0.05)
    with SyntheticCamera(scene, fps=100.0) as camera:
        *_, last = itertools.islice(camera, 5)
    assert last.time > 0.15
    assert len(scene.times) <= 6 + camera.dropped


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("synthetic:", {"width": 640, "height": 480, "seed": 0}),
        ("synthetic:?seed=3", {"width": 640, "height": 480, "seed": 3}),
    ],
)
def test_the_synthetic_camera_films_the_show(
    source: str, expected: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def stream(**arguments: object) -> Clock:
        asked.update(arguments)
        return Clock()

    # The real one would draw its sprites first, for half a minute.
    module = SimpleNamespace(SyntheticStream=stream)
    monkeypatch.setitem(sys.modules, "edgehands.synthetic.stream", module)
    with open_camera(source) as camera:
        assert camera.fps == 30.0
        assert next(camera).time == 0.0
    asked.pop("progress")
    assert asked == expected


@pytest.mark.parametrize("address", ["x", "?seed=x", "?seed=-1", "?seed=1&side=2", "?seed"])
def test_the_synthetic_camera_knows_only_its_seed(address: str) -> None:
    with pytest.raises(UsageError, match=r"write synthetic: or synthetic:\?seed=3"):
        open_camera(f"synthetic:{address}")

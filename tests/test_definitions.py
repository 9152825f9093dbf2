"""Gestures of one's own in the config file: each mistake in them has its place and its fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgehands.config import load_config
from edgehands.errors import ConfigError
from edgehands.gestures.motions import MOTIONS
from edgehands.gestures.poses import PoseReader
from edgehands.gestures.vocabulary import Pose, shipped_vocabulary
from edgehands.hand import Hand, Roi
from edgehands.synthetic.camera import Camera, Placement
from edgehands.synthetic.pose import GESTURES
from edgehands.synthetic.pose import Pose as Angles
from edgehands.synthetic.scene import Actor

if TYPE_CHECKING:
    from pathlib import Path

VULCAN = """
[pose.vulcan]
thumb = "apart"
index = "straight"
middle = "straight"
ring = "straight"
pinky = "straight"
index_middle = "together"
middle_ring = "apart"
ring_pinky = "together"

[gestures.vulcan]
enter_delay = 0.5
"""


def load(folder: Path, text: str) -> dict[str, Pose]:
    path = folder / "edgehands.toml"
    path.write_text(text)
    return load_config(path, known_gestures={*shipped_vocabulary(), *MOTIONS}).pose


def test_a_gesture_of_ones_own_is_read_and_has_rules(tmp_path: Path) -> None:
    own = load(tmp_path, VULCAN)
    index, middle, ring, pinky = ((4.0, spread, 4.0, 3.0) for spread in (0.0, 3.0, -8.0, -5.0))
    angles = Angles(GESTURES["open_palm"].thumb, index, middle, ring, pinky)
    placement = Placement((0, 60, 560))
    truth = Actor(placement, angles).truth(Camera())
    hand = Hand(1, truth.landmarks, truth.world_landmarks, 0.9, "right", 0.9, Roi(0, 0, 1, 0))
    best = PoseReader({**shipped_vocabulary(), **own}).best(hand)
    assert best is not None
    assert best.gesture == "vulcan"
    assert PoseReader(shipped_vocabulary()).best(hand) is not None  # an open palm to others


def test_several_states_mean_any_of_them(tmp_path: Path) -> None:
    own = load(tmp_path, '[pose.up]\nindex = ["straight", "bent"]\n')["up"]
    assert dict(own.conditions()) == {"index": ("straight", "bent")}


# What is wrong, the line and column to jump to, and a part of what is said about it.
WRONG = {
    "unknown finger": ('[pose.a]\nindx = "bent"', 2, 1, "did you mean 'index'?"),
    "unknown state": ('[pose.a]\nindex = "strait"', 2, 1, "did you mean 'straight'?"),
    "unknown state of several": (
        '[pose.a]\nindex = ["bent", "curld"]',
        *(2, 1, "did you mean 'curled'?"),
    ),
    "a finger's state for a thumb": ('[pose.a]\nthumb = "straight"', 2, 1, '"apart"'),
    "no state at all": ("[pose.a]\nindex = []", 2, 1, "several of these in [ ]"),
    "number for a state": ("[pose.a]\nindex = 1", 2, 1, "got 1"),
    "margin out of range": ('[pose.a]\nindex = "bent"\nmargin = 2', 3, 1, "from 0 to 0.9, got 2"),
    "margin in words": ('[pose.a]\nindex = "bent"\nmargin = "big"', 3, 1, 'got the text "big"'),
    "unknown pointing finger": ('[pose.a]\npoints = { thum = "up" }', 2, 12, "mean 'thumb'?"),
    "unknown direction": ('[pose.a]\npoints = { index = "upp" }', 2, 12, "did you mean 'up'?"),
    "pointing at nothing": ('[pose.a]\npoints = "up"', 2, 1, "expected a table"),
    "unknown facing": ('[pose.a]\npalm = "camra"', 2, 1, "did you mean 'camera'?"),
    "unknown culture": ('[pose.a]\nindex = "bent"\nnumbers = { dutch = 1 }', 3, 13, "known here"),
    "number too large": ('[pose.a]\nindex = "bent"\nnumbers = { chinese = 11 }', 3, 13, "0 to 10"),
    "a name that is taken": ('[pose.fist]\nindex = "bent"', 1, 7, "or set its rules in [gestures."),
    "a motion's name": ('[pose.swipe_left]\nindex = "bent"', 1, 7, "there is a gesture"),
    "a name with a capital": ('[pose.Hi]\nindex = "bent"', 1, 7, "small letters, digits and _"),
    "a name like another event": ('[pose.a_end]\nindex = "bent"', 1, 7, "choose another name"),
    "nothing said": ("[pose.a]\nmargin = 0.3", 1, 7, 'add a line such as index = "straight"'),
    "the same as another": (
        '[pose.a]\nindex = "bent"\n[pose.b]\nindex = "bent"',
        *(3, 7, "held like 'a': say what makes them differ"),
    ),
    "twice": ('[pose.a]\nindex = "bent"\n[pose.a]\nindex = "bent"', 3, 8, "twice"),
    "bad TOML": ("[pose.a]\nindex = bent", 2, 9, 'text stands in "quotes"'),
    "rules of nobody": ('[pose.wink]\nindex = "bent"\n[gestures.winc]', 3, 11, "mean 'wink'?"),
    "a zone of three": ("[gestures.fist]\nzone = [0, 0, 1]", 2, 1, "expected four numbers"),
    "a zone from right to left": ("[gestures.fist]\nzone = [1, 0, 0, 1]", 2, 1, "left < right"),
    "a zone in pixels": ("[gestures.fist]\nzone = [0, 0, 640, 480]", 2, 1, "from 0 to 1"),
    "unknown side": ('[gestures.fist]\nside = "lefft"', 2, 1, "did you mean 'left'?"),
    "unknown arming gesture": ('[events]\narming = "open_plam"', 2, 1, "mean 'open_palm'?"),
    "unknown culture to count in": ('[events]\nculture = "amercan"', 2, 1, "mean 'american'?"),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_definition_has_a_place_and_a_fix(name: str, tmp_path: Path) -> None:
    text, line, column, fix = WRONG[name]
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    (message,) = str(caught.value).splitlines()
    assert message.startswith(f"{tmp_path}/edgehands.toml:{line}:{column}: ")
    assert fix in message


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    text = '[pose.a]\nindx = "bent"\nmargin = 2\n[pose.fist]\nindex = "bent"\n'
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert len(str(caught.value).splitlines()) == 3

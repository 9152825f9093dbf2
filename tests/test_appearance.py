"""A hand that appears is seen about as soon as by a detector that never rests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgehands import HandTracker
from edgehands.benchmarks.films.takes import Player, Room
from edgehands.synthetic.cutout import Stand

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.hand import ImageArray

pytestmark = pytest.mark.usefixtures("models")

SEED = 4
FRAME = 1 / 30
IDLE = 46
"""Frames of an empty room: the tracker has long begun to rest."""
AT_A_CUT, SLOWLY = 2, 7  # frames late at most


@pytest.fixture(scope="module")
def hand() -> Player:
    return Player.cast(SEED, 0, left=False)


def room(number: int) -> Room:
    return Room(np.random.default_rng([SEED, number]))


def first_seen(picture: Callable[[int], ImageArray], frames: range) -> int:
    """The first of these frames in which a tracker with the defaults reports a hand."""
    with HandTracker(backend="tflite") as tracker:
        for frame in frames:
            if tracker.update(picture(frame), frame * FRAME):
                return frame
    pytest.fail("no hand was seen")


def sees_at_once(picture: ImageArray) -> bool:
    """Whether a detector that looks at this very picture finds the hand."""
    with HandTracker(backend="tflite", static=True) as tracker:
        return bool(tracker.update(picture))


@pytest.mark.parametrize("idle", [IDLE, IDLE + 2, IDLE + 4])
@pytest.mark.parametrize("same_room", [True, False])
def test_a_hand_after_a_cut_is_seen_within_two_frames(
    hand: Player, idle: int, *, same_room: bool
) -> None:
    before = room(1)
    after = before if same_room else room(2)
    place = (hand, Stand(300.0, 240.0, 80.0))

    def picture(frame: int) -> ImageArray:
        return after.picture([place]) if frame >= idle else before.picture()

    assert sees_at_once(picture(idle))
    assert first_seen(picture, range(idle + 9)) <= idle + AT_A_CUT


@pytest.mark.parametrize("contrast", [1.0, 0.3])
def test_a_hand_that_enters_slowly_is_seen_within_a_quarter_of_a_second(
    hand: Player, contrast: float
) -> None:
    place, palm = room(3), 85.0
    player = hand if contrast == 1 else hand.faint(place.backdrop, contrast)

    def picture(frame: int) -> ImageArray:
        inside = palm * (0.2 * (frame - IDLE) * FRAME - 0.6)  # 0.2 palm sizes a second
        return place.picture([(player, Stand(320.0, 480 - inside, palm))])

    frame = first_seen(picture, range(320))
    late = range(frame - SLOWLY - 6, frame - SLOWLY)
    assert not any(sees_at_once(picture(earlier)) for earlier in late)

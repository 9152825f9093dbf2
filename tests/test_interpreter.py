"""From hands to events in one place, and what may change on the way."""

from __future__ import annotations

import numpy as np

from edgehands.control import adjusted
from edgehands.gestures.learned import LearnedMotion
from edgehands.gestures.learned.examples import kept
from edgehands.gestures.learned.ways import read_place, way_between
from edgehands.gestures.motions import MOTIONS
from edgehands.gestures.vocabulary import shipped_vocabulary
from edgehands.hand import Hand, Roi
from edgehands.interpreter import Interpreter
from edgehands.settings import GestureRules
from edgehands.synthetic.gesturing.novel import novel_motion_scene
from edgehands.synthetic.gesturing.observe import observe
from edgehands.synthetic.gesturing.stage import rng_of
from edgehands.synthetic.truth import load_clip_truth


def starts(interpreter: Interpreter, first: float) -> list[str]:
    """What begins while a hand of the demo clip is held up for a second."""
    (truth,) = load_clip_truth().frames[50]
    hand = Hand(
        *(1, truth.landmarks, truth.world_landmarks, 0.99, truth.handedness, 1.0),
        Roi(320.0, 240.0, 200.0, 0.0),
    )
    times = [first + frame / 30 for frame in range(30)]
    events = [event for time in times for event in interpreter.update([hand], time, time)]
    events += interpreter.finish(times[-1])
    return [event.event_type for event in events if event.phase == "start"]


def test_other_rules_hold_from_the_next_frame_on() -> None:
    interpreter = Interpreter("camera", "run", {})
    assert starts(interpreter, 0.0) == ["open_palm"]
    interpreter.set_rules(dict.fromkeys(interpreter.names, GestureRules(min_score=1.0)))
    assert starts(interpreter, 10.0) == []
    interpreter.set_rules(adjusted({}, interpreter.names, 0.5))
    assert starts(interpreter, 20.0) == ["open_palm"]


def test_where_each_picture_stands_alone_no_learned_motion_starts_either() -> None:
    shown = novel_motion_scene("zigzag", 4, 0, max_tilt=0.0, fps=30.0)
    frames = list(observe(shown, rng_of(4, "noise", 0)))
    way = way_between(
        np.array([read_place(hands[0], time) for time, hands in frames]), *shown.shown
    )
    learned = LearnedMotion(
        name="zigzag",
        within=0.5,
        takes=1,
        examples=(kept(way),),
        seconds=(shown.shown[1] - shown.shown[0],),
    )

    def started(*, static: bool) -> set[str | None]:
        interpreter = Interpreter("camera", "run", {}, learned=[learned], static=static)
        events = [event for time, hands in frames for event in interpreter.update(hands, time, 0)]
        return {event.gesture for event in events if event.phase == "start"}

    assert "zigzag" in started(static=False)
    assert "zigzag" not in started(static=True)


def test_it_knows_every_gesture_by_name() -> None:
    assert set(Interpreter("camera", "run", {}).names) == {*shipped_vocabulary(), *MOTIONS}

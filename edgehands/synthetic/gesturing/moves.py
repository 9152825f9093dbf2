"""Scenes of dynamic gestures: how each motion goes, from rest to rest.

Ways and times are drawn from what people do: a swipe is 20 to 36 cm in a quarter to four tenths of
a second, a wave 1.6 to 2.6 Hz, a push 15 to 25 cm.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgehands.hand import Landmark
from edgehands.synthetic.gesturing.performance import Scene
from edgehands.synthetic.gesturing.shapes import READY_TO_PINCH, SHAPES, Shape
from edgehands.synthetic.gesturing.stage import RATES, Cast, rng_of, still
from edgehands.synthetic.pose import GESTURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.synthetic.gesturing.performance import Performance
    from edgehands.synthetic.pose import Array, Pose

    Part = tuple[float, tuple[float, float], Callable[[Array], tuple[Performance, ...]]]
    """Seconds in all; from when to when the motion goes; what the hands do at given times."""

_REST = 0.5
"""Seconds at rest before and after."""
_OPEN = Shape(GESTURES["open_palm"])
_FIST = GESTURES["fist"]
_PINCH = GESTURES["pinch"]
_POINT = SHAPES["pointing_up"][0]
_PINCH_YAW = -15.0
"""Turned so that the camera sees thumb and index come together."""
_WAYS = {"right": (1.0, 0.0), "left": (-1.0, 0.0), "up": (0.0, -1.0), "down": (0.0, 1.0)}


def dynamic_scene(
    gesture: str, seed: int, number: int, *, max_tilt: float = 35.0, fps: float | None = None
) -> Scene:
    """Return one scene of a dynamic gesture; arguments as for `scenes.static_scene`."""
    cast = Cast.drawn(rng_of(seed, gesture, number), max_tilt)
    seconds, shown, play = _play(gesture, cast)
    times = np.arange(0.0, seconds, 1 / (fps or RATES[number % len(RATES)]))
    return Scene(gesture, times, play(times), shown, cast.most_tilt, _poses(gesture))


def _poses(gesture: str) -> frozenset[str]:
    """Return the static gestures that a hand truly shows while it makes a motion."""
    if gesture.startswith("circle_"):
        return frozenset(["pointing_up"])
    if gesture in {"grab", "release"}:
        return frozenset(["open_palm", "fist"])
    pinched = gesture.startswith("pinch_") or gesture in {"twist", "double_tap"}
    return frozenset(["pinch" if pinched else "open_palm"])


def _play(gesture: str, cast: Cast) -> Part:
    if gesture.startswith("swipe_"):
        return _swipe(cast, _WAYS[gesture.removeprefix("swipe_")])
    if gesture.startswith("circle_"):
        return _circle(cast, 1.0 if gesture == "circle_clockwise" else -1.0)
    return {
        "wave": _wave,
        "push": lambda one: _push(one, nearer=True),
        "pull": lambda one: _push(one, nearer=False),
        "grab": lambda one: _grab(one, _OPEN.pose, _FIST),
        "release": lambda one: _grab(one, _FIST, _OPEN.pose),
        "double_tap": _double_tap,
        "clap": _clap,
        "pinch_drag": _drag,
        "pinch_zoom": _zoom,
        "twist": _twist,
    }[gesture](cast)


def _swipe(cast: Cast, way: tuple[float, float]) -> Part:
    rng = cast.rng
    aside = np.radians(rng.uniform(-12.0, 12.0))
    c, s = np.cos(aside), np.sin(aside)
    direction = np.array([c * way[0] - s * way[1], s * way[0] + c * way[1], 0.0])
    length, seconds = rng.uniform(200.0, 360.0), rng.uniform(0.25, 0.4)
    middle = cast.place(600.0, 900.0) * (0.5, 0.5, 1.0)
    start, end = middle - direction * length / 2, middle + direction * length / 2
    begin, over = _REST, _REST + seconds
    lean = rng.uniform(-12.0, 12.0, 3)
    turn = cast.turn("", _OPEN)
    keys = np.array([begin, over])
    pose = cast.held(_OPEN.pose.to_array())

    def play(times: Array) -> tuple[Performance, ...]:
        return (
            cast.perform(
                times,
                angles=still(pose),
                places=(keys, np.array([start, end])),
                turns=(keys, np.array([turn - lean, turn + lean])),
            ),
        )

    return over + _REST, (begin, over), play


def _wave(cast: Cast) -> Part:
    rng = cast.rng
    seconds = 3.0 / rng.uniform(1.6, 2.6)
    swings = np.linspace(_REST, _REST + seconds, 7)
    roll, aside = rng.uniform(15.0, 24.0), rng.uniform(10.0, 50.0)
    sides = np.array([0.0, 1.0, -1.0, 1.0, -1.0, 1.0, 0.0])[:, None]
    turn, place = cast.turn("", _OPEN), cast.place(550.0, 850.0)
    pose = cast.held(_OPEN.pose.to_array())

    def play(times: Array) -> tuple[Performance, ...]:
        return (
            cast.perform(
                times,
                angles=still(pose),
                places=(swings, place + sides * (aside, 0.0, 0.0)),
                turns=(swings, turn + sides * (0.0, 0.0, roll)),
            ),
        )

    return swings[-1] + _REST, (_REST, float(swings[-1])), play


def _circle(cast: Cast, sense: float) -> Part:
    rng = cast.rng
    period, turns = rng.uniform(0.8, 1.3), 1.35
    radius, flat, phase = rng.uniform(50.0, 100.0), rng.uniform(0.75, 1.0), rng.uniform(0, 6.28)
    over = _REST + period * turns
    keys = np.linspace(_REST, over, 200)
    angle = phase + sense * 2 * np.pi * turns * np.linspace(0.0, 1.0, 200)
    zero = np.zeros(200)
    ring = np.stack([np.cos(angle), flat * np.sin(angle), zero], axis=1) * radius
    turn, place = cast.turn("", _POINT), cast.place(550.0, 850.0)
    pose = cast.held(_POINT.pose.to_array())

    def play(times: Array) -> tuple[Performance, ...]:
        return (
            cast.perform(
                times,
                angles=still(pose),
                places=(keys, place + ring),
                turns=still(turn),
            ),
        )

    return over + _REST, (_REST, over), play


def _push(cast: Cast, *, nearer: bool) -> Part:
    rng = cast.rng
    far = cast.place(650.0, 850.0)
    near = far * rng.uniform(0.66, 0.75)
    over = _REST + rng.uniform(0.3, 0.5)
    keys = np.array([_REST, over])
    turn, pose = cast.turn("", _OPEN), cast.held(_OPEN.pose.to_array())
    ends = [far, near] if nearer else [near, far]

    def play(times: Array) -> tuple[Performance, ...]:
        return (
            cast.perform(
                times,
                angles=still(pose),
                places=(keys, np.array(ends)),
                turns=still(turn),
            ),
        )

    return over + _REST, (_REST, over), play


def _grab(cast: Cast, before: Pose, after: Pose) -> Part:
    over = _REST + cast.rng.uniform(0.2, 0.4)
    ends = np.array([cast.held(before.to_array()), cast.held(after.to_array())])
    return _fingers(cast, np.array([_REST, over]), ends, _OPEN, (_REST, over))


def _double_tap(cast: Cast) -> Part:
    rng = cast.rng
    ready, shut = _ready(cast), _shut(cast)
    move, touch, apart = rng.uniform((0.08, 0.1, 0.12), (0.12, 0.15, 0.2))
    keys = _REST + np.cumsum([0.0, move, touch, move, apart, move, touch, move])
    ends = np.array([ready, shut, shut, ready, ready, shut, shut, ready])
    return _fingers(cast, keys, ends, Shape(_PINCH, yaws=(_PINCH_YAW,)), (_REST, float(keys[-1])))


def _fingers(
    cast: Cast, keys: Array, ends: Array, shape: Shape, shown: tuple[float, float]
) -> Part:
    """Return what the fingers of a hand do that stays where it is."""
    turn, place = cast.turn("", shape, shape.yaws[0]), cast.place()

    def play(times: Array) -> tuple[Performance, ...]:
        return (cast.perform(times, angles=(keys, ends), places=still(place), turns=still(turn)),)

    return shown[1] + _REST, shown, play


def _shut(cast: Cast) -> Array:
    """Return a pinch whose tips meet, whoever pinches."""
    return cast.pinched(cast.held(_PINCH.to_array()))


def _ready(cast: Cast) -> Array:
    """Return a hand about to pinch."""
    return cast.pinched(cast.held(READY_TO_PINCH.to_array()), cast.rng.uniform(0.55, 0.8))


def _drag(cast: Cast) -> Part:
    rng = cast.rng
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(100.0, 220.0)
    way = np.array([np.cos(angle), np.sin(angle), 0.0]) * length / 2
    middle = cast.place(550.0, 850.0)
    closed, begin = _REST + 0.2, _REST + 0.5
    over = begin + rng.uniform(0.5, 0.9)
    ready, shut = _ready(cast), _shut(cast)
    turn = cast.turn("", _POINT, _PINCH_YAW)

    def play(times: Array) -> tuple[Performance, ...]:
        return (
            cast.perform(
                times,
                angles=(
                    np.array([_REST, closed, over + 0.2, over + 0.4]),
                    np.array([ready, shut, shut, ready]),
                ),
                places=(np.array([begin, over]), np.array([middle - way, middle + way])),
                turns=still(turn),
            ),
        )

    return over + 0.4 + _REST, (begin, over), play


def _zoom(cast: Cast) -> Part:
    rng = cast.rng
    near, far = rng.uniform(55.0, 80.0), rng.uniform(130.0, 200.0)
    first, last = (near, far) if rng.random() < 0.5 else (far, near)
    middle = cast.place(700.0, 900.0) * (0.4, 0.4, 1.0)
    closed, begin = _REST + 0.2, _REST + 0.5
    over = begin + rng.uniform(0.5, 0.9)
    ready, shut = _ready(cast), _shut(cast)

    def play(times: Array) -> tuple[Performance, ...]:
        hands = []
        for left in (False, True):
            one = cast.with_hand(left=left)
            side = np.array([1.0 if left else -1.0, 0.0, 0.0])
            ends = np.array([middle + side * first, middle + side * last])
            # A right hand on the picture's left and a left one on its right: the camera's view.
            hands.append(
                one.perform(
                    times,
                    angles=(
                        np.array([_REST, closed, over + 0.2, over + 0.4]),
                        np.array([ready, shut, shut, ready]),
                    ),
                    places=(np.array([begin, over]), ends),
                    turns=still(one.turn("", _POINT, _PINCH_YAW)),
                )
            )
        return tuple(hands)

    return over + 0.4 + _REST, (begin, over), play


def _twist(cast: Cast) -> Part:
    rng = cast.rng
    angle = rng.uniform(40.0, 75.0) * (1 if rng.random() < 0.5 else -1)
    closed, begin = _REST + 0.2, _REST + 0.5
    over = begin + rng.uniform(0.4, 0.9)
    ready, shut = _ready(cast), _shut(cast)
    turn, place = cast.turn("", _POINT, _PINCH_YAW), cast.place()
    half = np.array([0.0, 0.0, angle / 2])
    ends = np.array([turn - half, turn + half])

    def play(times: Array) -> tuple[Performance, ...]:
        turning = cast.perform(
            times,
            angles=(
                np.array([_REST, closed, over + 0.2, over + 0.4]),
                np.array([ready, shut, shut, ready]),
            ),
            places=still(place),
            turns=(np.array([begin, over]), ends),
        )
        return (_about_pinch(turning),)

    return over + 0.4 + _REST, (begin, over), play


def _about_pinch(performance: Performance) -> Performance:
    """Return it moved so that the hand turns about what it holds, not about its wrist."""
    _, world = performance.truth()
    held = world[:, [Landmark.THUMB_TIP, Landmark.INDEX_TIP]].mean(axis=1) - world[:, 0]
    shift = (held - held.mean(axis=0)) * 1000.0
    return replace(performance, places=performance.places - shift)


def _clap(cast: Cast) -> Part:
    rng = cast.rng
    apart, touch = rng.uniform(130.0, 190.0), 16.0
    middle = cast.place(700.0, 900.0) * (0.4, 0.4, 1.0)
    begin = _REST
    meet = begin + rng.uniform(0.18, 0.3)
    away = meet + 0.06
    over = away + rng.uniform(0.25, 0.4)
    yaw = rng.uniform(45.0, 70.0)
    keys = np.array([begin, meet, away, over])
    pose = cast.held(_OPEN.pose.to_array())

    def play(times: Array) -> tuple[Performance, ...]:
        hands = []
        for left in (False, True):
            one = cast.with_hand(left=left)
            side = np.array([1.0 if left else -1.0, 0.0, 0.0])
            gaps = np.array([apart, touch, touch, apart])[:, None]
            turn = one.turn("", _OPEN, yaw) * (1.0, 0.5, 0.5)
            hands.append(
                one.perform(
                    times,
                    angles=still(pose),
                    places=(keys, middle + side * gaps),
                    turns=still(turn),
                )
            )
        return tuple(hands)

    return over + _REST, (begin, over), play

"""How each static gesture is held: joint angles, and which way the hand is turned.

A name may have several variants, for people hold their thumbs as they please.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgehands.synthetic.pose import GESTURES, FingerAngles, Pose, ThumbAngles

PALM, ASIDE, BACK = 0.0, -40.0, 180.0
"""Yaws: which side of the hand the camera sees; fingers that meet before the palm would hide one
another, so such a hand is turned aside."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to hold a gesture."""

    pose: Pose
    roll: float = 0.0
    """Degrees that a right hand with its palm to the camera is turned clockwise on the picture; a
    left hand, or the back of one, the other way. 0 has the fingers up."""
    yaws: tuple[float, ...] = (PALM,)
    """The sides that people show, about the hand's long axis."""

    def turned(self, roll: float) -> Shape:
        """Return the shape turned to another roll."""
        return Shape(self.pose, roll, self.yaws)

    def from_both_sides(self) -> Shape:
        """Return the shape as shown with the palm or with the back."""
        return Shape(self.pose, self.roll, (PALM, BACK))


_STRAIGHT: FingerAngles = (4.0, 0.0, 4.0, 3.0)
_CURLED: FingerAngles = (82.0, 0.0, 102.0, 62.0)
_HOOKED: FingerAngles = (12.0, 0.0, 92.0, 52.0)

_THUMB_OUT: ThumbAngles = (48.0, 12.0, 50.0, 8.0, 4.0)
_THUMB_UP: ThumbAngles = (54.0, 10.0, 71.0, -15.0, -18.0)
_THUMB_BESIDE: ThumbAngles = (22.0, 20.0, 60.0, 18.0, 12.0)
_THUMB_ON_INDEX: ThumbAngles = (44.0, 34.0, 56.0, 58.0, 67.0)
_THUMB_ON_MIDDLE: ThumbAngles = (35.0, 38.0, 62.0, 58.0, 63.0)
_THUMB_ON_RING: ThumbAngles = (38.0, 48.0, 68.0, 61.0, 67.0)
_THUMB_RELAXED: ThumbAngles = (36.0, 26.0, 52.0, 20.0, 18.0)


def _spread(angles: FingerAngles, degrees: float) -> FingerAngles:
    return angles[0], angles[1] + degrees, angles[2], angles[3]


_INDEX = _spread(_STRAIGHT, 7.0)
_RING = _spread(_STRAIGHT, -7.0)
_PINKY = _spread(_STRAIGHT, -14.0)

RELAXED = Pose(
    _THUMB_RELAXED,
    (28.0, 2.0, 38.0, 18.0),
    (34.0, 0.0, 44.0, 22.0),
    (38.0, -3.0, 48.0, 24.0),
    (38.0, -8.0, 46.0, 24.0),
)
"""A hand that shows nothing: half open, more so to the pinky's side."""
READY_TO_PINCH = Pose(
    (36.0, 28.0, 54.0, 12.0, 24.0),
    (46.0, 2.0, 36.0, 16.0),
    GESTURES["pinch"].middle,
    GESTURES["pinch"].ring,
    GESTURES["pinch"].pinky,
)
"""Thumb and index finger about to meet."""

_POINTING = Shape(GESTURES["pointing_up"]).from_both_sides()
_THUMB = Shape(GESTURES["thumb_up"]).from_both_sides()
_PALM_CLOSED = Pose(_THUMB_OUT, _STRAIGHT, _STRAIGHT, _STRAIGHT, _spread(_STRAIGHT, -4.0))
_FIST_BESIDE = Pose(_THUMB_BESIDE, _CURLED, _CURLED, _CURLED, _CURLED)
_ROCK_MIDDLE = Pose(_THUMB_ON_RING, _INDEX, _CURLED, _CURLED, _spread(_STRAIGHT, -8.0))
_VICTORY_WIDE = Pose(
    _THUMB_ON_MIDDLE, _spread(_STRAIGHT, 14.0), _spread(_STRAIGHT, -14.0), _CURLED, _CURLED
)
_CROSSED = Pose(_THUMB_ON_RING, (4.0, -13.0, 6.0, 4.0), (16.0, 13.0, 14.0, 6.0), _CURLED, _CURLED)
_CROSSED_BEHIND = Pose(
    _THUMB_ON_RING, (16.0, -12.0, 14.0, 6.0), (2.0, 13.0, 4.0, 4.0), _CURLED, _CURLED
)
_THREE_THUMB = Pose(_THUMB_OUT, _INDEX, _STRAIGHT, _CURLED, _CURLED)
_HOOK = Pose(_THUMB_ON_MIDDLE, _HOOKED, _CURLED, _CURLED, _CURLED)
_GUN = Shape(GESTURES["gun"]).from_both_sides()

SHAPES: dict[str, tuple[Shape, ...]] = {
    "open_palm": (Shape(GESTURES["open_palm"]), Shape(_PALM_CLOSED)),
    "fist": (Shape(GESTURES["fist"]), Shape(_FIST_BESIDE)),
    "pointing_up": (_POINTING,),
    "pointing_right": (_POINTING.turned(90.0),),
    "pointing_down": (_POINTING.turned(180.0),),
    "pointing_left": (_POINTING.turned(-90.0),),
    "victory": (Shape(GESTURES["victory"]), Shape(_VICTORY_WIDE)),
    "thumb_up": (_THUMB.turned(-90.0),),
    "thumb_down": (_THUMB.turned(90.0),),
    "ok": (Shape(GESTURES["ok"]),),
    "pinch": (Shape(GESTURES["pinch"], yaws=(ASIDE,)),),
    "rock": (Shape(GESTURES["rock"]), Shape(_ROCK_MIDDLE)),
    "spiderman": (Shape(GESTURES["i_love_you"]),),
    "call_me": (Shape(GESTURES["call_me"]).from_both_sides(),),
    "three_american": (Shape(GESTURES["three"]),),
    "three_european": (Shape(_THREE_THUMB),),
    "four": (Shape(GESTURES["four"]),),
    "gun": (_GUN,),
    "crossed_fingers": (Shape(_CROSSED), Shape(_CROSSED_BEHIND)),
    "hook": (Shape(_HOOK).from_both_sides(),),
}
"""Each static gesture's variants by its name in the vocabulary."""

CLOSED = {"fist", "thumb_up", "thumb_down", "hook", "pinch", "call_me"}
"""Gestures for which a hand closes: that is a grab, and opening it again a release."""
TOUCHING = {"pinch", "ok"}
"""Gestures in which the tips of thumb and index finger meet, whoever makes them."""
AIMED = {"pointing_right", "pointing_left"}
"""Gestures whose roll is a direction of the picture: it does not turn with the side of the hand."""


def roll_of(gesture: str, shape: Shape, *, left: bool, yaw: float) -> float:
    """Return the roll on the picture, degrees clockwise, with which this hand shows a shape."""
    if gesture in AIMED:
        return shape.roll
    return shape.roll * (-1 if left else 1) * (-1 if abs(yaw) > 90 else 1)

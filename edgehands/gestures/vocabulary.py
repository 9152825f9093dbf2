"""The vocabulary: what makes each static gesture, read as data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from edgehands.errors import ConfigError
from edgehands.settings import GestureRules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.settings import Culture

SHIPPED = Path(__file__).with_name("vocabulary.toml")

ThumbState = Literal["out", "in", "apart", "folded", "beside", "over", "across"]
FingerState = Literal["straight", "bent", "curled", "folded"]
GapState = Literal["apart", "together", "crossed"]
TouchState = Literal["touching", "clear"]
Direction = Literal["up", "down", "left", "right"]
Facing = Literal["camera", "away", "up", "down", "left", "right"]

Thumb = ThumbState | Annotated[tuple[ThumbState, ...], Meta(min_length=1)]
Finger = FingerState | Annotated[tuple[FingerState, ...], Meta(min_length=1)]
Gap = GapState | Annotated[tuple[GapState, ...], Meta(min_length=1)]
Directions = Direction | Annotated[tuple[Direction, ...], Meta(min_length=1)]
KnownShape = Literal[
    "open_palm",
    "fist",
    "pointing",
    "gun",
    "victory",
    "crossed_fingers",
    "thumb",
    "three_american",
    "three_european",
    "four",
    "rock",
    "spiderman",
    "call_me",
    "ok",
    "pinch",
    "hook",
]
Number = Annotated[int, Meta(ge=0, le=10)]
Lead = Annotated[float, Meta(ge=0.0, le=0.9)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What all tables of a pose have."""


class Points(_Part, frozen=True):
    """Where fingers, and the hand from wrist to knuckles, point in the picture."""

    thumb: Directions | None = None
    index: Directions | None = None
    middle: Directions | None = None
    ring: Directions | None = None
    pinky: Directions | None = None
    hand: Directions | None = None


class Numbers(_Part, frozen=True):
    """What a pose counts, by culture."""

    american: Number | None = None
    european: Number | None = None
    chinese: Number | None = None


class Pose(_Part, frozen=True):
    """What makes one static gesture.

    What is left out may be as it likes; several states in [ ] mean any of them.
    """

    thumb: Thumb | None = None
    index: Finger | None = None
    middle: Finger | None = None
    ring: Finger | None = None
    pinky: Finger | None = None
    index_middle: Gap | None = None
    """How the tips of two neighbours lie, side by side."""
    middle_ring: Gap | None = None
    ring_pinky: Gap | None = None
    thumb_index: TouchState | None = None
    """Whether the thumb's tip is at this finger's."""
    thumb_middle: TouchState | None = None
    thumb_ring: TouchState | None = None
    thumb_pinky: TouchState | None = None
    points: Points = Points()
    hand: Literal["flat"] | None = None
    """All fingers together: "flat" is quite straight, or less so with the thumb far off."""
    palm: Facing | Annotated[tuple[Facing, ...], Meta(min_length=1)] | None = None
    """Where the palm faces, seen from the camera."""
    side: Literal["left", "right"] | None = None
    """The hand that can show it."""
    like: KnownShape | None = None
    """The hand as a whole is like those that show this shape. Its other conditions, but where it
    points and faces, are loose then."""
    numbers: Numbers = Numbers()
    margin: Lead = 0.1
    """By how much it must score better than any pose that contradicts it."""
    experimental: bool = False
    """It counts only where the config has a table of its rules."""

    def conditions(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield what must hold, each as (subject, states): ("index", ("bent", "curled"))."""
        for subject in _SUBJECTS:
            if states := getattr(self, subject):
                yield subject, _several(states)
        for finger, directions in msgspec.structs.asdict(self.points).items():
            if directions:
                yield f"{finger}_points", _several(directions)


def _several(states: str | tuple[str, ...]) -> tuple[str, ...]:
    return (states,) if isinstance(states, str) else states


_SUBJECTS = tuple(
    name
    for name in Pose.__struct_fields__
    if name not in ("points", "numbers", "margin", "experimental")
)

Vocabulary = dict[str, Pose]

MEDIAPIPE_NAMES = {
    "Closed_Fist": "fist",
    "Open_Palm": "open_palm",
    "Pointing_Up": "pointing_up",
    "Thumb_Down": "thumb_down",
    "Thumb_Up": "thumb_up",
    "Victory": "victory",
    "ILoveYou": "spiderman",
}
"""The gestures of MediaPipe's recogniser (its "canned" ones), and what they are called here."""


def read_vocabulary(path: Path) -> Vocabulary:
    """Read a vocabulary file.

    Raises:
        ConfigError: it cannot be read or a pose in it has a mistake.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Vocabulary)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"gesture vocabulary {path}: {error}") from error


@cache
def shipped_vocabulary() -> Vocabulary:
    """Return the vocabulary that comes with EdgeHands."""
    return read_vocabulary(SHIPPED)


def default_rules(vocabulary: Vocabulary) -> dict[str, GestureRules]:
    """Return rules that switch off what counts only on request."""
    names = (name for name, pose in vocabulary.items() if pose.experimental)
    return {name: GestureRules(enabled=False) for name in names}


def numbers(vocabulary: Vocabulary, culture: Culture) -> dict[str, int]:
    """Return what poses count in a culture, by their names."""
    counts = {name: getattr(pose.numbers, culture) for name, pose in vocabulary.items()}
    return {name: count for name, count in counts.items() if count is not None}

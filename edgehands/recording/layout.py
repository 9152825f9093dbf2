"""What stands in a recording.

A file begins with MAGIC and the format's version. Then come records: the length of the payload, its
checksum, and the payload, MessagePack. The first record is a `Header`, then one follows for each
frame and one for the end of the run; without that the recorder was killed. Landmarks are kept as
the float32 that they were, so that a replay sees what the run saw.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import msgspec
import numpy as np

from edgehands._version import __version__
from edgehands.events import Event  # noqa: TC001 (msgspec reads it at run time)
from edgehands.gestures.learned import Learned  # noqa: TC001 (as above)
from edgehands.gestures.vocabulary import Pose  # noqa: TC001 (as above)
from edgehands.hand import LANDMARK_COUNT, FloatArray, Hand, Handedness, Roi
from edgehands.settings import EventSettings, GestureRules

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIX = ".hands"
MAGIC = b"\x89HANDS"
VERSION = 1

BEGINNING = struct.Struct("<6sH")
"""MAGIC and version."""
PREFIX = struct.Struct("<II")
"""Of a record: length of the payload in bytes, and its checksum."""
LONGEST = 1 << 26
"""Bytes of a payload; a longer one is damage, not to be read into memory."""


def checksum(payload: bytes, number: int) -> int:
    """CRC-32, begun with the record's number, so that none is lost or moved unnoticed."""
    return zlib.crc32(payload, number)


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for the whole recording."""

    run: str
    """The recording's id, and that of its run: what its event ids begin with."""
    camera: str
    """Its name in events."""
    width: int = 0
    height: int = 0
    """Of the picture that the landmarks are in, pixels; 0 until there is a picture."""
    live: bool = False
    """From a camera: `ts` counts from 1970."""
    mirrored: bool = False
    """The pictures were mirrored; the sides are swapped back."""
    static: bool = False
    """Each frame stands alone: nothing had a delay."""
    gestures: dict[str, GestureRules] = {}
    """The rules of the run, by gesture."""
    events: EventSettings = EventSettings()
    """What held for all gestures together."""
    own: dict[str, Pose] = {}
    """The user's own definitions."""
    learned: tuple[Learned, ...] = ()
    """The user's gestures by example."""
    model: str = ""
    """Landmark model by id; "" where the landmarks are no model's."""
    runs_on: str = ""
    """The runtime and device, in words."""
    edgehands: str = __version__


Cut: TypeAlias = Literal["", "paused", "lost"]
"""Why no hands were looked for, and what was under way ended: the run was paused, or the camera
gave nothing that shows anything, so that this is no frame; "" where they were looked for."""


class Change(msgspec.Struct, frozen=True, array_like=True):
    """What was changed while the run was under way."""

    rules: dict[str, GestureRules]
    """Of all gestures."""
    mirrored: bool | None = None
    """Whether the pictures are; None leaves it."""


class Entry(NamedTuple):
    """One recorded frame."""

    time: float
    """Seconds, as the tracker had it."""
    ts: float
    """The time that its events carry, before they round it."""
    hands: Sequence[Hand] = ()
    events: Sequence[Event] = ()
    """What began or ended in it, as the run said."""
    cut: Cut = ""
    change: Change | None = None
    """What holds from this frame on."""


class StoredHand(msgspec.Struct, frozen=True, array_like=True):
    """A `Hand` with its arrays as bytes: float32 in little-endian order."""

    id: int
    landmarks: bytes
    world_landmarks: bytes
    presence: float
    handedness: Handedness
    handedness_score: float
    roi: tuple[float, float, float, float]


class StoredFrame(msgspec.Struct, frozen=True, array_like=True, tag="frame"):
    """An `Entry`."""

    time: float
    ts: float
    hands: tuple[StoredHand, ...]
    events: tuple[Event, ...]
    # Recordings of before have neither.
    cut: Cut = ""
    change: Change | None = None


class Ending(msgspec.Struct, frozen=True, array_like=True, tag="ending"):
    """The last record: what the end of the run ended."""

    events: tuple[Event, ...]


def stored(hand: Hand) -> StoredHand:
    """Turn a hand into what is written."""
    return StoredHand(
        hand.id,
        hand.landmarks.astype("<f4").tobytes(),
        hand.world_landmarks.astype("<f4").tobytes(),
        float(hand.presence),
        hand.handedness,
        float(hand.handedness_score),
        (hand.roi.cx, hand.roi.cy, hand.roi.size, hand.roi.angle),
    )


def restored(hand: StoredHand) -> Hand:
    """Turn what was written into the hand that it was."""
    return Hand(
        id=hand.id,
        landmarks=_points(hand.landmarks),
        world_landmarks=_points(hand.world_landmarks),
        presence=hand.presence,
        handedness=hand.handedness,
        handedness_score=hand.handedness_score,
        roi=Roi(*hand.roi),
    )


def _points(content: bytes) -> FloatArray:
    points = np.frombuffer(content, "<f4").astype(np.float32)
    return points.reshape(LANDMARK_COUNT, 3)

"""The vocabulary: which finger states and directions make each static gesture, read as data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from edgehands.errors import ConfigError

SHIPPED = Path(__file__).with_name("vocabulary.toml")

FingerPattern = Literal["straight", "curled"] | None
FingerName = Literal["thumb", "index", "middle", "ring", "pinky"]
Direction = Literal["up", "down", "left", "right"]


class Pointing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a finger must point in the image."""

    finger: FingerName
    direction: Direction


class Pose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What makes one static gesture; None leaves that finger free."""

    thumb: FingerPattern = None
    index: FingerPattern = None
    middle: FingerPattern = None
    ring: FingerPattern = None
    pinky: FingerPattern = None
    points: Pointing | None = None

    def fingers(self) -> dict[str, FingerPattern]:
        """The pattern of each finger by its name."""
        return {
            "thumb": self.thumb,
            "index": self.index,
            "middle": self.middle,
            "ring": self.ring,
            "pinky": self.pinky,
        }


Vocabulary = dict[str, Pose]


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

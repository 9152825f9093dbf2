"""How each finger of a hand is held: a number, a degree of each state, and the state's name.

For one's own code. Poses are scored all at once in `scoring`, by the same borders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgehands.gestures.measures import LONG_FINGERS, UNITS, measure
from edgehands.gestures.scoring import state_degree
from edgehands.hand import FINGERS

if TYPE_CHECKING:
    from edgehands.hand import Hand

_NUMBERS = {name: number for number, name in enumerate(UNITS)}
_THUMB_STATES = ("apart", "across", "folded")
_LONG_STATES = ("straight", "bent", "curled")


@dataclass(frozen=True, slots=True)
class Finger:
    """How one finger is held."""

    bend: float
    """Degrees, the angles of its three joints added up: 30 to 90 when straight, over 180 in a
    fist."""
    degrees: dict[str, float]
    """How far it is in each state, 0 to 1; 0.5 is a border. "straight", "bent" and "curled"; of the
    thumb "apart" from the hand, "across" the palm, "folded" on the hand, and "up": apart and
    pointing up in the picture."""

    @property
    def state(self) -> str:
        """The state's name; "up" goes before "apart", and "across" before "folded"."""
        degrees = self.degrees
        if "up" in degrees:
            return next(
                (name for name in ("up", "apart", "across") if degrees[name] >= 0.5), "folded"
            )
        return max(_LONG_STATES, key=lambda name: degrees[name])


def read_fingers(hand: Hand, *, mirrored: bool = False) -> dict[str, Finger]:
    """Return how each finger is held by its name, thumb first.

    Args:
        hand: as the tracker returned it.
        mirrored: the picture is mirrored, as in a selfie.
    """
    measures = measure(hand, mirrored=mirrored)
    fingers = {}
    for name in FINGERS:
        states = _LONG_STATES if name in LONG_FINGERS else _THUMB_STATES
        degrees = {state: state_degree(name, state, measures) for state in states}
        if name == "thumb":
            up = state_degree("thumb_points", "up", measures)
            degrees["up"] = min(degrees["apart"], up)
        fingers[name] = Finger(float(measures[_NUMBERS[f"{name} bend"]]), degrees)
    return fingers

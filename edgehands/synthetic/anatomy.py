"""The hand that is drawn: its bones and how thick the flesh is around them.

Everything is in millimetres and stands in the *hand frame* of a right hand that holds its palm
towards the camera with the fingers up: x to the thumb's side, y down to the elbow, z away from the
camera, out of the back of the hand; the forearm turns about the origin. A left hand is this one in
a mirror.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Finger:
    """One finger from its first joint to its tip."""

    root: Point
    """Where its first joint turns: the MCP, or the thumb's CMC."""
    fan: float
    """Degrees by which it points to the thumb's side at rest."""
    roll: float
    """Degrees by which its nail faces the thumb's side at rest: it bends away from that side."""
    lengths: Point
    """Three bones; the last one ends at the TIP landmark, short of the end of the flesh."""
    radii: tuple[float, float, float, float]
    """Flesh around the four joints."""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A whole hand."""

    thumb: Finger
    index: Finger
    middle: Finger
    ring: Finger
    pinky: Finger
    wrist: Point = (-2.5, -5.5, -0.5)
    """Of the WRIST landmark: a little into the hand from where the forearm turns."""

    @property
    def fingers(self) -> tuple[Finger, Finger, Finger, Finger, Finger]:
        """From the thumb to the pinky, as landmarks 1 to 20 are ordered."""
        return self.thumb, self.index, self.middle, self.ring, self.pinky


ADULT = Anatomy(
    thumb=Finger((23.0, -24.5, -11.0), 0.0, 0.0, (39.0, 32.5, 23.5), (14.0, 11.6, 10.8, 8.6)),
    index=Finger((26.0, -90.0, 0.0), 4.0, 4.0, (41.0, 24.0, 21.0), (11.2, 9.8, 8.6, 7.0)),
    middle=Finger((2.0, -92.0, 2.0), 0.0, -2.0, (45.0, 28.0, 22.0), (11.2, 10.0, 8.8, 7.2)),
    ring=Finger((-19.5, -86.0, 0.0), -3.0, -8.0, (42.0, 26.0, 22.0), (10.7, 9.4, 8.2, 6.8)),
    pinky=Finger((-38.0, -76.5, -3.5), -8.0, -14.0, (33.0, 19.5, 19.0), (9.4, 8.2, 7.2, 6.1)),
)
"""A grown person's hand of middling size, from common anthropometric figures."""


def varied(anatomy: Anatomy, rng: np.random.Generator) -> Anatomy:
    """Return a different person's hand: longer or shorter fingers, slimmer or fuller flesh."""
    length = float(rng.uniform(0.94, 1.06))
    flesh = float(rng.uniform(0.9, 1.1))

    def vary(finger: Finger) -> Finger:
        own = length * float(rng.uniform(0.98, 1.02))
        a, b, c = finger.lengths
        r0, r1, r2, r3 = finger.radii
        return replace(
            finger,
            lengths=(a * own, b * own, c * own),
            radii=(r0 * flesh, r1 * flesh, r2 * flesh, r3 * flesh),
        )

    thumb, index, middle, ring, pinky = (vary(finger) for finger in anatomy.fingers)
    return Anatomy(thumb, index, middle, ring, pinky, anatomy.wrist)

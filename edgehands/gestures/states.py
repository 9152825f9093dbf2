"""The named states of fingers, thumb and palm: which measure must lie in which range.

Every border was chosen on drawn hands of the tuning seed as the whole pipeline sees them, whose
depth is too flat by about half, and looked at on two real clips and five photographs.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

from edgehands.gestures.likeness import SHAPES_KNOWN
from edgehands.gestures.measures import DIRECTIONS, FACINGS, LONG_FINGERS
from edgehands.hand import FINGERS


class Need(NamedTuple):
    """A range that a measure must lie in."""

    measure: str
    """A key of `measures.UNITS`."""
    low: float = -math.inf
    high: float = math.inf
    softness: float = 1.0
    """By how much inside the range the degree is 0.73; at its ends it is 0.5."""

    def loosened(self, by: float) -> Need:
        """Return a wider range: at either end by that many softnesses."""
        slack = by * self.softness
        return self._replace(low=self.low - slack, high=self.high + slack)

    def excludes(self, other: Need) -> bool:
        """Whether no hand can meet both: ranges that do not overlap, or two ways to point."""
        if self.measure != other.measure:
            subject, off, _ = self.measure.partition(" off ")
            return bool(off) and other.measure.startswith(f"{subject} off ")
        return self.low >= other.high or self.high <= other.low


Alternatives: TypeAlias = tuple[tuple[Need, ...], ...]
"""Any of these, and of it all needs."""

_STRAIGHT_ABOVE, _STRETCH_SOFTNESS = 1.19, 0.03
_FOLDED_BELOW = 1.17
_CURLED_BELOW = {"index": 0.84, "middle": 1.0, "ring": 1.0, "pinky": 1.0}
_BEND_LIMITS, _BEND_SOFTNESS = {"index": 160.0, "middle": 130.0, "ring": 95.0, "pinky": 110.0}, 6.0
_FLAT_BELOW, _FLAT_SOFTNESS = 55.0, 4.0
_APART_REACH, _APART_OUTSIDE, _ACROSS_BELOW, _THUMB_SOFTNESS = 0.38, 0.14, 0.0, 0.03
_ACROSS_REACH, _OVER_BELOW, _BESIDE_ABOVE = 0.25, 0.03, 0.08
_OUT_REACH, _OUT_OUTSIDE = 0.57, 0.34
_SPREAD_ABOVE, _CROSSED_BELOW, _GAP_SOFTNESS = 1.15, 0.6, 0.1
_TOUCH_BELOW, _NEARER_BELOW, _TOUCH_SOFTNESS = 0.40, 0.02, 0.02
_CONES = {**dict.fromkeys((*FINGERS, "hand"), 45.0), "thumb": 62.0}
# Nobody points left with a thumb: up and down may be wide.
_CONE_SOFTNESS = 4.0
_SIDE_SOFTNESS = 0.05
_FACING_CONE = 55.0  # three axes: the six cones just meet at the corners between them


def _either(*needs: Need) -> Alternatives:
    return tuple((need,) for need in needs)


def _both(*needs: Need) -> Alternatives:
    return (needs,)


def _split(measure: str, border: float, softness: float) -> tuple[Need, Need]:
    """Return what is below a border and what is above."""
    return (
        Need(measure, -math.inf, border, softness),
        Need(measure, border, math.inf, softness),
    )


def _finger(name: str) -> dict[tuple[str, str], Alternatives]:
    stretch, to_tip = f"{name} stretch", f"thumb to {name}"
    soft = _STRETCH_SOFTNESS
    near, far = _split(to_tip, _TOUCH_BELOW, _TOUCH_SOFTNESS)
    # A thumb that is nearer to the middle of another finger than to this tip lies on that finger,
    # if it is over the palm at all.
    on_tip, on_joint = _split(f"{to_tip} or others", _NEARER_BELOW, _TOUCH_SOFTNESS)
    over, beside = _split("thumb outside", _BESIDE_ABOVE, _THUMB_SOFTNESS)
    return {
        (name, "straight"): _both(
            Need(stretch, _STRAIGHT_ABOVE, math.inf, soft),
            Need(f"{name} bend", -math.inf, _BEND_LIMITS[name], _BEND_SOFTNESS),
        ),
        (name, "bent"): _both(Need(stretch, _CURLED_BELOW[name], _STRAIGHT_ABOVE, soft)),
        (name, "curled"): _both(Need(stretch, -math.inf, _CURLED_BELOW[name], soft)),
        (name, "folded"): _both(Need(stretch, -math.inf, _FOLDED_BELOW, soft)),
        (f"thumb_{name}", "touching"): ((near, on_tip), (near, beside)),
        (f"thumb_{name}", "clear"): ((far,), (on_joint, over)),
    }


def _gap(name: str) -> dict[tuple[str, str], Alternatives]:
    gap = f"{name} gap"
    ends = (-math.inf, _CROSSED_BELOW, _SPREAD_ABOVE, math.inf)
    return {
        (name, state): _both(Need(gap, ends[i], ends[i + 1], _GAP_SOFTNESS))
        for i, state in enumerate(("crossed", "together", "apart"))
    }


def _within(measure: str, cone: float) -> Alternatives:
    return _both(Need(measure, -math.inf, cone, _CONE_SOFTNESS))


STATES: dict[tuple[str, str], Alternatives] = {
    ("thumb", "apart"): _both(
        Need("thumb reach", _APART_REACH, math.inf, _THUMB_SOFTNESS),
        Need("thumb outside", _APART_OUTSIDE, math.inf, _THUMB_SOFTNESS),
    ),
    ("thumb", "out"): _both(
        Need("thumb reach", _OUT_REACH, math.inf, _THUMB_SOFTNESS),
        Need("thumb outside", _OUT_OUTSIDE, math.inf, _THUMB_SOFTNESS),
    ),
    ("thumb", "in"): _either(
        Need("thumb reach", -math.inf, _OUT_REACH, _THUMB_SOFTNESS),
        Need("thumb outside", -math.inf, _OUT_OUTSIDE, _THUMB_SOFTNESS),
    ),
    ("thumb", "over"): _both(Need("thumb outside", -math.inf, _OVER_BELOW, _THUMB_SOFTNESS)),
    ("thumb", "folded"): _either(
        Need("thumb reach", -math.inf, _APART_REACH, _THUMB_SOFTNESS),
        Need("thumb outside", -math.inf, _APART_OUTSIDE, _THUMB_SOFTNESS),
    ),
    ("thumb", "across"): _both(
        Need("thumb outside", -math.inf, _ACROSS_BELOW, _THUMB_SOFTNESS),
        Need("thumb reach", _ACROSS_REACH, math.inf, _THUMB_SOFTNESS),
    ),
    ("thumb", "beside"): _both(Need("thumb outside", _ACROSS_BELOW, math.inf, _THUMB_SOFTNESS)),
    **{("like", name): _both(Need(f"likeness to {name}", 0.0)) for name in SHAPES_KNOWN},
    ("hand", "flat"): _both(Need("hand bend", -math.inf, _FLAT_BELOW, _FLAT_SOFTNESS)),
    **{key: state for name in LONG_FINGERS for key, state in _finger(name).items()},
    **{
        key: state
        for name in ("index_middle", "middle_ring", "ring_pinky")
        for key, state in _gap(name).items()
    },
    **{
        (f"{name}_points", way): _within(f"{name} off {way}", _CONES[name])
        for name in (*FINGERS, "hand")
        for way in DIRECTIONS
    },
    **{("palm", way): _within(f"palm off {way}", _FACING_CONE) for way in FACINGS},
    ("side", "left"): _both(Need("right hand", -math.inf, 0.5, _SIDE_SOFTNESS)),
    ("side", "right"): _both(Need("right hand", 0.5, math.inf, _SIDE_SOFTNESS)),
}
"""What each state of each subject needs, by (subject, state): ("index", "straight")."""

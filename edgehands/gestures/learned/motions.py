"""Which learned motion a hand makes: its latest way against the examples, warped in time.

Pure: time is an argument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edgehands.gestures.learned.examples import arrays
from edgehands.gestures.learned.warping import straight_distances, warped_distance
from edgehands.gestures.learned.ways import STEPS, WIDTH, Places, extent, read_place, way_between
from edgehands.gestures.motions import Motion
from edgehands.settings import GestureRules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edgehands.gestures.learned.examples import LearnedMotion
    from edgehands.hand import FloatArray, Hand

PACES = (0.75, 1.0, 1.35)
"""How long a motion may take, in the time that its examples took."""
LEAD = 0.9
"""Of the distance of what is something else: an example must be clearly nearer."""

_WARPED_AT_ONCE = 2  # the nearest step by step, which alone are warped
_WORTH_WARPING = 1.7  # times the border, step by step
_LEAST_EXTENT = 0.5  # of the examples' own
_LOOK_INTERVAL = 0.05  # seconds
_GAP = 0.25  # seconds without the hand after which its way begins anew
_SOFTNESS = 0.05
_DEFAULT_RULES = GestureRules()


@dataclass(slots=True)
class _Model:
    """A gesture, ready to be compared with."""

    name: str
    within: float
    examples: FloatArray
    others: FloatArray
    seconds: float
    least_extent: float

    @classmethod
    def of(cls, gesture: LearnedMotion) -> _Model:
        examples = arrays(gesture.examples, STEPS, WIDTH)
        least = _LEAST_EXTENT * min(extent(example) for example in examples)
        others = arrays(gesture.others, STEPS, WIDTH)
        seconds = float(np.median(gesture.seconds))
        return cls(gesture.name, gesture.within, examples, others, seconds, least)

    def distance(self, way: FloatArray) -> float:
        """Return the distance to the nearest example, infinite where it is not worth a look."""
        if extent(way) < self.least_extent:
            return math.inf
        return _nearest(way, self.examples, self.within)

    def score(self, way: FloatArray, distance: float) -> float:
        """Return the score, 0 to 1, of a way at that distance."""
        limit = self.within
        if len(self.others):
            limit = min(limit, LEAD * _nearest(way, self.others, math.inf))
        return 1 / (1 + math.exp(max(-30.0, min((distance - limit) / _SOFTNESS, 30.0))))


@dataclass(slots=True)
class _Track:
    """What is known of one hand."""

    places: Places = field(default_factory=lambda: np.empty((0, WIDTH + 2)))
    """[N, 14], the latest last."""
    looked: float = -math.inf
    best: tuple[float, _Model, FloatArray] | None = None
    """The nearest yet of a motion that is just being completed: distance, which one, its way."""


class LearnedMotions:
    """Follows hands and tells when one has made a learned motion.

    Args:
        gestures: as they were learned.
        rules: per gesture; one without an entry has the defaults.
        mirrored: the pictures are mirrored, as in a selfie; left and right are swapped back.
    """

    def __init__(
        self,
        gestures: Sequence[LearnedMotion],
        rules: Mapping[str, GestureRules] | None = None,
        *,
        mirrored: bool = False,
    ) -> None:
        self._names = [gesture.name for gesture in gestures]
        self.set_rules(rules or {})
        enabled = [gesture for gesture in gestures if self._rules[gesture.name].enabled]
        self._models = [_Model.of(gesture) for gesture in enabled]
        self._mirrored = mirrored
        self._memory = max((PACES[-1] * model.seconds for model in self._models), default=0.0)
        self._tracks: dict[int, _Track] = {}

    def set_rules(self, rules: Mapping[str, GestureRules]) -> None:
        """Let other rules hold from now on; what is enabled stays as it was."""
        self._rules = {name: rules.get(name, _DEFAULT_RULES) for name in self._names}

    def update(self, hands: Sequence[Hand], time: float) -> list[Motion]:
        """Take a frame's hands and return the motions that they have completed."""
        if not self._models:
            return []
        for id_ in [id_ for id_, track in self._tracks.items() if _is_lost(track, time)]:
            del self._tracks[id_]
        motions = []
        for hand in hands:
            track = self._tracks.setdefault(hand.id, _Track())
            place = read_place(hand, time, mirrored=self._mirrored)
            late = track.places[track.places[:, 0] >= time - self._memory - _GAP]
            track.places = np.concatenate([late, place[None]])
            if time - track.looked >= _LOOK_INTERVAL:
                track.looked = time
                motions += self._look(track, hand.id)
        return motions

    def _look(self, track: _Track, id_: int) -> list[Motion]:
        """Compare a hand's latest way; what was nearer a moment ago is complete."""
        now = min(self._distances(track), key=lambda found: found[0], default=None)
        if now is not None and now[0] <= min(now[1].within, _distance_of(track.best)):
            track.best = now
            return []
        if track.best is None:
            return []
        distance, model, way = track.best
        track.best = None
        score = model.score(way, distance)
        if score < self._rules[model.name].min_score:
            return []
        track.places = track.places[-1:]  # no part of a motion belongs to the next one
        return [Motion(model.name, "start", (id_,), score)]

    def _distances(self, track: _Track) -> Iterator[tuple[float, _Model, FloatArray]]:
        end = track.places[-1, 0]
        for model in self._models:
            for pace in PACES:
                begin = end - pace * model.seconds
                if track.places[0, 0] > begin:
                    break
                way = way_between(track.places, begin, end)
                yield model.distance(way), model, way


def _nearest(way: FloatArray, examples: FloatArray, worth: float) -> float:
    """Return the distance to the nearest example, infinite if it is more than is worth a look."""
    straight = straight_distances(way, examples)
    nearest = np.argsort(straight)[:_WARPED_AT_ONCE]
    if straight[nearest[0]] > _WORTH_WARPING * worth:
        return math.inf
    return min(warped_distance(way, examples[number], worth) for number in nearest)


def _distance_of(best: tuple[float, _Model, FloatArray] | None) -> float:
    return best[0] if best else math.inf


def _is_lost(track: _Track, time: float) -> bool:
    return len(track.places) > 0 and time - track.places[-1, 0] > _GAP

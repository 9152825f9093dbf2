"""Which learned motion a hand makes: its latest way against the examples, warped in time.

Pure: time is an argument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edgehands.gestures.learned.examples import arrays
from edgehands.gestures.learned.warping import straight_distances, warped_distance
from edgehands.gestures.learned.ways import (
    STEPS,
    WIDTH,
    Places,
    extent,
    extents,
    pace,
    read_place,
    ways_until,
)
from edgehands.gestures.motions import Motion
from edgehands.settings import GestureRules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edgehands.gestures.learned.examples import LearnedMotion
    from edgehands.hand import FloatArray, Hand

PACES = (0.75, 0.86, 1.0, 1.16, 1.35)
"""How long a motion may take, in the time that its examples took."""
LEAD = 0.9
"""Of the distance of what is something else: an example must be clearly nearer."""

_WARPED_AT_ONCE = 3  # the nearest step by step, which alone are warped
_WORTH_WARPING = 1.7  # times the border, step by step
_LEAST_EXTENT = 0.5  # of the examples' own
_LOOK_INTERVAL = 0.05  # seconds
_GAP = 0.25  # seconds without the hand after which its way begins anew
_SOFTNESS = 0.05
_COMES_TO_REST = 0.6  # of its own pace: a motion is over when the hand slows down after it
_DEFAULT_RULES = GestureRules()


@dataclass(slots=True)
class _Model:
    """A gesture, ready to be compared with."""

    name: str
    within: float
    examples: FloatArray
    others: FloatArray
    lengths: Places
    """Seconds that it may take, [paces]."""
    least_extent: float

    @classmethod
    def of(cls, gesture: LearnedMotion) -> _Model:
        examples = arrays(gesture.examples, STEPS, WIDTH)
        least = _LEAST_EXTENT * min(extent(example) for example in examples)
        others = arrays(gesture.others, STEPS, WIDTH)
        lengths = np.array(PACES) * float(np.median(gesture.seconds))
        return cls(gesture.name, gesture.within, examples, others, lengths, least)

    def nearest(self, ways: FloatArray) -> tuple[float, int]:
        """Return how far the nearest of the ways [K, STEPS, WIDTH] is to an example, and which.

        It is infinitely far where it is not worth a look.
        """
        worth = np.flatnonzero(extents(ways) >= self.least_extent)
        straight = np.array([straight_distances(ways[number], self.examples) for number in worth])
        best = math.inf, 0
        for place in straight.argsort(axis=None)[:_WARPED_AT_ONCE].tolist():
            row, example = divmod(place, len(self.examples))
            if straight[row, example] > _WORTH_WARPING * self.within:
                break
            number, limit = int(worth[row]), min(self.within, best[0])
            best = min(best, (warped_distance(ways[number], self.examples[example], limit), number))
        return best

    def score(self, way: FloatArray, distance: float) -> float:
        """Return the score, 0 to 1, of a way that is so far from an example."""
        limit = self.within
        if len(self.others):
            limit = min(limit, LEAD * _nearest(way, self.others))
        return 1 / (1 + math.exp(max(-30.0, min((distance - limit) / _SOFTNESS, 30.0))))


class _Found(NamedTuple):
    """A way that is near to a gesture's examples."""

    distance: float
    model: _Model
    way: FloatArray
    begin: float
    end: float
    """Seconds."""


@dataclass(slots=True)
class _Track:
    """What is known of one hand."""

    places: Places = field(default_factory=lambda: np.empty((0, WIDTH + 2)))
    """[N, 14], the latest last."""
    looked: float = -math.inf
    best: _Found | None = None
    """The nearest yet of a motion that is just being completed."""


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
        self._memory = max((model.lengths[-1] for model in self._models), default=0.0)
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
        now = min(self._found(track), key=_distance_of, default=None)
        best, track.best = track.best, None
        if now is not None and now.distance <= min(now.model.within, _distance_of(best)):
            track.best = now
            return []
        if best is None:
            return []
        score = best.model.score(best.way, best.distance)
        if score < self._rules[best.model.name].min_score or not _rests(track.places, best):
            return []
        track.places = track.places[-1:]  # no part of a motion belongs to the next one
        return [Motion(best.model.name, "start", (id_,), score)]

    def _found(self, track: _Track) -> Iterator[_Found]:
        """Yield for each gesture the latest way that is nearest to it, if there is one."""
        end = float(track.places[-1, 0])
        for model in self._models:
            lengths = model.lengths[model.lengths <= end - track.places[0, 0]]
            if len(lengths):
                ways = ways_until(track.places, end, lengths)
                distance, number = model.nearest(ways)
                yield _Found(distance, model, ways[number], end - float(lengths[number]), end)


def _rests(places: Places, found: _Found) -> bool:
    """Whether the hand has slowed down since: otherwise it was in the middle of something else."""
    since = places[places[:, 0] >= found.end]
    gone = math.dist(since[0, 1:3].tolist(), since[-1, 1:3].tolist()) / since[-1, 3]
    steps = (since[-1, 0] - found.end) / (found.end - found.begin) * (STEPS - 1)
    return bool(gone <= _COMES_TO_REST * pace(found.way) * steps)


def _nearest(way: FloatArray, others: FloatArray) -> float:
    """Return the distance to the nearest of some ways."""
    nearest = straight_distances(way, others).argsort()[:_WARPED_AT_ONCE]
    return min(warped_distance(way, others[number]) for number in nearest.tolist())


def _distance_of(found: _Found | None) -> float:
    return found.distance if found else math.inf


def _is_lost(track: _Track, time: float) -> bool:
    return len(track.places) > 0 and time - track.places[-1, 0] > _GAP

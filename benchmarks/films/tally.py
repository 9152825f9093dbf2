"""Counts in films: ids that stay, sides that flip, hands that are seen twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from edgehands.benchmarks.clips import FPS
from edgehands.benchmarks.films.watch import paired
from edgehands.landmarks import distance_in_palms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgehands.benchmarks.films.film import Film, Take
    from edgehands.benchmarks.films.watch import View
    from edgehands.hand import FloatArray

    Verdict = Literal["right", "swapped", "new id", "not seen after", "not seen before"]

_AT_REST = 5
"""Frames before and after, in which a hand's id is what it has in most."""
_ONE_HAND = 0.3
"""Palm sizes: two hands that are nearer, on average over the landmarks, lie on one hand."""


@dataclass(frozen=True, slots=True)
class Steadiness:
    """What any hand tracker can be asked."""

    flips: int
    """Times that a hand was said to be the other one."""
    minutes: float
    """Of hands being seen."""
    too_many: int
    """Frames with more than two hands."""
    doubles: int
    """Frames with two hands on one."""
    seen: float
    """Share of the hands in view that were seen."""


def crossed(film: Film, take: Take, view: View) -> Verdict:
    """Return whether both hands have after a take the ids that they had before."""
    before = _ids(film, view, range(take.cue - _AT_REST, take.cue))
    last = max(frame for frame in range(take.cue, take.end) if film.hands[frame])
    after = _ids(film, view, range(last + 1 - _AT_REST, last + 1))
    if len(before) < 2 or len(set(before.values())) < 2:
        return "not seen before"
    if len(after) < 2:
        return "not seen after"
    changed = {after[who] for who in after if after[who] != before[who]}
    if not changed:
        return "right"
    return "swapped" if changed & set(before.values()) else "new id"


def kept(film: Film, take: Take, view: View) -> bool:
    """Return whether a hidden hand has its id again, some frames after it came back."""
    hidden = [frame for frame in range(take.first, take.cue) if not film.hands[frame]]
    before = _ids(film, view, range(hidden[0] - _AT_REST, hidden[0]))
    last = max(frame for frame in range(take.cue, take.end) if film.hands[frame])
    return bool(before) and before == _ids(film, view, range(last + 1 - _AT_REST, last + 1))


def _ids(film: Film, view: View, frames: range) -> dict[int, int]:
    """Return for each real hand the id that it had in most of these frames."""
    counts: dict[int, Counter[int]] = {}
    for frame in frames:
        for who, place in paired(view.hands[frame], film.hands[frame]).items():
            counts.setdefault(who, Counter())[view.labels[frame][place].id] += 1
    return {who: count.most_common(1)[0][0] for who, count in counts.items()}


def steadiness(films: Sequence[Film], views: Sequence[View], max_hands: int) -> Steadiness:
    """Count what should not happen."""
    flips = seen = real = too_many = doubles = 0
    for film, view in zip(films, views, strict=True):
        starts = {take.first for take in film.takes}
        sides: dict[int, bool] = {}
        for frame, (hands, truth) in enumerate(zip(view.hands, film.hands, strict=True)):
            if frame in starts:
                sides = {}
            pairs = paired(hands, truth)
            real += len(truth)
            seen += len(pairs)
            for who, place in pairs.items():
                side = view.labels[frame][place].right
                flips += sides.get(who, side) != side
                sides[who] = side
            too_many += len(hands) > max_hands
            doubles += _doubled(hands, _ONE_HAND) and not _doubled(
                [each.points for each in truth], 1.0
            )
    return Steadiness(flips, seen / FPS / 60, too_many, doubles, seen / real)


def _doubled(hands: Iterable[FloatArray], within: float) -> bool:
    pairs = combinations(hands, 2)
    return any(distance_in_palms(one, other) < within for one, other in pairs)

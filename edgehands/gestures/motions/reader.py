"""Which dynamic gestures hands make: every hand's and every pair's readers, and the rules.

Pure: time is an argument.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

from edgehands.gestures.motions.circle import CircleReader
from edgehands.gestures.motions.grip import DoubleTapReader, GrabReader
from edgehands.gestures.motions.hold import PinchReader
from edgehands.gestures.motions.moment import read_moment
from edgehands.gestures.motions.motion import CONTINUOUS, SWIPES, Attempt, Motion
from edgehands.gestures.motions.pair import ClapReader, ZoomReader
from edgehands.gestures.motions.push import PushReader
from edgehands.gestures.motions.touch import Touch
from edgehands.gestures.motions.travel import SwipeReader, WaveReader
from edgehands.settings import TICK, GestureRules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edgehands.gestures.motions.moment import Moment
    from edgehands.gestures.motions.motion import Sign
    from edgehands.hand import Hand

MISSING_FOR = 0.3
"""Seconds that a hand may be missing and come back without being forgotten."""

_TRAVELS = frozenset(
    (
        *SWIPES.values(),
        *("push", "pull", "wave", "circle_clockwise", "circle_counterclockwise"),
    )
)
_FARTHEST = 3.0
"""Palm sizes from where a hand was lost to where it is found as another."""
_FOUND_WITHIN = 0.2
"""Seconds for that."""
_QUIET = dict.fromkeys(_TRAVELS, 0.4) | {"clap": 0.8}
"""Seconds after one of these in which the same hands make none that travels: one way, one name."""
_DEFAULT_RULES = GestureRules()


class MotionReader:
    """Reads dynamic gestures from hands over time.

    Left and right are the picture's, as the camera sees it, like those of static gestures. Speeds
    and ways are in palm sizes, so that near and far hands are alike; 10 to 60 frames a second do.

    Args:
        rules: per gesture; one without an entry has the defaults.
        mirrored: the pictures are mirrored, as in a selfie: left and right, and the sense of
            circles and twists, are swapped back.
    """

    def __init__(
        self, rules: Mapping[str, GestureRules] | None = None, *, mirrored: bool = False
    ) -> None:
        self._rules = dict(rules or {})
        self._mirrored = mirrored
        self._hands: dict[int, _HandReaders] = {}
        self._pairs: dict[tuple[int, int], _PairReaders] = {}
        self._gate = _Gate(self._rules)

    @property
    def attempts(self) -> Sequence[Attempt]:
        """What might have been a motion in the latest frame and was not."""
        return self._gate.attempts

    def set_rules(self, rules: Mapping[str, GestureRules]) -> None:
        """Let other rules hold from now on."""
        self._rules.update(rules)  # in place: the gate reads them too

    def update(self, hands: Sequence[Hand], time: float) -> list[Motion]:
        """Take a frame's hands and return what they began, went on with or ended.

        Args:
            hands: as the tracker returned them.
            time: of the frame, seconds, rising.
        """
        self._gate.attempts.clear()
        motions = self._forget({hand.id for hand in hands}, time)
        moments = {hand.id: read_moment(hand, time, mirrored=self._mirrored) for hand in hands}
        pinching = [id_ for id_, readers in self._hands.items() if readers.pinch.held]
        motions += self._adopt(moments, time)
        for id_, moment in moments.items():
            readers = self._hands.setdefault(id_, _HandReaders())
            signs = readers.update(moment, alone=pinching in ([], [id_]))
            motions += self._gate.passed(signs, (id_,), time)
        for pair in combinations(sorted(moments), 2):
            a, b = pair
            both = self._pairs.setdefault(pair, _PairReaders())
            held = self._hands[a].pinch.held and self._hands[b].pinch.held
            signs = both.update(moments[a], moments[b], held=held)
            motions += self._gate.passed(signs, pair, time)
        return motions

    def finish(self, time: float) -> list[Motion]:
        """End everything that is under way, as when the stream ends."""
        return self._forget(set(), time + 2 * MISSING_FOR)

    def _adopt(self, moments: Mapping[int, Moment], time: float) -> list[Motion]:
        """Let a new hand go on where one was lost just now, if it may be the same.

        A tracker loses a hand that moves farther than its region from frame to frame, and finds it
        again as another: a swipe would be over before it was one.
        """
        motions = []
        for id_, moment in moments.items():
            if id_ in self._hands:
                continue
            lost = [old for old in self._hands if old not in moments]
            old = min(lost, key=lambda one: self._hands[one].away(moment), default=None)
            if old is None or self._hands[old].away(moment) > _FARTHEST:
                continue
            readers = self._hands[id_] = self._hands.pop(old)
            motions += self._gate.passed(readers.end(), (old,), time)
            self._gate.rename(old, id_)
        return motions

    def _forget(self, seen: set[int], time: float) -> list[Motion]:
        motions = []
        for pair, both in list(self._pairs.items()):
            if not seen.issuperset(pair):
                motions += self._gate.passed(both.lost(time), pair, time)
        gone = {
            id_
            for id_, readers in self._hands.items()
            if id_ not in seen and time - readers.seen > MISSING_FOR + TICK
        }
        for pair in [pair for pair in self._pairs if gone.intersection(pair)]:
            motions += self._gate.passed(self._pairs.pop(pair).end(), pair, time)
        for id_ in sorted(gone):
            motions += self._gate.passed(self._hands.pop(id_).end(), (id_,), time)
            self._gate.forget(id_)
        return motions


class _HandReaders:
    """What watches one hand."""

    def __init__(self) -> None:
        self._last: Moment | None = None
        self._touch = Touch()
        self.pinch = PinchReader()
        self._others = (
            *(SwipeReader(), PushReader(), WaveReader()),
            *(CircleReader(), GrabReader(), DoubleTapReader()),
        )

    def update(self, moment: Moment, *, alone: bool) -> list[Sign]:
        self._last = moment
        self._touch.update(moment)
        signs = self.pinch.update(moment, self._touch, blocked=not alone)
        for reader in self._others:
            signs += reader.update(moment)
        return signs

    @property
    def seen(self) -> float:
        """When the hand was seen last."""
        return self._last.time if self._last else -math.inf

    def away(self, moment: Moment) -> float:
        """Return how far another hand is from where this one was lost, palm sizes; or infinity."""
        last = self._last
        if last is None or moment.time - last.time > _FOUND_WITHIN + TICK:
            return math.inf
        if not 0.6 < moment.unit / last.unit < 1.6:
            return math.inf
        return math.hypot(moment.x - last.x, moment.y - last.y) / last.unit

    def end(self) -> list[Sign]:
        return self.pinch.end()


class _PairReaders:
    """What watches two hands together."""

    def __init__(self) -> None:
        self._clap = ClapReader()
        self.zoom = ZoomReader()

    def update(self, a: Moment, b: Moment, *, held: bool) -> list[Sign]:
        return [*self._clap.update(a, b), *self.zoom.update(a, b, held=held)]

    def lost(self, time: float) -> list[Sign]:
        return self._clap.lost(time)

    def end(self) -> list[Sign]:
        return self.zoom.end()


class _Gate:
    """Lets through what the rules allow, and the values and ends of what they let begin."""

    def __init__(self, rules: Mapping[str, GestureRules]) -> None:
        self._rules = rules
        self._under_way: set[tuple[str, tuple[int, ...]]] = set()
        self._quiet_until: dict[int, float] = {}
        self.attempts: list[Attempt] = []

    def passed(self, signs: Iterable[Sign], hands: tuple[int, ...], time: float) -> list[Motion]:
        return [
            Motion(sign.gesture, sign.phase, hands, sign.score, sign.value)
            for sign in signs
            if self._lets_through(sign, hands, time)
        ]

    def rename(self, old: int, new: int) -> None:
        """Let a hand go on under another id."""
        if old in self._quiet_until:
            self._quiet_until[new] = self._quiet_until.pop(old)

    def forget(self, hand: int) -> None:
        """Drop what is kept of a hand that is gone."""
        self._quiet_until.pop(hand, None)

    def _lets_through(self, sign: Sign, hands: tuple[int, ...], time: float) -> bool:
        rules = self._rules.get(sign.gesture, _DEFAULT_RULES)
        key = (sign.gesture, hands)
        if sign.phase == "end":
            was_under_way = key in self._under_way
            self._under_way.discard(key)
            return was_under_way
        if sign.phase == "value":
            return key in self._under_way
        if not rules.enabled:
            return False
        is_dropped = sign.gesture in CONTINUOUS and sign.value is None  # by its reader
        if is_dropped or sign.score < rules.min_score:
            if sign.lacks:
                self.attempts.append(Attempt(sign.gesture, hands[0], sign.score, sign.lacks))
            return False
        if sign.gesture in _TRAVELS and time < self._quiet_until.get(hands[0], -math.inf):
            return False
        if sign.gesture in _QUIET:
            self._quiet_until |= dict.fromkeys(hands, time + _QUIET[sign.gesture])
        if sign.value is not None:
            self._under_way.add(key)
        return True

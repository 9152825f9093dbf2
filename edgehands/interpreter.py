"""What hands mean: from a frame's hands to its events. The same for a live run and for a replay.

Pure: time is an argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.events import EventMaker
from edgehands.gestures.learned import LearnedMotion, LearnedMotions, LearnedPose, LearnedPoses
from edgehands.gestures.motions import MOTIONS, MotionReader
from edgehands.gestures.poses import PoseReader
from edgehands.gestures.vocabulary import default_rules, numbers, shipped_vocabulary
from edgehands.settings import EventSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgehands.events import Event
    from edgehands.gestures.gates import Block, Size
    from edgehands.gestures.learned import Learned
    from edgehands.gestures.motions import Attempt
    from edgehands.gestures.poses import PoseExplanation, PoseScore
    from edgehands.gestures.vocabulary import Vocabulary
    from edgehands.hand import Hand
    from edgehands.settings import GestureRules


class Interpreter:
    """Reads gestures from hands and makes events of them.

    Args:
        camera: name put into each event.
        run: a sortable word, unique to this run, that event ids begin with.
        rules: per gesture; one without an entry has the defaults, or is off if it is experimental.
        settings: what holds for all gestures together.
        own: the user's own definitions, on top of the shipped vocabulary.
        learned: gestures learned by example.
        mirrored: the pictures are mirrored, as in a selfie; directions are swapped back.
        static: each frame stands alone, so that nothing has a delay and nothing moves.
    """

    def __init__(
        self,
        camera: str,
        run: str,
        rules: Mapping[str, GestureRules],
        settings: EventSettings | None = None,
        own: Vocabulary | None = None,
        learned: Sequence[Learned] = (),
        *,
        mirrored: bool = False,
        static: bool = False,
    ) -> None:
        settings = settings or EventSettings()
        vocabulary = {**shipped_vocabulary(), **(own or {})}
        self.names = (*vocabulary, *MOTIONS, *(gesture.name for gesture in learned))
        """Every gesture that there is here."""
        rules = self.rules = {**default_rules(vocabulary), **rules}
        """Of the gestures that do not have the defaults."""
        self._vocabulary, self._learned, self._static = vocabulary, learned, static
        self._open_readers(rules, mirrored=mirrored)
        counting = numbers(vocabulary, settings.culture)
        self._events = EventMaker(camera, run, rules, settings, numbers=counting, static=static)

    def update(
        self, hands: Sequence[Hand], time: float, ts: float, picture: Size | None = None
    ) -> list[Event]:
        """Take a frame's hands and return what began or ended.

        Args:
            hands: as the tracker returned them.
            time: of the frame, seconds.
            ts: the time to write into events, seconds.
            picture: the frame's width and height, which rules with a zone need.
        """
        poses = [self.pose(hand) for hand in hands]
        motions = []
        if self._motions:
            motions = self._motions.update(hands, time) + self._learned_motions.update(hands, time)
        return self._events.update(hands, poses, time, ts, motions, picture)

    def set_mirrored(self, mirrored: bool) -> None:
        """Take the pictures as mirrored, or not, from the next frame on; motions begin anew."""
        self._open_readers(self.rules, mirrored=mirrored)

    def set_rules(self, rules: Mapping[str, GestureRules]) -> None:
        """Let other rules hold from the next frame on; what is enabled stays as it was."""
        for part in (self._poses, self._learned_poses, self._learned_motions, self._events):
            part.set_rules(rules)
        if self._motions:
            self._motions.set_rules(rules)

    def _open_readers(self, rules: Mapping[str, GestureRules], *, mirrored: bool) -> None:
        self._poses = PoseReader(self._vocabulary, rules, mirrored=mirrored)
        poses = [gesture for gesture in self._learned if isinstance(gesture, LearnedPose)]
        self._learned_poses = LearnedPoses(poses, rules)
        moving = [gesture for gesture in self._learned if isinstance(gesture, LearnedMotion)]
        self._learned_motions = LearnedMotions(moving, rules, mirrored=mirrored)
        self._motions = None if self._static else MotionReader(rules, mirrored=mirrored)

    def pose(self, hand: Hand) -> PoseScore | None:
        """Return the pose that a hand shows; of a learned and a defined one, the better."""
        learned, defined = self._learned_poses.best(hand), self._poses.best(hand)
        if learned is None or (defined is not None and defined.score > learned.score):
            return defined
        return learned

    def scores(self, hand: Hand) -> list[PoseScore]:
        """Return how well a hand shows each pose, the learned ones first."""
        return [*self._learned_poses.scores(hand), *self._poses.scores(hand)]

    def explain(self, hand: Hand, gesture: str | None = None) -> list[PoseExplanation]:
        """Return every pose, the learned ones first, or one, with its conditions on this hand."""
        learned = self._learned_poses.explain(hand)
        return [
            *(pose for pose in learned if gesture in (None, pose.gesture)),
            *self._poses.explain(hand, gesture),
        ]

    def block(self, hand: Hand) -> Block | None:
        """Return what keeps the pose of a hand of the latest frame from being a gesture."""
        return self._events.block(hand.id)

    def attempts(self) -> Sequence[Attempt]:
        """Return what might have been a motion in the latest frame and was not."""
        return self._motions.attempts if self._motions else ()

    def gestures(self, hands: Sequence[Hand]) -> dict[int, str]:
        """Return the gesture that each of these hands is in, by its id; the idle are left out."""
        named = {hand.id: self._events.gesture(hand.id) for hand in hands}
        return {id_: gesture for id_, gesture in named.items() if gesture}

    def finish(self, ts: float) -> list[Event]:
        """End everything that is under way, as when the stream ends."""
        return self._events.finish(ts)

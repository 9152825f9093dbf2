"""What hands mean: from a frame's hands to its events. The same for a live run and for a replay.

Pure: time is an argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from edgehands.events import HAND_ENTER_DELAY, EventMaker
from edgehands.gestures.poses import PoseReader
from edgehands.gestures.vocabulary import shipped_vocabulary
from edgehands.settings import GestureRules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgehands.events import Event
    from edgehands.hand import Hand


class Interpreter:
    """Reads gestures from hands and makes events of them.

    Args:
        camera: name put into each event.
        run: a sortable word, unique to this run, that event ids begin with.
        rules: per gesture; one without an entry has the defaults.
        static: each frame stands alone, so that nothing has a delay.
    """

    def __init__(
        self, camera: str, run: str, rules: Mapping[str, GestureRules], *, static: bool = False
    ) -> None:
        self._poses = PoseReader(shipped_vocabulary(), rules)
        if static:
            rules = {
                name: msgspec.structs.replace(rules.get(name, GestureRules()), enter_delay=0.0)
                for name in shipped_vocabulary()
            }
        enter_delay = 0.0 if static else HAND_ENTER_DELAY
        self._events = EventMaker(camera, run, rules, enter_delay)

    def update(self, hands: Sequence[Hand], time: float, ts: float) -> list[Event]:
        """Take a frame's hands and return what began or ended.

        Args:
            hands: as the tracker returned them.
            time: of the frame, seconds.
            ts: the time to write into events, seconds.
        """
        poses = [self._poses.best(hand) for hand in hands]
        return self._events.update(hands, poses, time, ts)

    def gestures(self, hands: Sequence[Hand]) -> dict[int, str]:
        """Return the gesture that each of these hands is in, by its id; the idle are left out."""
        named = {hand.id: self._events.gesture(hand.id) for hand in hands}
        return {id_: gesture for id_, gesture in named.items() if gesture}

    def finish(self, ts: float) -> list[Event]:
        """End everything that is under way, as when the stream ends."""
        return self._events.finish(ts)

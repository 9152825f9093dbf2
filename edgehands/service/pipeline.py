"""From one frame to the outputs: tracker, gestures, events, counts."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from edgehands.outputs import Result
from edgehands.replay import interpreter_of
from edgehands.service.hub import Director
from edgehands.service.opening import open_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.config import OutputConfig
    from edgehands.events import Event
    from edgehands.frame import Frame
    from edgehands.outputs import Output
    from edgehands.recording import Header
    from edgehands.service.hub import Hub
    from edgehands.settings import Area
    from edgehands.summary import Summary
    from edgehands.tracker import HandTracker


class Pipeline:
    """What is done with the frames of one camera until its config changes.

    Args:
        header: what holds for this camera.
        tracker: which it uses and does not close.
        hub: what all cameras share.
        summary: where to count.
        masks: private parts of its picture.
    """

    def __init__(
        self,
        header: Header,
        tracker: HandTracker,
        hub: Hub,
        summary: Summary,
        masks: tuple[Area, ...] = (),
    ) -> None:
        self._header = header
        self._tracker = tracker
        self._hub = hub
        self._summary = summary
        self._interpreter = interpreter_of(header)
        self._director = Director(hub.control, tracker, self._interpreter, header, masks)
        self._own: list[Output] = []
        self._last_ts: float | None = None
        self.events = 0
        """Made so far."""
        for output in hub.outputs:
            output.begin(header)

    def open_files(self, configs: Sequence[OutputConfig], fps: float) -> None:
        """Open the outputs that are this camera's alone; those that were opened stay to be closed.

        Raises:
            InputError: one cannot be written.
        """
        for config in configs:
            self._own.append(open_file(config, self._header, fps))

    @property
    def outputs(self) -> list[Output]:
        """Those of this camera."""
        return self._own

    def look(self, frame: Frame) -> int:
        """Take one frame and return how many hands are in it."""
        ts = self._timestamp(frame)
        camera, dropped = self._header.camera, self._summary.dropped_frames
        paused = self._director.pauses()
        change = self._director.change
        frame = self._director.admit(frame)
        if paused:
            events = self._interpreter.finish(ts)
            result = Result(
                frame, (), {}, events, ts, camera, dropped=dropped, paused=True, change=change
            )
            self._send(result)
            return 0
        hands = self._tracker.update(frame.image, frame.time)
        report = self._tracker.last
        height, width = frame.image.shape[:2]
        with report.timed("gestures"):
            events = self._interpreter.update(hands, frame.time, ts, (width, height))
            gestures = self._interpreter.gestures(hands)
        blocks = {hand.id: self._interpreter.block(hand) for hand in hands}
        self._summary.count(hands, report)
        result = Result(
            frame, hands, gestures, events, ts, camera, blocks, report, dropped, change=change
        )
        with self._summary.stages.timed("outputs"):
            self._send(result)
        self._last_ts = ts
        return len(hands)

    def interrupt(self) -> Sequence[Event]:
        """End the gestures that are under way: nobody knows how they go on."""
        if self._last_ts is None:
            return ()
        events = self._interpreter.finish(self._last_ts)
        for output in self._own:
            output.interrupt(events)
        self._put(events, time.monotonic())
        return events

    def finish(self) -> None:
        """End what is under way, because this is the end of it all, and close what is its own."""
        with ExitStack() as closing:
            for output in self._own:
                closing.callback(output.close)
            if self._last_ts is not None:
                events = self._interpreter.finish(self._last_ts)
                for output in (*self._hub.outputs, *self._own):
                    output.end(events)
                self._put(events, time.monotonic())
                self._last_ts = None

    def _send(self, result: Result) -> None:
        for output in (*self._hub.outputs, *self._own):
            output.result(result)
        self._put(result.events, result.frame.captured)

    def _put(self, events: Sequence[Event], captured: float) -> None:
        self.events += len(events)
        self._hub.queue.put(events, captured if self._header.live else None)

    def _timestamp(self, frame: Frame) -> float:
        """Seconds since 1970 at capture; for a file, its own time."""
        if not self._header.live:
            return frame.time
        return time.time() - (time.monotonic() - frame.captured)

"""The main loop: camera → tracker → gestures → events → outputs, from one config.

`edgehands run`, `edgehands demo` and the service are this function with different configs.
"""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from edgehands import config as configs
from edgehands.cameras import open_camera
from edgehands.control import Control, adjusted
from edgehands.errors import ConfigError
from edgehands.gestures.learned.store import load_learned
from edgehands.mqtt.settings import MqttConfig
from edgehands.outputs import Result
from edgehands.outputs.queue import EventQueue
from edgehands.recording import Header
from edgehands.replay import interpreter_of
from edgehands.settings import GestureRules
from edgehands.summary import Summary
from edgehands.tracker import HandTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgehands.cameras import Camera
    from edgehands.frame import Frame
    from edgehands.interpreter import Interpreter
    from edgehands.outputs import Output

    Watch = Callable[[int, int | None], None]


def run(
    config: configs.Config, watch: Watch | None = None, listeners: Sequence[Output] = ()
) -> Summary:
    """Run until the camera ends, its frame limit is reached, or Ctrl-C.

    Args:
        config: everything there is to know.
        watch: called after each frame with the frames so far and how many there should be, if
            anybody knows.
        listeners: outputs besides the config's.

    Raises:
        EdgeHandsError: what could not be opened, or broke; see `edgehands.errors`.
    """
    camera_config = _only_camera(config)
    configs.check(config)  # what costs nothing to find is said before anything is opened
    learned = load_learned(config.learned)
    _hide_passwords(config)
    control = Control()
    with ExitStack() as opened:
        camera = opened.enter_context(
            open_camera(
                camera_config.source,
                width=camera_config.width,
                height=camera_config.height,
                fps=camera_config.fps,
            )
        )
        # A picture has no before and after, whatever the config says.
        static = config.tracker.static or camera.length == 1
        tracker = opened.enter_context(_open_tracker(config.tracker, static=static))
        header = Header(
            run=run_id(),
            camera=camera_config.name,
            live=camera.live,
            mirrored=config.tracker.mirrored,
            static=static,
            gestures=config.gestures,
            events=config.events,
            own=config.pose,
            learned=learned,
            model=config.tracker.model,
            runs_on=tracker.describe(),
        )
        for listener in listeners:
            listener.begin(header)
        outputs: list[Output] = [*listeners]
        for output_config in config.output:
            outputs.append(_open_output(output_config, camera, header, control))
            opened.callback(outputs[-1].close)
        queue = EventQueue(outputs, live=camera.live)
        interpreter = interpreter_of(header)
        director = _Director(control, interpreter)
        loop = _Loop(camera, tracker, interpreter, queue, outputs, director)
        summary = loop.run(camera_config.frames, watch)
    summary.outputs = [line for output in outputs if (line := output.account())]
    return summary


class _Director:
    """Carries out what the outputs were told, between two frames."""

    def __init__(self, control: Control, interpreter: Interpreter) -> None:
        self._control = control
        self._interpreter = interpreter
        self._rules = interpreter.rules
        self._sensitivity = control.sensitivity

    def pauses(self) -> bool:
        """Whether frames are to be thrown away; changes the rules if need be."""
        if self._sensitivity != self._control.sensitivity:
            self._sensitivity = self._control.sensitivity
            names = self._interpreter.names
            self._interpreter.set_rules(adjusted(self._rules, names, self._sensitivity))
        return not self._control.enabled


class _Loop:
    """One camera's way from frame to output."""

    def __init__(
        self,
        camera: Camera,
        tracker: HandTracker,
        interpreter: Interpreter,
        queue: EventQueue,
        outputs: Sequence[Output],
        director: _Director,
    ) -> None:
        self._camera = camera
        self._tracker = tracker
        self._interpreter = interpreter
        self._queue = queue
        self._outputs = outputs
        self._director = director
        self._last_ts: float | None = None
        self.summary = Summary(runs_on=tracker.describe())

    def run(self, limit: int | None, watch: Watch | None) -> Summary:
        """Take frames to the end and count what happened."""
        begin = time.monotonic()
        with suppress(BrokenPipeError):  # the reader of stdout has had enough, as `head` does
            try:
                self._take_frames(limit, watch)
            except KeyboardInterrupt:
                self.summary.interrupted = True
            finally:
                self._finish()
        self.summary.seconds = time.monotonic() - begin
        return self.summary

    def _take_frames(self, limit: int | None, watch: Watch | None) -> None:
        length = self._camera.length
        if limit is not None:
            length = min(limit, length) if length is not None else limit
        frames = islice(self._camera, limit)
        while True:
            with self.summary.stages.timed("read"):
                frame = next(frames, None)
            if frame is None:
                return
            self._process(frame)
            if watch:
                watch(self.summary.frames, length)

    def _process(self, frame: Frame) -> None:
        if self._director.pauses():
            ts = self._timestamp(frame)
            self._send(Result(frame, (), {}, self._interpreter.finish(ts), ts))
            return
        stages = self.summary.stages
        hands = self._tracker.update(frame.image, frame.time)
        self.summary.count(hands, self._tracker.last)
        ts = self._timestamp(frame)
        height, width = frame.image.shape[:2]
        with stages.timed("gestures"):
            events = self._interpreter.update(hands, frame.time, ts, (width, height))
            gestures = self._interpreter.gestures(hands)
        with stages.timed("outputs"):
            self._send(Result(frame, hands, gestures, events, ts))
        self._last_ts = ts

    def _send(self, result: Result) -> None:
        for output in self._outputs:
            output.result(result)
        self._queue.put(result.events, result.frame.captured)

    def _finish(self) -> None:
        """End what is under way, deliver what is waiting."""
        self.summary.dropped_frames = self._camera.dropped
        self.summary.events = self._queue.counts
        try:
            if self._last_ts is not None:
                events = self._interpreter.finish(self._last_ts)
                for output in self._outputs:
                    output.end(events)
                self._queue.put(events, time.monotonic())
        finally:
            self._queue.close()

    def _timestamp(self, frame: Frame) -> float:
        """Seconds since 1970 at capture; for a file, its own time."""
        if not self._camera.live:
            return frame.time
        return time.time() - (time.monotonic() - frame.captured)


def _only_camera(config: configs.Config) -> configs.CameraConfig:
    if not config.camera:
        raise ConfigError("no camera: say --source /dev/video0, or put a [[camera]] in the config")
    if len(config.camera) > 1:
        names = ", ".join(camera.name for camera in config.camera)
        raise ConfigError(
            f"{len(config.camera)} cameras ({names}): one process runs one camera so far; "
            "give each its own config file"
        )
    return config.camera[0]


def _open_tracker(config: configs.TrackerConfig, *, static: bool) -> HandTracker:
    return HandTracker(
        model=config.model,
        backend=config.backend,
        max_hands=config.max_hands,
        mirrored=config.mirrored,
        smoothing=config.smoothing,
        static=static,
        threads=config.threads,
        settings=config,
    )


def run_id() -> str:
    """Return a word that no other run has and that sorts by the time of its start."""
    # Milliseconds since 1970, then enough chance to keep devices apart.
    return f"{int(time.time() * 1000):012x}{secrets.token_hex(3)}"


def _hide_passwords(config: configs.Config) -> None:
    """Take them from the environment before there is a process that would inherit it."""
    for output in config.output:
        if isinstance(output, MqttConfig):
            from edgehands.mqtt.access import take_from_environment

            take_from_environment(output.password_variable)


def _open_output(
    config: configs.OutputConfig, camera: Camera, header: Header, control: Control
) -> Output:
    """Open an output, importing its module only now."""
    if isinstance(config, configs.StdoutConfig):
        from edgehands.outputs.stdout import StdoutOutput

        return StdoutOutput()
    if isinstance(config, MqttConfig):
        from edgehands.mqtt.output import MqttOutput, Subject

        interpreter = interpreter_of(header)
        gestures = [name for name in interpreter.names if _is_enabled(name, interpreter.rules)]
        return MqttOutput(config, Subject(header.camera, gestures, camera.live, control))
    path = Path(config.path)
    if isinstance(config, configs.LandmarksConfig):
        from edgehands.outputs.landmarks import LandmarksOutput

        return LandmarksOutput(path)
    if isinstance(config, configs.RecordingConfig):
        from edgehands.outputs.recording import RecordingOutput

        return RecordingOutput(path, header)
    if isinstance(config, configs.VideoConfig):
        from edgehands.outputs.video import VideoOutput

        return VideoOutput(path, camera.fps)
    from edgehands.outputs.contact_sheet import ContactSheetOutput

    return ContactSheetOutput(path, config.columns, config.count)


def _is_enabled(gesture: str, rules: Mapping[str, GestureRules]) -> bool:
    return rules.get(gesture, GestureRules()).enabled

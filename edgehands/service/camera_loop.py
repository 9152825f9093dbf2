"""One camera's loop, in a thread of its own: takes frames, says how the camera is, lives on."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack, suppress
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

from edgehands.errors import DeviceError, EdgeHandsError
from edgehands.health import CameraHealth
from edgehands.pulse import Pulse
from edgehands.redaction import redacted
from edgehands.service.ladder import Pacer
from edgehands.service.opening import open_source, open_tracker
from edgehands.service.pipeline import Pipeline
from edgehands.summary import Summary
from edgehands.vitals import Vitals

if TYPE_CHECKING:
    from edgehands.cameras import Camera
    from edgehands.frame import Frame
    from edgehands.health import CameraState
    from edgehands.service.hub import Hub
    from edgehands.service.ladder import Limit
    from edgehands.service.plans import Plan
    from edgehands.tracker import HandTracker

_log = logging.getLogger(__name__)

OPENING_LIMIT = 120.0
"""Seconds after which a camera that is opened, or models that are loaded, count as hanging."""

_TAKE = 0.25  # seconds to wait for a frame before looking at everything else
_FALLBACK_FPS = 30.0
# States whose frames say nothing: a hand in a frozen picture would hold its gesture for ever.
_UNSEEN = frozenset({"frozen"})


class Renewal(NamedTuple):
    """What a loop is to go on with: its new plan, and a tracker if it needs another."""

    plan: Plan
    tracker: HandTracker | None


class Refusal(NamedTuple):
    """What a loop could not go on with, and what it does instead."""

    plan: Plan
    holds: Plan
    reason: str


class CameraLoop:
    """Takes one camera's frames until it ends or is told to stop.

    Other threads may read every attribute, and call what is not private.

    Args:
        plan: what to do.
        hub: what all cameras share.
        tracker: with its models loaded, which is now its own; None loads them in its thread.
    """

    def __init__(self, plan: Plan, hub: Hub, tracker: HandTracker | None = None) -> None:
        self.plan = plan
        """What it was told to do last."""
        self.pulse = Pulse(f"edgehands-camera {plan.name}")
        self.summary = Summary()
        self.vitals = Vitals()
        self.error: BaseException | None = None
        """What ended it, if it was not its end."""
        self.ended = False
        self.ready = False
        """It has given a frame, or is known to be missing and waited for."""
        self.limit: Limit | None = None
        """Of frames a second, set by who supervises."""
        self.skipped = 0
        """Frames left out on purpose."""
        self.state: CameraState = "ok"
        self._since = time.monotonic()
        self._plan = plan
        """What it does."""
        self._before: Plan | None = None
        """What it did before that, until the first frame proves that the new plan works."""
        self._refusal: Refusal | None = None
        self._hub = hub
        self._camera: Camera | None = None
        self._tracker = tracker
        self._pipeline: Pipeline | None = None
        self._taken = 0
        self._events = 0
        self._pacer = Pacer()
        self._renewals: SimpleQueue[Renewal] = SimpleQueue()
        self._stop = Event()
        self._thread = Thread(target=self._run, name=self.pulse.name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self.pulse.beat("starting")
        self._thread.start()

    def renew(self, renewal: Renewal) -> None:
        """Go on with another plan from the next frame on."""
        self.plan = renewal.plan
        self._renewals.put(renewal)

    def refusal(self) -> str | None:
        """Return why it goes on with an older plan than the last, once; for whoever renews it."""
        refusal, self._refusal = self._refusal, None
        if refusal is None or self.plan is not refusal.plan:
            return None
        self.plan = refusal.holds
        return f"camera {self.plan.name} goes on as before: {refusal.reason}"

    def stop(self) -> None:
        """Ask it to end; `join` waits for that."""
        self._stop.set()

    def join(self, timeout: float) -> bool:
        """Wait for the end, and tell whether it came."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def cut(self) -> None:
        """Close the camera under a loop that waits for it, in a thread that may hang instead."""
        camera = self._camera
        if camera is not None:
            Thread(target=camera.close, name=f"{self.pulse.name} cut", daemon=True).start()

    @property
    def fps(self) -> float:
        """Frames a second that the camera gives."""
        given = self._camera.fps if self._camera is not None else None
        return given or self.plan.camera.fps or _FALLBACK_FPS

    def health(self, now: float) -> CameraHealth:
        """Return how the camera and its frames are doing."""
        camera, pipeline = self._camera, self._pipeline
        pace = self.vitals.pace(now)
        return CameraHealth(
            name=self.plan.name,
            source=redacted(self.plan.camera.source),
            state=self.state,
            state_seconds=round(now - self._since, 1),
            reason=camera.reason if camera is not None and self.state != "ok" else None,
            frames=self.summary.frames,
            dropped=camera.dropped if camera is not None else 0,
            skipped=self.skipped,
            rejected=camera.rejected if camera is not None else 0,
            reopened=camera.reopened if camera is not None else 0,
            fps=pace.fps,
            fps_limit=self.limit.fps if self.limit else None,
            limit_reason=self.limit.reason if self.limit else None,
            age_ms=pace.age_ms,
            age_p99_ms=pace.age_p99_ms,
            hands=self.vitals.hands if self.state == "ok" else 0,
            duty_cycle=self.summary.duty_cycle,
            events=self._events + (pipeline.events if pipeline is not None else 0),
        )

    def account(self) -> list[str]:
        """Return what the outputs of this camera have to tell."""
        outputs = self._pipeline.outputs if self._pipeline is not None else []
        return [line for output in outputs if (line := output.account())]

    def _run(self) -> None:
        try:
            with ExitStack() as closing:  # each, whatever the one before does
                closing.callback(self._discard_renewals)
                closing.callback(self._close_camera)
                closing.callback(self._close_tracker)
                closing.callback(self._close_pipeline)
                self._open()
                while not self._stop.is_set() and self._turn():
                    pass
        except BaseException as error:  # noqa: BLE001 (raised again in the thread that waits)
            self.error = error
        finally:
            self.ended = self.ready = True
            self._hub.changed()

    def _open(self) -> None:
        self._excuse("opening the camera")
        self._camera = open_source(self._plan.camera)
        if self._tracker is None:
            self._excuse("loading the models")
            self._tracker = open_tracker(self._plan.tracker, static=self._is_static())
        self.summary.runs_on = self._tracker.describe()
        self._open_pipeline()

    def _open_pipeline(self) -> None:
        assert self._camera is not None and self._tracker is not None  # noqa: S101, PT018
        header = self._plan.header(
            static=self._is_static(), live=self._camera.live, runs_on=self._tracker.describe()
        )
        masks = self._plan.camera.masks
        self._pipeline = Pipeline(header, self._tracker, self._hub, self.summary, masks)
        self._pipeline.open_files(self._plan.files, self.fps)

    def _is_static(self) -> bool:
        # A picture has no before and after, whatever the config says.
        length = self._camera.length if self._camera is not None else None
        return self._plan.tracker.static or length == 1

    def _excuse(self, doing: str) -> None:
        self.pulse.excuse(doing, time.monotonic() + OPENING_LIMIT)

    def _turn(self) -> bool:
        """Take a step; with a plan that does not work go back to the one before."""
        try:
            return self._step()
        except EdgeHandsError as error:
            if self._before is None:
                raise
            self._go_back(self._before, str(error))
            return True

    def _step(self) -> bool:
        """Take the next frame, if one comes soon, and tell whether to go on."""
        while not self._renewals.empty():
            self._renew(self._renewals.get())
        if self._taken == self._plan.camera.frames:
            return False
        try:
            frame = self._take()
        except StopIteration:
            return False
        self._note_state()
        if frame is None:
            # It answers, so nothing hangs here; when its frames are overdue is the camera's to say.
            self.pulse.beat("waiting for the camera")
            return True
        self._taken += 1
        limit = self.limit.fps if self.limit is not None else None
        if self.state in _UNSEEN or not self._pacer.admits(frame.captured, limit, self.fps):
            self.skipped += 1
        else:
            self._look(frame)
        self.pulse.beat("waiting for a frame")
        return True

    def _take(self) -> Frame | None:
        assert self._camera is not None  # noqa: S101 (it was opened)
        begin = time.perf_counter()
        frame = self._camera.take(_TAKE)
        if frame is not None:
            self.summary.stages.add({"read": 1000 * (time.perf_counter() - begin)})
        self.summary.dropped_frames = self._camera.dropped
        return frame

    def _look(self, frame: Frame) -> None:
        assert self._camera is not None and self._pipeline is not None  # noqa: S101, PT018
        self.pulse.beat("looking at a frame")
        begin = time.monotonic()
        hands = self._pipeline.look(frame)
        now = time.monotonic()
        self.vitals.frame(frame.captured, now, hands, now - begin)
        self._before = None
        self._be_ready()
        if self._hub.watch is not None:
            length, limit = self._camera.length, self._plan.camera.frames
            if limit is not None:
                length = min(limit, length) if length is not None else limit
            self._hub.watch(self.summary.frames, length)

    def _note_state(self) -> None:
        assert self._camera is not None and self._pipeline is not None  # noqa: S101, PT018
        state, reason = self._camera.state, self._camera.reason
        if state == self.state:
            return
        self.state, self._since = state, time.monotonic()
        if state == "lost" and not self._hub.waits:
            raise DeviceError(reason or f"{self._plan.camera.source}: the camera is gone")
        if state != "ok":
            self._pipeline.interrupt()
        for output in self._hub.outputs:
            output.camera(self._plan.name, state, reason)
        said = f"is {state}: {reason}" if state != "ok" else "is well again"
        _log.warning("camera %s %s", self._plan.name, said, extra={"code": "EH1410"})
        self._be_ready()
        self._hub.changed()

    def _be_ready(self) -> None:
        if not self.ready:
            self.ready = True
            self._hub.changed()

    def _renew(self, renewal: Renewal) -> None:
        """Rebuild what the new plan changes, between two frames."""
        old, self._plan = self._plan, renewal.plan
        self._before = self._before or old
        self._excuse("taking up a new config")
        self._close_pipeline()
        if renewal.tracker is not None:
            self._close_tracker()
            self._tracker = renewal.tracker
            self.summary.runs_on = renewal.tracker.describe()
        if self._plan.camera != old.camera:
            self._close_camera()
            self._camera = open_source(self._plan.camera)
        self._open_pipeline()

    def _go_back(self, before: Plan, reason: str) -> None:
        """Do again what worked, all of it opened anew."""
        refused, self._plan, self._before = self._plan, before, None
        with suppress(EdgeHandsError):  # what the new plan wrote to may be what fails
            self._close_pipeline()
        self._close_tracker()
        self._close_camera()
        self._tracker = None
        self._open()
        self._refusal = Refusal(refused, before, reason)
        self._hub.changed()

    def _discard_renewals(self) -> None:
        while not self._renewals.empty():
            tracker = self._renewals.get().tracker
            if tracker is not None:
                tracker.close()

    def _close_pipeline(self) -> None:
        if self._pipeline is not None:
            pipeline = self._pipeline
            pipeline.finish()
            self._events += pipeline.events
            pipeline.events = 0

    def _close_tracker(self) -> None:
        if self._tracker is not None:
            self._excuse("freeing the models")
            self._tracker.close()

    def _close_camera(self) -> None:
        if self._camera is not None:
            self._excuse("closing the camera")
            self._camera.close()

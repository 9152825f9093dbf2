"""The pipeline as `edgehands run` puts it together, with a watch on every frame."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgehands.benchmarks.bench.pipeline_figures import Age, PipelineRow, Spread, StageTime
from edgehands.benchmarks.bench.pipeline_scenes import FPS
from edgehands.cameras.synthetic import SyntheticCamera
from edgehands.closing import Closing
from edgehands.events import EventMaker
from edgehands.gestures.poses import PoseReader
from edgehands.gestures.vocabulary import shipped_vocabulary
from edgehands.outputs import Output
from edgehands.outputs.queue import EventQueue

if TYPE_CHECKING:
    from edgehands.benchmarks.bench.pipeline_engine import Engine
    from edgehands.benchmarks.bench.pipeline_scenes import Clip, Scene
    from edgehands.events import Event
    from edgehands.hand import ImageArray

MIN_FRAMES = 30
"""A state is measured on as many, however long they take."""

_WARM_UP = 12
_WARM_UP_STEP = 0.15  # seconds of the clip's time: by the end, an empty picture is an idle one


@dataclass(frozen=True, slots=True)
class Step:
    """One frame's account."""

    ms: float
    stage_ms: dict[str, float]
    detected: bool
    hands: int
    events: list[Event]


class Pipeline(Closing):
    """Tracker, poses and events in a row; closed by `with`."""

    def __init__(self, engine: Engine, max_hands: int) -> None:
        self._tracker = engine.tracker(max_hands)
        self._poses = PoseReader(shipped_vocabulary())
        self._events = EventMaker("bench", "bench")
        self.runs_on = self._tracker.describe()

    def warm_up(self, clip: Clip) -> float:
        """Show it the clip until it is in its state; return the clip's time from which to go on."""
        for number in range(_WARM_UP):
            moment = number * _WARM_UP_STEP
            self.step(clip.frame_at(moment)[0], moment)
        return _WARM_UP * _WARM_UP_STEP

    def step(self, image: ImageArray, moment: float) -> Step:
        """Take a frame from picture to events; `moment` is its time in seconds."""
        begin = time.perf_counter()
        hands = self._tracker.update(image, moment)
        tracked = time.perf_counter()
        poses = [self._poses.best(hand) for hand in hands]
        events = self._events.update(hands, poses, moment, moment)
        end = time.perf_counter()
        report = self._tracker.last
        stages = {**report.stage_ms, "gestures": (end - tracked) * 1000}
        detected = report.detection is not None
        return Step((end - begin) * 1000, stages, detected, len(hands), events)

    def close(self) -> None:
        """Free the models. Safe to call twice."""
        self._tracker.close()


def flat_out(engine: Engine, scene: Scene, clip: Clip, seconds: float) -> PipelineRow:
    """Run a clip as fast as it goes; its own time passes at `FPS`."""
    with Pipeline(engine, scene.max_hands) as pipeline:
        moment = pipeline.warm_up(clip)
        steps: list[Step] = []
        cpu, begin = time.process_time(), time.perf_counter()
        while (passed := time.perf_counter() - begin) < seconds or len(steps) < MIN_FRAMES:
            steps.append(pipeline.step(clip.frame_at(moment)[0], moment))
            moment += 1 / FPS
        cpu = time.process_time() - cpu
        return _row(engine, scene, pipeline.runs_on, steps, passed, cpu)


def live(engine: Engine, scene: Scene, clip: Clip, seconds: float) -> PipelineRow:
    """Run a clip at the pace of a camera, events behind their queue."""
    with Pipeline(engine, scene.max_hands) as pipeline:
        start = pipeline.warm_up(clip)
        arrivals = _Arrivals()
        queue = EventQueue([arrivals], live=True)
        steps: list[Step] = []
        ages: list[float] = []
        cpu, begin = time.process_time(), time.perf_counter()
        with SyntheticCamera(clip, fps=FPS) as camera:
            for frame in camera:
                steps.append(pipeline.step(frame.image, start + frame.time))
                ages.append((time.monotonic() - frame.captured) * 1000)
                queue.put(steps[-1].events, frame.captured)
                passed = time.perf_counter() - begin
                if passed >= seconds and len(steps) >= MIN_FRAMES:
                    break
            dropped = camera.dropped
        cpu = time.process_time() - cpu
        queue.close()
        event_ms = Spread.of(arrivals.ages) if arrivals.ages else None
        age = Age(frame_ms=Spread.of(ages), event_ms=event_ms, dropped=dropped)
        return _row(engine, scene, pipeline.runs_on, steps, passed, cpu, age)


class _Arrivals(Output):
    """An output that keeps how old events were when they came."""

    def __init__(self) -> None:
        self.ages: list[float] = []

    def event(self, event: Event) -> None:
        if event.age_ms is not None:
            self.ages.append(event.age_ms)


def _row(
    engine: Engine,
    scene: Scene,
    runs_on: str,
    steps: list[Step],
    seconds: float,
    cpu_seconds: float,
    age: Age | None = None,
) -> PipelineRow:
    rest = [max(0.0, step.ms - sum(step.stage_ms.values())) for step in steps]
    return PipelineRow(
        state=scene.state,
        model=engine.model,
        backend=engine.backend,
        runs_on=runs_on,
        right=float(np.mean([step.hands == scene.hands for step in steps])),
        frame_ms=Spread.of([step.ms for step in steps]),
        stages=_stages(steps),
        rest_ms=float(np.median(rest)),
        cpu_ms=cpu_seconds * 1000 / len(steps),
        fps=len(steps) / seconds,
        duty_cycle=float(np.mean([step.detected for step in steps])),
        age=age,
    )


def _stages(steps: list[Step]) -> dict[str, StageTime]:
    times: defaultdict[str, list[float]] = defaultdict(list)
    for step in steps:
        for stage, ms in step.stage_ms.items():
            times[stage].append(ms)
    stages = {}
    for stage, taken in times.items():
        p50, p99 = np.percentile(taken, (50, 99)).tolist()
        stages[stage] = StageTime(p50_ms=p50, p99_ms=p99, share=len(taken) / len(steps))
    return stages

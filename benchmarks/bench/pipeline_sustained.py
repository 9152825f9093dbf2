"""The pipeline at full load for minutes: what is left of its speed once the device is warm."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from edgehands.benchmarks.bench.pipeline_engine import Engine
from edgehands.benchmarks.bench.pipeline_figures import Moment
from edgehands.benchmarks.bench.pipeline_run import Pipeline
from edgehands.benchmarks.bench.pipeline_scenes import FPS, SCENES, draw_clip
from edgehands.doctor.findings import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgehands.settings import TrackerSettings

PARTS = 60
"""Into how many points a run is divided."""


def sustained(
    model: str = "full",
    backend: str = "auto",
    threads: int | None = None,
    duration: float = 600.0,
    settings: TrackerSettings | None = None,
    parts: int = PARTS,
    machine: Machine | None = None,
) -> Iterator[Moment]:
    """Follow two hands as fast as it goes and say every `duration / parts` seconds how fast.

    Args:
        model: landmark model or ensemble.
        backend: name of the runtime, or "auto".
        threads: for each model; None picks by the cores of the machine.
        duration: seconds in all.
        settings: of the tracker.
        parts: how many moments; each has one frame at least.
        machine: whose sensors are read; None is this one.

    Raises:
        UsageError: an unknown name.
        ModelError: a model file is missing or altered.
        DeviceError: the backend does not work here.
    """
    machine = machine or Machine()
    scene = next(scene for scene in SCENES if scene.state == "two hands")
    clip = draw_clip(scene)
    with Pipeline(Engine(model, backend, threads, settings), scene.max_hands) as pipeline:
        moment = pipeline.warm_up(clip)
        begin = before = time.perf_counter()
        for part in range(1, parts + 1):
            taken: list[float] = []
            while not taken or time.perf_counter() - begin < part * duration / parts:
                taken.append(pipeline.step(clip.frame_at(moment)[0], moment).ms)
                moment += 1 / FPS
            now = time.perf_counter()
            p50, p99 = np.percentile(taken, (50, 99)).tolist()
            yield Moment(
                seconds=now - begin,
                fps=len(taken) / (now - before),
                p50_ms=p50,
                p99_ms=p99,
                celsius=hottest(machine),
                mhz=mean_clock(machine),
            )
            before = now


def hottest(machine: Machine) -> float | None:
    """Return the highest temperature of the board's sensors, °C; None where there is none."""
    zones = _numbers(machine, "sys/class/thermal/thermal_zone*/temp")
    others = _numbers(machine, "sys/class/hwmon/hwmon*/temp*_input")
    return max((value / 1000 for value in zones or others), default=None)


def mean_clock(machine: Machine) -> float | None:
    """Return the mean clock of the cores, MHz; None where nobody says."""
    clocks = _numbers(machine, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
    return sum(clocks) / len(clocks) / 1000 if clocks else None


def _numbers(machine: Machine, pattern: str) -> list[float]:
    """Return the whole numbers above 0 in the files that match."""
    texts = (machine.read(path) or "" for path in machine.paths(pattern))
    return [float(text) for text in texts if text.isdigit() and text != "0"]

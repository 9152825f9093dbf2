"""The whole pipeline, camera picture to event, in each of its states: `--pipeline`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.benchmarks.bench.pipeline_engine import Engine
from edgehands.benchmarks.bench.pipeline_run import flat_out, live
from edgehands.benchmarks.bench.pipeline_scenes import LIVE, SCENES, draw_clip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgehands.benchmarks.bench.pipeline_figures import PipelineRow
    from edgehands.settings import TrackerSettings


def measure(
    model: str = "full",
    backend: str = "auto",
    threads: int | None = None,
    duration: float = 3.0,
    settings: TrackerSettings | None = None,
) -> list[PipelineRow]:
    """Measure every state; arguments and errors are those of `rows`."""
    return list(rows(model, backend, threads, duration, settings))


def rows(
    model: str = "full",
    backend: str = "auto",
    threads: int | None = None,
    duration: float = 3.0,
    settings: TrackerSettings | None = None,
    watch: Callable[[str], None] | None = None,
) -> Iterator[PipelineRow]:
    """Measure one state after the other; what was measured is kept if somebody stops it.

    Args:
        model: landmark model or ensemble.
        backend: name of the runtime, or "auto".
        threads: for each model; None picks by the cores of the machine.
        duration: seconds for each state.
        settings: of the tracker.
        watch: told which state comes next.

    Raises:
        UsageError: an unknown name.
        ModelError: a model file is missing or altered.
        DeviceError: the backend does not work here.
    """
    engine = Engine(model, backend, threads, settings)
    for scene in (*SCENES, LIVE):
        if watch:
            watch(scene.state)
        clip = draw_clip(scene)
        run = live if scene is LIVE else flat_out
        yield run(engine, scene, clip, duration)

"""A whole benchmark from its plan to its report; what was measured is kept when it is stopped."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from edgehands import folders
from edgehands.benchmarks.bench import fingerprint, pipeline
from edgehands.benchmarks.bench.accuracy import crops
from edgehands.benchmarks.bench.datasets import Dataset, measure
from edgehands.benchmarks.bench.measuring import Measuring
from edgehands.benchmarks.bench.pipeline_sustained import PARTS, sustained
from edgehands.benchmarks.bench.rows import DatasetRow, Report
from edgehands.errors import EdgeHandsError
from edgehands.probe import TIMEOUT
from edgehands.settings import TrackerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgehands.benchmarks.bench.measuring import Watch
    from edgehands.benchmarks.bench.pipeline_figures import Moment, PipelineRow
    from edgehands.benchmarks.bench.plan import Plan
    from edgehands.benchmarks.bench.rows import Case
    from edgehands.inference import Precision

SUSTAINED_FROM = 60.0
"""Seconds from which a pipeline's run is one long run, in which the device becomes warm."""
_STATES = 5


@dataclass(frozen=True, slots=True)
class Whole:
    """What to measure of the whole pipeline."""

    models: Sequence[str]
    backend: str = "auto"
    threads: int | None = None
    device: str | None = None
    precision: Precision = "fp32"
    seconds: float = 3.0
    """For each state; from `SUSTAINED_FROM` on, of one long run."""
    states: bool = False
    datasets: Sequence[Dataset] = ()


class Study:
    """One benchmark.

    Args:
        plan: of the models alone.
        whole: of the pipeline.
        command: as it was typed.
        folder: model folder; None searches the usual places.
        timeout: seconds for each round of each case, until its process is killed.
    """

    def __init__(
        self,
        plan: Plan,
        whole: Whole,
        command: str,
        folder: str | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.plan, self.whole, self.command = plan, whole, command
        self.is_stopped = False
        """Whether somebody stopped it before its end."""
        self._folder = folder
        self._made = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self._before = fingerprint.state()
        self._measuring = Measuring(plan, folder=folder, timeout=timeout)
        self._pipeline: list[PipelineRow] = []
        self._sustained: list[Moment] = []
        self._datasets: list[DatasetRow] = []
        self._problems: list[str] = []

    @property
    def steps(self) -> int:
        """How often `run` will say what it does."""
        whole = self.whole
        states = (PARTS if whole.seconds >= SUSTAINED_FROM else _STATES) if whole.states else 0
        sets = len(whole.datasets) * len(whole.models)
        return 1 + len(self.plan.cases) * self.plan.rounds + states + sets

    def run(self, watch: Watch = lambda _: None) -> Report:
        """Measure; Ctrl-C ends it, and the report has what was measured until then.

        Raises:
            EdgeHandsError: a model file is missing, or tflite does not work here.
        """
        with _somewhere_to_keep_pictures():
            watch("pictures with known hands; the first time, they are drawn")
            try:
                crops()
                self._measuring.run(watch)
                self._try_whole(watch)
            except KeyboardInterrupt:
                self.is_stopped = True
        return self._report()

    def again(self, cases: Sequence[Case], watch: Watch = lambda _: None) -> Report:
        """Measure some cases once more and return the report with their rounds added."""
        if self.is_stopped:
            return self._report()
        with _somewhere_to_keep_pictures():
            try:
                self._measuring.run(watch, cases)
            except KeyboardInterrupt:
                self.is_stopped = True
        return self._report()

    def _report(self) -> Report:
        measuring = self._measuring
        device = msgspec.structs.replace(
            fingerprint.device(self._before),
            came_first=measuring.came_first,
            peak_gflops={str(threads): peak for threads, peak in measuring.peaks().items()},
        )
        return Report(
            made=self._made,
            command=self.command,
            device=device,
            warnings=[
                *self._problems,
                *fingerprint.warnings(device, measuring.others(), measuring.clocks()),
            ],
            rows=measuring.rows(),
            pipeline=self._pipeline,
            sustained=self._sustained,
            datasets=self._datasets,
            rounds=self.plan.rounds,
            seconds=self.plan.seconds,
        )

    def _try_whole(self, watch: Watch) -> None:
        """Run the pipeline; that it fails must not cost what was measured before."""
        try:
            self._run_whole(watch)
        except EdgeHandsError as error:
            self._problems.append(f"the pipeline does not run here: {error}")

    def _run_whole(self, watch: Watch) -> None:
        whole = self.whole
        settings = TrackerSettings(
            device=whole.device, precision=whole.precision, models=self._folder
        )
        model = whole.models[0]
        if whole.states and whole.seconds >= SUSTAINED_FROM:
            for moment in sustained(
                model, whole.backend, whole.threads, whole.seconds, settings=settings
            ):
                self._sustained.append(moment)
                watch(f"pipeline for {whole.seconds / 60:.0f} minutes, {moment.fps:.0f} fps")
        elif whole.states:
            for row in pipeline.rows(
                model,
                whole.backend,
                whole.threads,
                whole.seconds,
                settings,
                lambda state: watch(f"pipeline, {state}"),
            ):
                self._pipeline.append(row)
        for dataset in whole.datasets:
            for name in whole.models:
                watch(f"{dataset.name}, {name}")
                found = measure(dataset, name, whole.backend, whole.threads, settings=settings)
                self._datasets.append(DatasetRow(dataset.name, name, whole.backend, found))


@contextmanager
def _somewhere_to_keep_pictures() -> Iterator[None]:
    """Give a user without a home a folder, so that not every process draws the pictures again."""
    if folders.cache() is not None:
        yield
        return
    with TemporaryDirectory(prefix="edgehands-bench-") as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        try:
            yield
        finally:
            del os.environ["XDG_CACHE_HOME"]

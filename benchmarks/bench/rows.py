"""What a benchmark says, in the form in which it is kept: version 1 of the JSON file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec

from edgehands.benchmarks.bench.accuracy import Accuracy  # noqa: TC001 (msgspec reads them)
from edgehands.benchmarks.bench.accuracy_whole import WholeAccuracy  # noqa: TC001
from edgehands.benchmarks.bench.fingerprint import Device  # noqa: TC001
from edgehands.benchmarks.bench.pipeline_figures import Moment, PipelineRow  # noqa: TC001
from edgehands.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VERSION = 1
"""Of the file. A reader of this version takes files with more keys, and none of a later version."""

Status: TypeAlias = Literal["ok", "wrong outputs", "crashed", "hung", "not here", "failed"]
"""Only "ok" is ranked. "not here" has no runtime or device; "failed" has, and cannot run it."""


class Case(msgspec.Struct, frozen=True):
    """What is measured as one: a model on a backend with so many threads."""

    model: str
    backend: str
    threads: int
    precision: Literal["fp32", "int8"] = "fp32"
    device: str | None = None
    """As asked for; None is the backend's own choice."""

    def __str__(self) -> str:
        plural = "s" if self.threads > 1 else ""
        extra = f", {self.precision}" if self.precision != "fp32" else ""
        place = f" on {self.device}" if self.device else ""
        return f"{self.model}, {self.backend}{place}, {self.threads} thread{plural}{extra}"


class Round(msgspec.Struct, frozen=True):
    """One process that ran the model for a while; the rounds of all cases take turns."""

    runs: int
    p10_ms: float
    """What a run takes when nothing is in its way."""
    p50_ms: float
    yardstick_ms: float
    """A matrix product on as many threads, just before and after: how fast the machine was."""
    others: float
    """Share of the machine's cores that other processes took meanwhile."""
    mhz: float | None = None
    """Clock of the cores at its end."""


class Latency(msgspec.Struct, frozen=True):
    """Of one run of the model, milliseconds, over all rounds."""

    p50: float
    p90: float
    p99: float
    min: float
    mean: float
    runs: int


class Speed(msgspec.Struct, frozen=True):
    """What was measured of a case that gives the right outputs."""

    latency_ms: Latency
    cpu_ms: float
    """Of all cores for a run, waiting in a loop included."""
    init_ms: float
    """To open the model, with the runtime's import, in a fresh process; median of the rounds."""
    rss_mb: float
    """Resident memory of the process after the runs; median of the rounds."""
    gflops: float
    """At the median run; a multiply-accumulate is two operations."""
    peak_share: float
    """Of what a float32 matrix product reaches on as many threads."""
    rounds: list[Round]


class Row(msgspec.Struct, frozen=True):
    """One case and what became of it. No speed comes without an accuracy."""

    model: str
    backend: str
    threads: int
    precision: str
    device: str
    """What it really ran on, "" where it never ran."""
    runtime: str
    """With its version."""
    status: Status
    reason: str
    """One line, "" for "ok"."""
    params: int
    macs: int
    """Multiply-accumulates for one hand or picture, all views together."""
    sha256: str
    """Of the original model file."""
    asked_precision: Literal["fp32", "int8"] = "fp32"
    asked_device: str | None = None
    speed: Speed | None = None
    accuracy: Accuracy | None = None

    @property
    def case(self) -> Case:
        """What was to be measured."""
        return Case(self.model, self.backend, self.threads, self.asked_precision, self.asked_device)

    @property
    def is_software(self) -> bool:
        """Whether a GPU's work was done by the CPU."""
        return "software adapter" in self.device


class DatasetRow(msgspec.Struct, frozen=True):
    """A model on labelled photographs of the user's, with the whole pipeline."""

    dataset: str
    """As asked for."""
    model: str
    backend: str
    accuracy: WholeAccuracy


class Report(msgspec.Struct, frozen=True):
    """A whole benchmark."""

    made: str
    """Date, ISO 8601."""
    command: str
    device: Device
    warnings: list[str]
    """What makes the figures worth less."""
    rows: list[Row]
    pipeline: list[PipelineRow] = []
    sustained: list[Moment] = []
    datasets: list[DatasetRow] = []
    rounds: int = 0
    """Of each case, as planned."""
    seconds: float = 0.0
    """Timed in each round."""
    version: Annotated[int, msgspec.Meta(ge=1, le=VERSION)] = VERSION


def ranked(rows: Iterable[Row]) -> list[Row]:
    """Return the rows with a speed, the fastest first."""
    timed = [(row.speed.latency_ms.p50, row) for row in rows if row.speed]
    return [row for _, row in sorted(timed, key=lambda each: each[0])]


def encode(report: Report) -> bytes:
    """Return the content of a file; figures have five digits, which is more than they are worth."""
    return msgspec.json.format(msgspec.json.encode(_rounded(msgspec.to_builtins(report)))) + b"\n"


def read(path: Path) -> Report:
    """Read a file that `encode` wrote.

    Raises:
        InputError: it cannot be read or is no benchmark.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        what = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} is no result of edgehands bench ({what}): make one with "
            "`edgehands bench --json FILE`"
        ) from error


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value

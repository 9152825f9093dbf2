"""A backend tried in another process: what that one is told, does and answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np

from edgehands.inference import Description, ModelFile  # noqa: TC001 (msgspec reads them)
from edgehands.selection import open_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgehands.hand import FloatArray
    from edgehands.isolated import Watch

    Outputs: TypeAlias = tuple[FloatArray, ...]

WORK = "edgehands.probe_child:work"
"""The function `work`, as `isolated.run` finds it."""


class Array(msgspec.Struct, frozen=True):
    """A float32 array between two processes."""

    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, array: FloatArray) -> Array:
        """Make one of an array."""
        whole = np.asarray(array, np.float32)
        return cls(whole.shape, whole.tobytes())

    def array(self) -> FloatArray:
        """Return the array that it was made of."""
        return np.frombuffer(self.data, np.float32).reshape(self.shape)


class Job(msgspec.Struct, frozen=True):
    """What the child is to do."""

    backend: str
    model: ModelFile
    batch: int
    device: str | None
    threads: int
    options: dict[str, str]
    inputs: list[Array]
    timed_runs: int


class Answer(msgspec.Struct, frozen=True):
    """What came of it."""

    description: Description
    open_seconds: float
    run_seconds: list[float]
    outputs: list[list[Array]]


def work(job: bytes, watch: Watch) -> bytes:
    """Do a job: the other process's side."""
    return msgspec.msgpack.encode(_do(msgspec.msgpack.decode(job, type=Job), watch))


def _do(job: Job, watch: Watch) -> Answer:
    watch("opening it")
    before = time.perf_counter()
    with open_session(
        job.backend,
        job.model,
        batch=job.batch,
        device=job.device,
        threads=job.threads,
        options=job.options,
    ) as session:
        open_seconds = time.perf_counter() - before
        seconds: list[float] = []
        outputs = []
        for picture in [each.array() for each in job.inputs]:
            watch("running it")
            session.input[:] = picture
            outputs.append([Array.of(output) for output in _timed(session.run, seconds)])
        for _ in range(job.timed_runs):
            watch("running it")
            _timed(session.run, seconds)
        description = session.describe()
        watch("closing it")
    return Answer(description, open_seconds, seconds, outputs)


def _timed(run: Callable[[], Outputs], seconds: list[float]) -> Outputs:
    before = time.perf_counter()
    outputs = run()
    seconds.append(time.perf_counter() - before)
    return outputs

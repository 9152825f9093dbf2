"""One round of one case: the work of a process of its own."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgehands.benchmarks.bench.accuracy import Accuracy, Crops, crops, measure
from edgehands.benchmarks.bench.pipeline_sustained import mean_clock
from edgehands.benchmarks.bench.process import Load, come_first, resident_bytes
from edgehands.benchmarks.bench.yardstick import products
from edgehands.doctor.findings import Machine
from edgehands.errors import ModelError
from edgehands.inference import Description, ModelFile, Session
from edgehands.models import store
from edgehands.models.catalog import PLAIN
from edgehands.selection import load_backend
from edgehands.stages import ModelLandmarkStage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgehands.hand import FloatArray
    from edgehands.isolated import Watch
    from edgehands.models.catalog import View

WORK = "edgehands.benchmarks.bench.child:work"

_WARM_UP_BLOCK, _MAX_WARM_UP = 0.1, 3.0  # seconds
_STABLE = 0.97
"""A block of the warm-up that is no faster than this share of the one before is the last."""
_MIN_RUNS = 3
_YARDSTICK_SECONDS = 0.04


class Job(msgspec.Struct, frozen=True):
    """What is to be done."""

    model: str
    """Its id; that of an ensemble has its file's in `file`."""
    backend: str
    threads: int
    device: str | None
    file: ModelFile
    """As the backend reads it."""
    folder: str | None
    """Of the models."""
    seconds: float
    """How long runs are timed."""
    pictures: bytes = b""
    """float32 [N, H, W, 3] in 0..1 whose outputs are to be sent back."""
    is_first: bool = False
    """Whether accuracy is wanted too."""


class Answer(msgspec.Struct, frozen=True):
    """What came of it. Times are seconds."""

    description: Description
    opened: float
    runs: list[float] = []
    """None of a session whose outputs are of another shape than they should be."""
    cpu: list[float] = []
    yardstick: list[float] = []
    others: float = 0.0
    came_first: bool = False
    """Whether other processes had to wait for this one."""
    rss: int = 0
    """Bytes."""
    mhz: float | None = None
    """Clock of the cores when the runs ended."""
    outputs: list[list[tuple[list[int], bytes]]] = []
    """Shape and float32 values of each output of each picture."""
    accuracy: Accuracy | None = None


class Timed(Session):
    """A session whose runs are timed."""

    def __init__(self, inner: Session) -> None:
        self.inner, self.input = inner, inner.input
        self.wall = self.cpu = 0.0
        """Seconds of all runs since `reset`."""

    def reset(self) -> None:
        """Begin anew."""
        self.wall = self.cpu = 0.0

    def run(self) -> tuple[FloatArray, ...]:
        """Run on `input`."""
        cpu, wall = time.process_time(), time.perf_counter()
        outputs = self.inner.run()
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu
        return outputs

    def describe(self) -> Description:
        """Return the inner session's."""
        return self.inner.describe()

    def close(self) -> None:
        """Close the inner session."""
        self.inner.close()


def work(job: bytes, watch: Watch) -> bytes:
    """Do a job: what `edgehands.isolated` calls."""
    return msgspec.msgpack.encode(_work(msgspec.msgpack.decode(job, type=Job), watch))


def _work(job: Job, watch: Watch) -> Answer:
    came_first = come_first()
    views = views_of(job.model, job.folder)
    watch("opening it")
    before = time.perf_counter()
    session = Timed(_open(job, len(views)))
    opened = time.perf_counter() - before
    with session:
        outputs = []
        if job.pictures:
            watch("running it")
            outputs = _outputs(session, job)
            if not _have_right_shapes(outputs, job.file):
                return Answer(session.describe(), opened, outputs=outputs)
        pictures = crops()
        watch("timing it")
        once = passes(session, pictures, views, job.file.role)
        _warm_up(session, once)
        yardstick = products(job.threads, _YARDSTICK_SECONDS)
        begin = Load()
        runs, cpu = times(session, once, job.seconds)
        others = begin.others()
        clock, rss = mean_clock(Machine()), resident_bytes()
        yardstick += products(job.threads, _YARDSTICK_SECONDS)
        watch("measuring its accuracy")
        accuracy = measure(session, job.model, pictures, job.folder) if job.is_first else None
        description = session.describe()
        watch("closing it")
    return Answer(
        description=description,
        opened=opened,
        runs=runs,
        cpu=cpu,
        yardstick=yardstick,
        others=others,
        came_first=came_first,
        rss=rss,
        mhz=clock,
        outputs=outputs,
        accuracy=accuracy,
    )


def views_of(model: str, folder: str | None) -> Sequence[View]:
    """Return how often, and how, a model looks at one picture."""
    catalog = store.whole_catalog(folder)
    if any(each.id == model and each.role == "palm" for each in catalog.models):
        return PLAIN
    return catalog.resolve(model)[1]


def _open(job: Job, views: int) -> Session:
    """Open the model with a place for each view, or where that cannot be, with one for all."""

    def session(batch: int) -> Session:
        return load_backend(job.backend).open_session(
            job.file, batch=batch, device=job.device, threads=job.threads, options={}
        )

    try:
        return session(views)
    except ModelError:
        if views == 1:
            raise
        return session(1)


def _outputs(session: Session, job: Job) -> list[list[tuple[list[int], bytes]]]:
    side = job.file.input_size
    pictures = np.frombuffer(job.pictures, np.float32).reshape(-1, side, side, 3)
    answers = []
    for number, picture in enumerate(pictures):
        session.input[:] = picture
        place = number % len(session.input)  # of a batch, every place has to be right
        outputs = [output[place : place + 1] for output in session.run()]
        answers.append([(list(each.shape), _bytes(each)) for each in outputs])
    return answers


def _have_right_shapes(outputs: list[list[tuple[list[int], bytes]]], file: ModelFile) -> bool:
    wanted = [[1, *output.shape] for output in file.outputs]
    return all([shape for shape, _ in each] == wanted for each in outputs)


def _bytes(values: FloatArray) -> bytes:
    return np.ascontiguousarray(values, np.float32).tobytes()


def passes(
    session: Session, pictures: Crops, views: Sequence[View], role: str
) -> Callable[[int], object]:
    """Return what runs the model on one picture, as the pipeline does, all its views included."""
    if role == "palm":

        def detect(number: int) -> object:
            square = pictures.squares[number % len(pictures.squares)]
            np.multiply(square, np.float32(1 / 255), out=session.input[0], casting="unsafe")
            return session.run()

        return detect
    stage = ModelLandmarkStage(session, views)

    def look(number: int) -> object:
        crop = pictures.hands[number % len(pictures.hands)]
        return stage.measure(crop.patch, [crop.roi])

    return look


def _warm_up(session: Timed, once: Callable[[int], object]) -> None:
    """Run in blocks until one is no faster than the one before it."""
    begin = time.perf_counter()
    last = np.inf
    while time.perf_counter() - begin < _MAX_WARM_UP:
        block = median(times(session, once, _WARM_UP_BLOCK, least=2)[0])
        if block > _STABLE * last:
            return
        last = block


def times(
    session: Timed, once: Callable[[int], object], seconds: float, least: int = _MIN_RUNS
) -> tuple[list[float], list[float]]:
    """Return wall and CPU seconds of runs, one picture after the other, for about so long."""
    wall: list[float] = []
    cpu: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(wall) < least:
        session.reset()
        once(len(wall))
        wall.append(session.wall)
        cpu.append(session.cpu)
    return wall, cpu

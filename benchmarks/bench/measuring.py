"""Measures every case of a plan, each in processes of its own, in turns with the others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from edgehands import isolated
from edgehands.agreement import REFERENCE, references
from edgehands.benchmarks.bench import child, yardstick
from edgehands.benchmarks.bench.accuracy import crops, measure
from edgehands.benchmarks.bench.child import Answer, Job
from edgehands.benchmarks.bench.judging import losses, mistakes
from edgehands.benchmarks.bench.rows import Latency, Round, Row, Speed
from edgehands.errors import DeviceError, EdgeHandsError
from edgehands.models import store
from edgehands.models.derived import derive
from edgehands.probe import TIMEOUT
from edgehands.selection import open_session, readable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgehands.benchmarks.bench.accuracy import Accuracy
    from edgehands.benchmarks.bench.judging import Reference
    from edgehands.benchmarks.bench.plan import Plan
    from edgehands.benchmarks.bench.rows import Case, Status
    from edgehands.inference import ModelFile
    from edgehands.isolated import Ending

    Watch = Callable[[str], None]
    """Called with what is measured next."""

_FRAMES = 8
"""Of the shipped clip, whose outputs are compared with tflite's."""

_STATUS: Mapping[isolated.How, Status] = {
    "died": "crashed",
    "timed out": "hung",
    "failed": "failed",
}


@dataclass(slots=True)
class _Record:
    """What is known of one case so far."""

    status: Status = "ok"
    reason: str = ""
    answers: list[Answer] = field(default_factory=list)


class Measuring:
    """Measures; what it has so far can be asked for at any time, as after Ctrl-C.

    Args:
        plan: cases, rounds and seconds.
        folder: model folder; None searches the usual places.
        timeout: seconds for each round of each case, until its process is killed.

    Raises:
        ModelError: a model file is missing or altered.
        DeviceError: tflite, which all others are compared with, does not work here.
    """

    def __init__(self, plan: Plan, *, folder: str | None = None, timeout: float = TIMEOUT) -> None:
        self._plan = plan
        self._folder = folder
        self._timeout = timeout
        self._records = {case: _Record() for case in plan.cases}
        self._answers: list[Answer] = []  # of all cases, in the order of time
        self._references: dict[str, Reference] = {}
        self._accuracies: dict[str, Accuracy] = {}
        self._files: dict[tuple[str, str, str], ModelFile | EdgeHandsError] = {}

    def run(self, watch: Watch = lambda _: None, cases: Sequence[Case] | None = None) -> None:
        """Measure round after round; another time, it adds rounds. `cases` None are all."""
        cases = list(self._records) if cases is None else cases
        for number in range(self._plan.rounds):
            # Another one begins each time: nobody always follows the same one.
            first = number * len(cases) // self._plan.rounds
            for case in [*cases[first:], *cases[:first]]:
                watch(str(case))
                record = self._records[case]
                if record.status == "ok":
                    self._measure(case, record, is_first=not record.answers)

    def rows(self) -> list[Row]:
        """Return a row for each case that was looked at; one for a backend that is not here."""
        peaks = self.peaks()
        rows: list[Row] = []
        absent = set()
        for case, record in self._records.items():
            if record.status == "ok" and not record.answers:
                continue
            if record.status == "not here":
                if (case.model, case.backend) in absent:
                    continue
                absent.add((case.model, case.backend))
            rows.append(self._row(case, record, peaks))
        return rows

    def peaks(self) -> dict[int, float]:
        """Return the GFLOP/s that a matrix product reached, by number of threads."""
        best: dict[int, float] = defaultdict(float)
        for case, record in self._records.items():
            for answer in record.answers:
                if answer.yardstick:
                    product = float(np.percentile(answer.yardstick, 10))
                    rate = case.threads * yardstick.OPERATIONS / product / 1e9
                    best[case.threads] = max(best[case.threads], rate)
        return dict(best)

    def others(self) -> list[float]:
        """Return the share of the cores that other processes took, in each round."""
        return [answer.others for answer in self._answers]

    def clocks(self) -> list[float]:
        """Return the clock of the cores at the end of each round, MHz, where it is known."""
        return [answer.mhz for answer in self._answers if answer.mhz is not None]

    @property
    def came_first(self) -> bool:
        """Whether other processes had to wait."""
        return bool(self._answers) and all(answer.came_first for answer in self._answers)

    def _measure(self, case: Case, record: _Record, *, is_first: bool) -> None:
        file = self._file(case)
        if isinstance(file, EdgeHandsError):
            record.status, record.reason = _of_error(file), str(file)
            return
        reference = self._reference(case.model)
        job = Job(
            model=case.model,
            backend=case.backend,
            threads=case.threads,
            device=case.device,
            file=file,
            folder=self._folder,
            seconds=self._plan.seconds,
            pictures=np.concatenate(reference.inputs).tobytes() if is_first else b"",
            is_first=is_first,
        )
        timeout = self._timeout + self._plan.seconds
        content = msgspec.msgpack.encode(job)
        try:
            ending = isolated.run(child.WORK, content, timeout, yardstick.ENVIRONMENT)
        except OSError as error:
            record.status, record.reason = "failed", f"it cannot have a process: {error}"
            return
        self._keep(case, record, ending, reference if is_first else None)

    def _keep(
        self, case: Case, record: _Record, ending: Ending, reference: Reference | None
    ) -> None:
        if ending.how == "answered":
            answer = msgspec.msgpack.decode(ending.answer, type=Answer)
            record.answers.append(answer)
            if answer.runs:
                self._answers.append(answer)
            if reference is not None and (wrong := self._mistakes(case, answer, reference)):
                record.status, record.reason = "wrong outputs", wrong
            return
        error = ending.error
        record.status = _of_error(error) if error else _STATUS[ending.how]
        record.reason = ending.message if error else f"{case.backend} {ending.message}"

    def _mistakes(self, case: Case, answer: Answer, reference: Reference) -> str:
        wrong = mistakes(answer, reference)
        if wrong or answer.accuracy is None or answer.description.precision == "fp32":
            return wrong
        return losses(answer.accuracy, self._float_accuracy(case.model, reference.model))

    def _float_accuracy(self, model: str, file: ModelFile) -> Accuracy:
        """Return what tflite reaches in fp32 on the same pictures."""
        if model not in self._accuracies:
            with open_session(REFERENCE, file) as session:
                self._accuracies[model] = measure(session, model, crops(), self._folder)
        return self._accuracies[model]

    def _file(self, case: Case) -> ModelFile | EdgeHandsError:
        """Return the model as the backend reads it, or why there is none."""
        key = (case.model, case.backend, case.precision)
        if key not in self._files:
            try:
                self._files[key] = readable(
                    self._reference(case.model).model,
                    case.backend,
                    partial(derive, folder=self._folder),
                    case.precision,
                )
            except EdgeHandsError as error:
                self._files[key] = error
        return self._files[key]

    def _reference(self, model: str) -> Reference:
        """Return what tflite says of the shipped clip's hands, or palms."""
        if model not in self._references:
            catalog = store.whole_catalog(self._folder)
            with_palms = {each.id: each.palm or "" for each in catalog.models}
            hands = next((name for name, palm in with_palms.items() if palm == model), model)
            palm, landmarks = references(hands, self._folder, _FRAMES)
            self._references[model] = palm if hands != model else landmarks
        return self._references[model]

    def _row(self, case: Case, record: _Record, peaks: Mapping[int, float]) -> Row:
        model = self._reference(case.model).model
        entry = store.whole_catalog(self._folder).get(model.id)
        views = len(child.views_of(case.model, self._folder))
        macs = entry.macs * views
        told = record.answers[0].description if record.answers else None
        return Row(
            model=case.model,
            backend=case.backend,
            threads=case.threads,
            precision=told.precision if told else case.precision,
            device=told.device if told else "",
            runtime=f"{told.runtime} {told.version}" if told else "",
            status=record.status,
            reason=" ".join(record.reason.split()),
            params=entry.params,
            macs=macs,
            sha256=model.sha256,
            asked_precision=case.precision,
            asked_device=case.device,
            speed=_speed(record.answers, macs, peaks[case.threads])
            if record.status == "ok"
            else None,
            accuracy=record.answers[0].accuracy if record.answers else None,
        )


def _of_error(error: EdgeHandsError) -> Status:
    """Tell a backend that is not here from one that is here and fails."""
    return "not here" if isinstance(error, DeviceError) else "failed"


def _speed(answers: list[Answer], macs: int, peak: float) -> Speed:
    runs = np.concatenate([answer.runs for answer in answers]) * 1e3
    p50, p90, p99 = (float(each) for each in np.percentile(runs, (50, 90, 99)))
    gflops = 2 * macs / p50 / 1e6
    return Speed(
        latency_ms=Latency(p50, p90, p99, float(runs.min()), float(runs.mean()), len(runs)),
        cpu_ms=float(np.median(np.concatenate([answer.cpu for answer in answers]))) * 1e3,
        init_ms=float(np.median([answer.opened for answer in answers])) * 1e3,
        rss_mb=float(np.median([answer.rss for answer in answers])) / 1e6,
        gflops=gflops,
        peak_share=gflops / peak,
        rounds=[_round(answer) for answer in answers],
    )


def _round(answer: Answer) -> Round:
    p10, p50 = (float(each) * 1e3 for each in np.percentile(answer.runs, (10, 50)))
    product = float(np.percentile(answer.yardstick, 10)) * 1e3
    return Round(len(answer.runs), p10, p50, product, answer.others, answer.mhz)

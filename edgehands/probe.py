"""Tries a backend in another process first, and compares what it answers.

A GPU's compiler, or an accelerator's library built for another ABI, can end the process with a
signal that no `try` catches, or hang for ever. So it runs where that costs nothing: a fresh
interpreter with a time limit opens the model, runs it on given inputs and hands back the outputs.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
import numpy as np

from edgehands import isolated
from edgehands.errors import DeviceError, EdgeHandsError
from edgehands.probe_child import WORK, Answer, Array, Job
from edgehands.selection import load_backend

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from edgehands.hand import FloatArray
    from edgehands.inference import Description, ModelFile
    from edgehands.isolated import Ending

    Outputs: TypeAlias = tuple[FloatArray, ...]

logger = logging.getLogger(__name__)

Outcome: TypeAlias = Literal["ok", "wrong", "error", "died", "timed out"]

TIMEOUT = 60.0
"""Seconds for each step of the other process: a GPU may have to compile the model."""
TOLERANCE = 1e-3
"""Largest difference allowed, as a share of each output's range."""

_lock = threading.Lock()
_works: set[Hashable] = set()


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a try."""

    outcome: Outcome
    message: str
    """One line for people."""
    description: Description | None = None
    """What the session ran on; None unless the outputs came back."""
    open_seconds: float | None = None
    run_seconds: tuple[float, ...] = ()
    """One for each run: first the given inputs, then the timed runs."""
    difference: float | None = None
    """Largest difference from the expected outputs, as a share of their range."""
    outputs: tuple[Outputs, ...] = field(default=(), repr=False, compare=False)
    """What it answered to each input."""
    error: EdgeHandsError | None = None
    """What the backend raised, when the outcome is "error" and it did so on purpose."""
    log: str = ""
    """The end of what the other process wrote, native code and Python's fault handler included."""

    def raise_for_failure(self) -> None:
        """Raise what the backend raised, or a DeviceError, unless all is well."""
        if self.outcome != "ok":
            raise self.error or DeviceError(self.message)


def sample_inputs(model: ModelFile, batch: int = 1) -> list[FloatArray]:
    """Return two inputs [batch, H, W, 3] in 0..1 for a model: noise, and a ramp of colours."""
    side = model.input_size
    noise = np.random.default_rng(0).random((batch, side, side, 3), np.float32)
    ramp = np.empty_like(noise)
    steps = np.linspace(0, 1, side, dtype=np.float32)
    ramp[..., 0] = steps
    ramp[..., 1] = steps[:, np.newaxis]
    ramp[..., 2] = 1 - steps
    return [noise, ramp]


def answers(
    backend: str, model: ModelFile, inputs: Sequence[FloatArray], threads: int = 1
) -> list[Outputs]:
    """Return the outputs of `model` for each input, copied, on a backend in this process.

    Raises:
        EdgeHandsError: as `open_session` does.
    """
    results = []
    session = load_backend(backend).open_session(
        model, batch=len(inputs[0]), device=None, threads=threads, options={}
    )
    with session:
        for picture in inputs:
            session.input[:] = picture
            results.append(tuple(output.copy() for output in session.run()))
    return results


def differences(got: Sequence[Outputs], expected: Sequence[Outputs]) -> list[float]:
    """Return for each output the largest difference over all inputs, as a share of its range.

    The range is that of the expected values; of a single value, which is a probability, it is 1.
    What is no number, or has another shape, is infinitely far off.
    """
    shares = []
    for ours, theirs in zip(zip(*got, strict=True), zip(*expected, strict=True), strict=True):
        if [one.shape for one in ours] != [other.shape for other in theirs]:
            shares.append(np.inf)
            continue
        values, wanted = np.stack(ours), np.stack(theirs)
        if not np.isfinite(values).all():
            shares.append(np.inf)
            continue
        single = wanted[0, 0].size == 1
        span = 1.0 if single else max(float(np.ptp(wanted)), float(np.finfo(np.float32).tiny))
        shares.append(float(np.abs(values - wanted).max()) / span)
    return shares


def probe(
    backend: str,
    model: ModelFile,
    *,
    inputs: Sequence[FloatArray] | None = None,
    expected: Sequence[Outputs] | None = None,
    batch: int = 1,
    device: str | None = None,
    threads: int = 1,
    options: Mapping[str, str] | None = None,
    tolerance: float = TOLERANCE,
    timeout: float = TIMEOUT,
    timed_runs: int = 0,
) -> Trial:
    """Open `model` on `backend` in a fresh process, run it, and say what became of it.

    This process survives whatever happens to the other. Safe to call from any thread.

    Args:
        backend: its name, built-in or of another package.
        model: in the format that the backend reads.
        inputs: float32 [batch, H, W, 3] each; `sample_inputs` by default.
        expected: what a trusted backend answers to them, see `answers`; without it the outputs
            have only to be numbers.
        batch: as for `open_session`, as are the next three.
        device: see there.
        threads: see there.
        options: see there.
        tolerance: the largest difference that is right, as a share of each output's range.
        timeout: seconds that each of its steps may take until the other process is killed.
        timed_runs: so many runs more on the last input, for their times only.
    """
    inputs = sample_inputs(model, batch) if inputs is None else inputs
    job = Job(
        backend=backend,
        model=model,
        batch=batch,
        device=device,
        threads=threads,
        options=dict(options or {}),
        inputs=[Array.of(each) for each in inputs],
        timed_runs=timed_runs,
    )
    try:
        ending = isolated.run(WORK, msgspec.msgpack.encode(job), timeout)
    except OSError as error:
        return Trial("error", f"{backend} cannot be tried in another process: {error}")
    for line in ending.log.splitlines():
        logger.debug("%s, tried: %s", backend, line)
    return _trial(job, ending, expected, tolerance)


def ensure(
    backend: str,
    model: ModelFile,
    *,
    batch: int,
    device: str | None,
    threads: int,
    options: Mapping[str, str],
    tolerance: float | None = TOLERANCE,
    key: Hashable = None,
) -> None:
    """Raise unless `backend` runs `model` in another process; for use by a backend that opens it.

    That it works is remembered while this process lives, that it does not is not: a device may be
    plugged in. In the other process itself this does nothing.

    Args:
        backend: the caller's name.
        model: what it is about to open.
        batch: as given to the backend, as are the next three.
        device: see there.
        threads: see there.
        options: see there.
        tolerance: as for `probe`; None compares nothing, for a file that tflite cannot run.
        key: what the trial holds for; by default this model with these arguments.

    Raises:
        DeviceError: it died, hung, or gave wrong outputs.
        EdgeHandsError: what the backend raised there.
    """
    if isolated.is_child():
        return
    arguments = (batch, device, threads, tuple(sorted(options.items())))
    key = (backend, key) if key is not None else (backend, model.sha256, arguments)
    with _lock:
        if key in _works:
            return
        inputs = sample_inputs(model, batch)
        expected = None if tolerance is None else answers("tflite", model, inputs)
        trial = probe(
            backend,
            model,
            inputs=inputs,
            expected=expected,
            batch=batch,
            device=device,
            threads=threads,
            options=options,
            tolerance=TOLERANCE if tolerance is None else tolerance,
        )
        logger.info("%s", trial.message)
        trial.raise_for_failure()
        _works.add(key)


def _trial(job: Job, ending: Ending, expected: Sequence[Outputs] | None, tolerance: float) -> Trial:
    if ending.how == "answered":
        answer = msgspec.msgpack.decode(ending.answer, type=Answer)
        return _judged(answer, job, expected, tolerance, ending.log)
    if ending.how == "raised":
        return Trial("error", ending.message, error=ending.error, log=ending.log)
    message = f"{job.backend}, tried on {job.model.id} in another process, {ending.message}"
    return Trial("error" if ending.how == "failed" else ending.how, message, log=ending.log)


def _judged(
    answer: Answer,
    job: Job,
    expected: Sequence[Outputs] | None,
    tolerance: float,
    log: str,
) -> Trial:
    got = [tuple(array.array() for array in outputs) for outputs in answer.outputs]
    if wrong := _shape_mistake(got, job):
        return Trial("wrong", f"{job.backend} answers {wrong}", answer.description, log=log)
    # Without outputs to compare with, each has at least to be what it is: numbers.
    shares = differences(got, got if expected is None else expected)
    worst = max(range(len(shares)), key=shares.__getitem__)
    difference = shares[worst]
    if difference <= tolerance:
        outcome: Outcome = "ok"
        message = (
            f"{job.model.id} works on {answer.description}: opened in {answer.open_seconds:.2f} s, "
            f"last run {answer.run_seconds[-1] * 1e3:.1f} ms"
        ) + ("" if expected is None else f", outputs within {difference:.1e} of their range")
    else:
        outcome = "wrong"
        message = (
            f"{job.backend} gives wrong {job.model.outputs[worst].name} for {job.model.id}: off by "
            f"{difference:.2g} of their range, {tolerance:g} is allowed ({answer.description})"
        )
    return Trial(
        outcome,
        message,
        description=answer.description,
        open_seconds=answer.open_seconds,
        run_seconds=tuple(answer.run_seconds),
        difference=None if expected is None else difference,
        outputs=tuple(got),
        log=log,
    )


def _shape_mistake(got: list[Outputs], job: Job) -> str:
    """Say what is not as the catalog has it, "" if all is."""
    wanted = [(job.batch, *output.shape) for output in job.model.outputs]
    for outputs in got:
        shapes = [output.shape for output in outputs]
        if shapes != wanted:
            return f"{job.model.id} with outputs of the shapes {shapes}, not {wanted}"
    return ""

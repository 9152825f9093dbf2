"""Does every backend of this device see the same hands? The work of `edgehands verify`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from edgehands.agreement import REFERENCE, references, tolerance_for
from edgehands.errors import DeviceError, EdgeHandsError, UsageError
from edgehands.models.derived import derive
from edgehands.probe import TIMEOUT, probe
from edgehands.selection import backend_names, default_threads, load_backend, readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgehands.agreement import (
        Agreement,
        LandmarkAgreement,
        LandmarkReference,
        PalmAgreement,
        PalmReference,
    )
    from edgehands.inference import Description, ModelFile

Status: TypeAlias = Literal["reference", "agrees", "differs", "died", "absent", "failed"]

_ANY_NUMBER = 1e30  # the probe then refuses only what is no number or of another shape


@dataclass(frozen=True, slots=True)
class Attempt:
    """One model on one backend, in a process of its own."""

    status: Status
    reason: str = ""
    """One line: why there is no agreement, or what is beyond the tolerance."""
    description: Description | None = None
    agreement: Agreement | None = None
    open_seconds: float = 0.0
    run_seconds: tuple[float, ...] = ()
    """Of the timed runs, after a warm-up on every input."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one backend."""

    backend: str
    status: Status
    """"absent" has no runtime or device here; "failed" has, and cannot open the models."""
    reason: str = ""
    description: Description | None = None
    palm: PalmAgreement | None = None
    landmarks: LandmarkAgreement | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether this backend must not be used here."""
        return self.status in {"differs", "died"}


def candidates(asked: Sequence[str] = ()) -> list[str]:
    """Return the backends to look at: those asked for, else every one that runs models.

    Raises:
        UsageError: no backend has that name.
    """
    for name in asked:
        if name not in backend_names():
            load_backend(name)  # says which there are
        if name == "replay":
            raise UsageError("backend 'replay' runs no model: there is nothing to compare")
    return list(asked) or [name for name in backend_names() if name != "replay"]


def verify(
    model: str = "full",
    *,
    frames: int = 20,
    backends: Sequence[str] = (),
    folder: str | None = None,
    threads: int | None = None,
    timeout: float = TIMEOUT,
) -> Iterator[Row]:
    """Run the same pictures through every backend, one after the other.

    Args:
        model: landmark model; its palm model goes with it.
        frames: how many frames of the shipped clip.
        backends: names; empty takes all.
        folder: model folder; None searches the usual places.
        threads: of each session; None picks by the cores.
        timeout: seconds for each model on each backend, until its process is killed.

    Raises:
        UsageError: no such model or backend.
        ModelError: a model file is missing or altered.
        DeviceError: the reference itself does not work here.
    """
    names = [name for name in candidates(backends) if name != REFERENCE]
    palm, landmarks = references(model, folder, frames)
    yield _row(REFERENCE, palm, landmarks, folder, threads, timeout)
    for name in names:
        yield _row(name, palm, landmarks, folder, threads, timeout)


def attempt(
    backend: str,
    reference: PalmReference | LandmarkReference,
    *,
    folder: str | None = None,
    threads: int | None = None,
    timeout: float = TIMEOUT,
    timed_runs: int = 0,
) -> Attempt:
    """Run a reference's inputs on a backend in another process and compare."""
    threads = default_threads() if threads is None else threads
    try:
        file = readable(reference.model, backend, partial(derive, folder=folder))
    except EdgeHandsError as error:
        return Attempt(_closed(error), str(error))
    tried = probe(
        backend,
        file,
        inputs=reference.inputs,
        expected=reference.outputs,
        threads=threads,
        tolerance=_ANY_NUMBER,
        timeout=timeout,
        timed_runs=timed_runs,
    )
    if tried.outcome in {"died", "timed out"}:
        return Attempt("died", tried.message)
    if tried.outcome == "wrong":
        return Attempt("differs", _no_numbers(reference.model), tried.description)
    if tried.outcome == "error" or tried.description is None:
        return Attempt(_closed(tried.error), tried.message)
    agreement = reference.compare(tried.outputs)
    excesses = agreement.excesses(tolerance_for(tried.description.precision))
    return Attempt(
        "differs" if excesses else "agrees",
        "; ".join(excesses),
        tried.description,
        agreement,
        tried.open_seconds or 0.0,
        tried.run_seconds[len(reference.inputs) :],
    )


def _row(
    backend: str,
    palm_reference: PalmReference,
    landmark_reference: LandmarkReference,
    folder: str | None,
    threads: int | None,
    timeout: float,
) -> Row:
    palm = attempt(backend, palm_reference, folder=folder, threads=threads, timeout=timeout)
    if palm.status in {"absent", "died"}:  # the other model would only take as long again
        return Row(backend, palm.status, palm.reason)
    landmarks = attempt(
        backend, landmark_reference, folder=folder, threads=threads, timeout=timeout
    )
    status: Status = "reference" if backend == REFERENCE else "agrees"
    for tried in (palm, landmarks):
        if tried.status != "agrees":
            status = tried.status
    return Row(
        backend,
        status,
        "; ".join(dict.fromkeys(filter(None, (palm.reason, landmarks.reason)))),
        landmarks.description or palm.description,
        palm.agreement,  # type: ignore[arg-type] # a PalmReference compares palms
        landmarks.agreement,  # type: ignore[arg-type]
    )


def _closed(error: EdgeHandsError | None) -> Status:
    """Tell a backend that is not here from one that is here and fails."""
    return "absent" if isinstance(error, DeviceError) else "failed"


def _no_numbers(model: ModelFile) -> str:
    return f"the outputs for {model.id} are of another shape, or not numbers"

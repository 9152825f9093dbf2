"""The backend contract, the ordered table of backends, and how one is chosen.

A backend is a module with one function::

    def open_session(model, *, batch, device, threads, options) -> Session

It runs a model and nothing else: float32 in, float32 out, in the order that the catalog names.
Quantisation, layout and output order are its business; cropping and decoding are not. Its three
ways to fail are `RuntimeMissingError` (the message says what to install), `DeviceError` (what was
looked for, what was found) and `ModelError` (why this file cannot run there).
"""

from __future__ import annotations

import importlib
import logging
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, TypeVar, cast

from edgehands.errors import DeviceError, EdgeHandsError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

    from edgehands.hand import FloatArray

logger = logging.getLogger(__name__)

RuntimeT = TypeVar("RuntimeT")
Role: TypeAlias = Literal["palm", "landmarks"]


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One output tensor of a model, as the catalog lists it."""

    name: str
    """What it means: "boxes", "scores", "landmarks" …"""
    tensor: str
    """Its name inside the model file."""
    shape: tuple[int, ...]
    """Its shape without the batch axis."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model whose bytes have been verified, ready for any backend."""

    id: str
    role: Role
    data: bytes = field(repr=False)
    """The file's content: load from this, never from the path again."""
    sha256: str
    path: str
    """Where the bytes came from, for messages only."""
    input_size: int
    """Side of the square RGB input, pixels."""
    outputs: tuple[OutputSpec, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """What a session really runs on."""

    backend: str
    runtime: str
    version: str
    device: str
    precision: str

    def __str__(self) -> str:
        return f"{self.backend} ({self.runtime} {self.version}, {self.device}, {self.precision})"


class Session(ABC):
    """An opened model: write into `input`, call `run`, read the outputs.

    Used by one thread at a time; two sessions may run at once. A backend must give `input` and
    the three abstract methods; the `with` statement comes from here.
    """

    input: FloatArray
    """[batch, H, W, 3] RGB in 0..1, owned by the session: the crop is written straight into it."""

    @abstractmethod
    def run(self) -> tuple[FloatArray, ...]:
        """Run on `input`; arrays [batch, …] in catalog order, valid until the next run."""

    @abstractmethod
    def describe(self) -> Description:
        """Return runtime, version, device and precision actually used."""

    @abstractmethod
    def close(self) -> None:
        """Free the runtime's memory. Safe to call twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def opened(runtime: RuntimeT | None) -> RuntimeT:
    """Return a session's runtime object, or say that `close` has dropped it."""
    if runtime is None:
        raise UsageError("this session is closed: open another one")
    return runtime


class Backend(Protocol):
    """What a backend module must have."""

    def open_session(
        self,
        model: ModelFile,
        *,
        batch: int,
        device: str | None,
        threads: int,
        options: Mapping[str, str],
    ) -> Session:
        """Open a model; `options` are the backend's own, and an unknown one is a UsageError."""


@dataclass(frozen=True, slots=True)
class BackendEntry:
    """A row of the table: where a backend lives and what it needs."""

    module: str
    install: str
    """The command that brings its runtime."""
    hardware: str


BACKENDS: dict[str, BackendEntry] = {
    "tflite": BackendEntry(
        "edgehands.backends.tflite",
        "pip install ai-edge-litert",
        "any 64-bit CPU through XNNPACK, or an external delegate by path",
    ),
    "replay": BackendEntry(
        "edgehands.backends.replay",
        "nothing to install",
        "none: it replays recorded outputs",
    ),
}
"""Every backend by name. A module is imported only when its name is asked for."""

AUTO_ORDER = ("tflite",)
"""What `auto` tries, the surest first. `replay` is never chosen for the user."""


def default_threads() -> int:
    """Threads for one session: the cores this process may use, 4 at most.

    These models stop gaining beyond 4 threads, and a service should leave cores to others.
    """
    return min(4, len(os.sched_getaffinity(0)))


def load_backend(name: str) -> Backend:
    """Import the backend called `name`.

    Raises:
        UsageError: no backend has that name.
    """
    entry = BACKENDS.get(name)
    if entry is None:
        raise UsageError(
            f"no backend {name!r}: {did_you_mean(name, BACKENDS)}choose auto, {', '.join(BACKENDS)}"
        )
    return cast("Backend", importlib.import_module(entry.module))


def open_session(
    backend: str,
    model: ModelFile,
    *,
    batch: int = 1,
    device: str | None = None,
    threads: int | None = None,
    options: Mapping[str, str] | None = None,
) -> Session:
    """Open `model` on a backend by name, or on the first of `AUTO_ORDER` that works.

    A named backend works or fails. `auto` logs its choice and why the others were passed over.

    Raises:
        UsageError: unknown backend or option, a number below 1.
        DeviceError: no runtime or no device; with `auto`, all the reasons in one message.
        ModelError: the runtime cannot load this model.
    """
    if backend == "auto" and options:
        raise UsageError(
            f"the backend option {min(options)!r} belongs to one backend: name it instead of auto"
        )
    threads = default_threads() if threads is None else threads
    for what, value in (("batch", batch), ("threads", threads)):
        if value < 1:
            raise UsageError(f"{what} is {value}: it must be 1 or more")
    reasons: list[str] = []
    for name in AUTO_ORDER if backend == "auto" else (backend,):
        try:
            session = load_backend(name).open_session(
                model, batch=batch, device=device, threads=threads, options=options or {}
            )
        except EdgeHandsError as error:
            if backend != "auto":
                raise
            reasons.append(f"{name}: {error}")
        else:
            logger.info(
                "%s runs on %s%s",
                model.id,
                session.describe(),
                f" (not on {'; '.join(reasons)})" if reasons else "",
            )
            return session
    raise DeviceError(f"no backend could open {model.id}: {'; '.join(reasons)}")

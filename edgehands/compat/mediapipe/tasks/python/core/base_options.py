"""Which model, and what runs it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class _Delegate(enum.IntEnum):
    """What runs the models."""

    DEFAULT = 0
    CPU = 1
    GPU = 2


@dataclass
class BaseOptions:
    """Options of every task."""

    Delegate = _Delegate

    model_asset_path: str | None = None
    """Not read: the models are those of `edgehands models fetch`, which are the same."""
    model_asset_buffer: bytes | None = None
    """Not read either."""
    delegate: _Delegate | None = None
    """GPU is EdgeHands' backend litert-gpu; anything else is the one it takes by itself."""

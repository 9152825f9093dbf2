"""Converters: from the original .tflite file to what a runtime or an accelerator wants.

Each is one function, model file in, bytes out; `edgehands.models.derived` verifies and keeps what
they return. Their libraries are imported when a file is built, never before.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from edgehands.errors import RuntimeMissingError

if TYPE_CHECKING:
    from types import ModuleType


def tool(module: str, install: str) -> ModuleType:
    """Import a converter's library; `install` is the command that brings it.

    Raises:
        RuntimeMissingError: it does not load.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise RuntimeMissingError(
            f"building a model file needs {module.partition('.')[0]} ({error}): run `{install}`"
        ) from error
